#!/usr/bin/python3
"""COPY within one tenant, in and out, in text, CSV and binary, and its errors."""

from __future__ import annotations

import uuid

import psycopg

import harness

FLEET = "plain"
COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL, note text, "
           "PRIMARY KEY (customer_id, id)")


class Copy(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.tenant, self.other = self.tenants_together(2)

    def count(self, tenant: str | None = None) -> int:
        return int(self.one(self.bound(tenant or self.tenant),
                            f"SELECT count(*) FROM {self.table}"))

    def copy_in(self, connection: psycopg.Connection, data: list[bytes], options: str = "") -> None:
        with connection.cursor().copy(f"COPY {self.table} FROM STDIN {options}") as copy:
            for block in data:
                copy.write(block)

    def test_text_in_and_out(self) -> None:
        session = self.bound(self.tenant)
        lines = [f"{n}\t{self.tenant}\ttab\\tin {n}\n".encode() for n in range(1, 501)]
        self.copy_in(session, lines)
        self.assertEqual(self.count(), 500)
        with session.cursor().copy(f"COPY {self.table} TO STDOUT") as copy:
            out = b"".join(bytes(block) for block in copy)
        self.assertEqual(sorted(out.splitlines(keepends=True)), sorted(lines))
        self.assertEqual(self.one(session, "SELECT 1"), 1)

    def test_tiny_messages(self) -> None:
        data = b"".join(f"{n}\t{self.tenant}\tx\n".encode() for n in range(1, 101))
        self.copy_in(self.bound(self.tenant), [data[i:i + 3] for i in range(0, len(data), 3)])
        self.assertEqual(self.count(), 100)

    def test_csv(self) -> None:
        session = self.bound(self.tenant)
        self.copy_in(session, [f'id,customer_id,note\n1,{self.tenant},"a, ""b"""\n2,{self.tenant},\n'
                               .encode()], "WITH (FORMAT csv, HEADER)")
        self.assertEqual(self.rows(session, f"SELECT id, note FROM {self.table} ORDER BY id"),
                         [(1, 'a, "b"'), (2, None)])

    def test_binary_out(self) -> None:
        session = self.bound(self.tenant)
        session.execute(f"INSERT INTO {self.table} VALUES (1, %s, 'x')", (self.tenant,))
        with session.cursor().copy(f"COPY {self.table} TO STDOUT (FORMAT binary)") as copy:
            out = b"".join(bytes(block) for block in copy)
        self.assertTrue(out.startswith(b"PGCOPY\n\xff\r\n\0"))

    def test_operator_in_a_tenant_bound_session(self) -> None:
        operator = self.operator()
        operator.execute(f"SET pgreeve.tenant = '{self.tenant}'")
        self.copy_in(operator, [f"{n}\t{self.tenant}\tx\n".encode() for n in range(1, 201)])
        self.assertEqual(self.count(), 200)
        with operator.cursor().copy(
                f"COPY (SELECT id FROM {self.table} WHERE customer_id = '{self.tenant}' "
                "ORDER BY id) TO STDOUT") as copy:
            out = b"".join(bytes(block) for block in copy)
        self.assertEqual(out, b"".join(b"%d\n" % n for n in range(1, 201)))

    def test_rows_of_another_tenant_do_not_get_in(self) -> None:
        for session in (self.bound(self.tenant),):
            with self.assertRaises(psycopg.Error):
                self.copy_in(session, [f"1\t{self.tenant}\tx\n2\t{self.other}\tx\n".encode()])
            self.assertEqual(self.one(session, "SELECT 1"), 1)
        self.assertEqual((self.count(), self.count(self.other)), (0, 0))

    def test_free_session_is_refused(self) -> None:
        app = self.app()
        with self.assertRaises(psycopg.Error) as caught:
            self.copy_in(app, [f"1\t{self.tenant}\tx\n".encode()])
        self.assertEqual(caught.exception.sqlstate, "0A000", str(caught.exception))
        self.assertEqual(self.one(app, "SELECT 1"), 1)

    def test_bad_row_and_client_that_gives_up(self) -> None:
        session = self.bound(self.tenant)
        with self.assertRaises(psycopg.Error) as caught:
            self.copy_in(session, [f"1\t{self.tenant}\tx\nnot a number\t{self.tenant}\tx\n"
                                   .encode()])
        self.assertEqual(caught.exception.sqlstate, "22P02")
        with self.assertRaises(psycopg.errors.QueryCanceled):
            with session.cursor().copy(f"COPY {self.table} FROM STDIN") as copy:
                copy.write(f"1\t{self.tenant}\tx\n".encode())
                raise ValueError("the client changes its mind")
        self.assertEqual(self.count(), 0)
        self.assertEqual(self.one(session, "SELECT 1"), 1)

    def test_copy_in_a_transaction(self) -> None:
        session = self.bound(self.tenant, autocommit=False)
        self.copy_in(session, [f"1\t{self.tenant}\tx\n".encode()])
        session.rollback()
        self.assertEqual(self.count(), 0)
        self.copy_in(session, [f"1\t{self.tenant}\tx\n".encode()])
        session.commit()
        self.assertEqual(self.count(), 1)

    def test_large_copy_with_back_pressure(self) -> None:
        session = self.operator()
        session.execute(f"SET pgreeve.tenant = '{self.tenant}'")
        wide = "w" * 2000
        self.copy_in(session, [f"{n}\t{self.tenant}\t{wide}\n".encode() for n in range(1, 10001)])
        reader = self.bound(self.tenant)
        seen = 0
        with reader.cursor().copy(f"COPY {self.table} TO STDOUT") as copy:
            for block in copy:
                seen += bytes(block).count(b"\n")
        self.assertEqual(seen, 10000)

    def test_unknown_table(self) -> None:
        session = self.bound(self.tenant)
        self.refused(session, "42P01", f"COPY t{uuid.uuid4().hex} TO STDOUT")


if __name__ == "__main__":
    harness.main()
