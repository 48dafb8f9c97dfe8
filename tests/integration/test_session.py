#!/usr/bin/python3
"""What a session must get right: refusals inside transactions, pipelines, settings, lost shards."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

import harness

FLEET = "plain"
COLUMNS = "customer_id uuid NOT NULL, id int NOT NULL, PRIMARY KEY (customer_id, id)"
ANSWER_S = 20


def message(kind: bytes, *fields: bytes) -> bytes:
    body = b"".join(fields)
    return kind + struct.pack("!i", len(body) + 4) + body


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def parse(sql: str, name: str = "") -> bytes:
    return message(b"P", text(name), text(sql), b"\0\0")


def bind(portal: str = "", name: str = "") -> bytes:
    return message(b"B", text(portal), text(name), b"\0\0" * 3)


def execute(portal: str = "", limit: int = 0) -> bytes:
    return message(b"E", text(portal), struct.pack("!i", limit))


def describe(what: bytes, name: str = "") -> bytes:
    return message(b"D", what, text(name))


SYNC = message(b"S")


class Session(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.tenants = self.tenants_apart(2)
        for tenant in self.tenants:
            self.bound(tenant).execute(
                f"INSERT INTO {self.table} SELECT %s, n FROM generate_series(1, 3) n", (tenant,))

    def raw(self, connection: psycopg.Connection[Any], sent: bytes, until: bytes = b"Z"
            ) -> list[tuple[bytes, bytes]]:
        """Sends bytes past libpq; the messages that come, up to the first of kind `until`."""
        fd = socket.socket(fileno=socket.dup(connection.fileno()))
        self.addCleanup(fd.close)
        fd.setblocking(True)
        fd.settimeout(ANSWER_S)
        fd.sendall(sent)
        got: list[tuple[bytes, bytes]] = []
        rest = b""
        while True:
            piece = fd.recv(65536)
            self.assertNotEqual(piece, b"", f"the connection ended after {got}")
            rest += piece
            while len(rest) >= 5 and len(rest) > struct.unpack("!i", rest[1:5])[0]:
                size = struct.unpack("!i", rest[1:5])[0] + 1
                got.append((rest[:1], rest[5:size]))
                rest = rest[size:]
            if got and got[-1][0] == until:
                fd.setblocking(False)
                return got

    def kinds(self, messages: list[tuple[bytes, bytes]]) -> str:
        return b"".join(kind for kind, _ in messages).decode()

    def test_refusal_of_a_prepared_statement_in_a_transaction(self) -> None:
        app = self.app()
        app.pgconn.prepare(b"get", f"SELECT id FROM {self.table} WHERE customer_id = $1".encode())
        app.execute("BEGIN")
        first = app.pgconn.exec_prepared(b"get", [self.tenants[0].encode()])
        self.assertEqual(first.ntuples, 3)
        second = app.pgconn.exec_prepared(b"get", [self.tenants[1].encode()])
        self.assertEqual(second.error_field(DiagnosticField.SQLSTATE), b"0A000")
        self.assertEqual(app.pgconn.transaction_status, TransactionStatus.INERROR)
        app.execute("ROLLBACK")
        self.assertEqual(self.one(app, "SELECT 1"), 1)

    def copy_extended(self, connection: psycopg.Connection[Any], rows: bytes) -> Any:
        pgconn = connection.pgconn
        invited = pgconn.exec_params(f"COPY {self.table} (customer_id, id) FROM STDIN".encode(), [])
        if invited.status != ExecStatus.COPY_IN:
            return invited
        pgconn.put_copy_data(rows)
        pgconn.put_copy_end()
        result = pgconn.get_result()
        while pgconn.get_result() is not None:
            pass
        return result

    def test_copy_by_extended_protocol_in_a_transaction(self) -> None:
        tenant = self.tenants[0]
        session = self.bound(tenant)
        for end, count in (("ROLLBACK", 3), ("COMMIT", 4)):
            session.execute("BEGIN")
            result = self.copy_extended(session, f"{tenant}\t10\n".encode())
            self.assertEqual(result.status, ExecStatus.COMMAND_OK, result.error_message)
            session.execute(end)
            self.assertEqual(self.one(session, f"SELECT count(*) FROM {self.table}"), count)

    def test_a_copy_that_fails_fails_its_transaction(self) -> None:
        tenant = self.tenants[0]
        session = self.bound(tenant)
        session.execute("BEGIN")
        session.execute(f"INSERT INTO {self.table} VALUES (%s, 20)", (tenant,))
        result = self.copy_extended(session, f"{tenant}\t21\nonly one column\n".encode())
        self.assertEqual(result.status, ExecStatus.FATAL_ERROR)
        self.assertEqual(session.pgconn.transaction_status, TransactionStatus.INERROR)
        session.execute("COMMIT")
        self.assertEqual(self.one(session, f"SELECT count(*) FROM {self.table}"), 3)

    def test_a_shard_that_goes_away_while_the_client_thinks(self) -> None:
        tenant = self.tenants[0]
        session = self.bound(tenant)
        result = session.pgconn.exec_(f"COPY {self.table} (customer_id, id) FROM STDIN".encode())
        self.assertEqual(result.status, ExecStatus.COPY_IN)
        for number in (1, 2):
            self.node(number).execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = 'pgreeve_app' AND state = 'idle in transaction'")
        time.sleep(0.2)  # until the router has seen it; sooner is harmless
        session.pgconn.put_copy_data(f"{tenant}\t30\n".encode())
        session.pgconn.put_copy_end()
        result = session.pgconn.get_result()
        self.assertEqual(result.status, ExecStatus.FATAL_ERROR)
        self.assertEqual(self.one(self.bound(tenant), f"SELECT count(*) FROM {self.table}"), 3)

    def test_portals_of_earlier_units_beside_a_task(self) -> None:
        tenant = self.tenants[0]
        copy = parse(f"COPY {self.table} (customer_id, id) FROM STDIN") + bind() + execute()
        for odd in (execute("p"), describe(b"P", "p"), execute("p", 1)):
            session = self.bound(tenant)
            session.execute("BEGIN")
            self.assertEqual(self.kinds(self.raw(
                session, parse("SELECT generate_series(1, 3)") + bind("p") + execute("p", 1) + SYNC
            )), "12DsZ")
            got = self.raw(session, odd + copy + SYNC)
            self.assertTrue(self.kinds(got).endswith("EZ"), self.kinds(got))
            self.assertEqual(got[-1][1], b"E")
        operator = self.operator()
        console = self.connect(self.env["PGREEVE_OPERATOR_DSN"], dbname="pgreeve")
        self.assertIn("E", self.kinds(self.raw(
            console, describe(b"P") + parse("SHOW VERSION") + bind() + execute() + SYNC)))
        got = self.raw(operator, parse("SELECT 1") + bind() + execute() + parse(
            f"SELECT count(*) FROM {self.table}") + bind() + execute() + SYNC)
        self.assertIn("E", self.kinds(got))
        self.assertEqual(self.one(self.app(), "SELECT 1"), 1)

    def test_a_query_in_the_middle_of_a_batch(self) -> None:
        session = self.bound(self.tenants[0])
        got = self.raw(session, parse("SELECT 1") + bind() + execute() +
                       message(b"Q", text("SELECT 2")))
        self.assertEqual(self.kinds(got), "12DCTDCZ")

    def test_tenant_follows_the_transaction(self) -> None:
        first, second = self.tenants
        app = self.app()
        app.execute(f"SET pgreeve.tenant = '{first}'")
        for local, end, after in (("LOCAL", "COMMIT", first), ("LOCAL", "ROLLBACK", first),
                                  ("", "ROLLBACK", first), ("", "COMMIT", second)):
            app.execute("BEGIN")
            app.execute(f"SET {local} pgreeve.tenant = '{second}'")
            self.assertEqual(self.rows(app, f"SELECT DISTINCT customer_id::text FROM {self.table}"),
                             [(second,)])
            app.execute(end)
            self.assertEqual(self.one(app, "SHOW pgreeve.tenant"), after, f"{local} {end}")
            self.assertEqual(self.rows(app, f"SELECT DISTINCT customer_id::text FROM {self.table}"),
                             [(after,)])
        app.execute(f"SET LOCAL pgreeve.tenant = '{first}'")  # a warning, as Postgres gives it
        self.assertEqual(self.one(app, "SHOW pgreeve.tenant"), second)

    def test_the_first_set_of_a_session_is_undone_by_rollback(self) -> None:
        session = self.bound(self.tenants[0])
        before = self.one(session, "SHOW work_mem")
        session.execute("BEGIN")
        session.execute("SET work_mem = '7MB'")
        self.assertEqual(self.one(session, "SHOW work_mem"), "7MB")
        session.execute("ROLLBACK")
        self.assertEqual(self.one(session, "SHOW work_mem"), before)

    def test_settings_of_one_session_do_not_reach_another(self) -> None:
        first, second = self.tenants
        app = self.app()
        app.pgconn.exec_((f"SELECT count(*) FROM {self.table} WHERE customer_id = '{first}'; "
                          "SET work_mem = '9MB'; SHOW pgreeve.tenant; "
                          f"SELECT count(*) FROM {self.table} WHERE customer_id = '{second}'"
                          ).encode())
        for tenant in self.tenants:
            for _ in range(4):
                self.assertNotEqual(self.one(self.bound(tenant), "SHOW work_mem"), "9MB")

    def test_a_startup_search_path_is_a_list(self) -> None:
        session = self.connect(self.app_dsn(), options=(
            f"-c pgreeve.tenant={self.tenants[0]} -c search_path=nowhere,public"))
        self.assertEqual(self.one(session, "SHOW search_path"), "nowhere, public")
        self.assertEqual(self.one(session, f"SELECT count(*) FROM {self.table}"), 3)

    def test_chain_begins_the_next_transaction(self) -> None:
        session = self.bound(self.tenants[0])
        session.execute("BEGIN")
        session.execute("COMMIT AND CHAIN")
        self.assertEqual(session.pgconn.transaction_status, TransactionStatus.INTRANS)
        session.execute(f"INSERT INTO {self.table} VALUES (%s, 40)", (self.tenants[0],))
        session.execute("ROLLBACK")
        self.assertEqual(self.one(session, f"SELECT count(*) FROM {self.table}"), 3)

    def test_the_unnamed_statement_is_the_sessions_own(self) -> None:
        tenant = self.tenants[0]
        sessions = [self.bound(tenant) for _ in range(4)]
        for place, session in enumerate(sessions):
            session.pgconn.prepare(b"", f"SELECT {place}, count(*) FROM {self.table}".encode())
        for turn in range(3):
            for place, session in enumerate(sessions):
                sessions[(place + 1) % 4].pgconn.exec_(b"SELECT 1") if turn == 1 else None
                result = session.pgconn.exec_prepared(b"", [])
                if turn == 1 and result.status == ExecStatus.FATAL_ERROR:
                    continue  # its own simple query ended it, as with Postgres
                self.assertEqual(result.status, ExecStatus.TUPLES_OK, result.error_message)
                self.assertEqual(result.get_value(0, 0), str(place).encode())

    def test_literals_are_read_by_the_sessions_own_settings(self) -> None:
        tenant = self.tenants[0]
        for style, month in (("DMY", 2), ("MDY", 1), ("DMY", 2), ("MDY", 1)):
            session = self.connect(self.app_dsn(), prepare_threshold=0, options=(
                f"-c pgreeve.tenant={tenant} -c DateStyle=ISO,{style}"))
            self.assertEqual(self.one(
                session, "SELECT extract(month FROM date '01/02/2024')::int"), month)


    def test_prepared_texts_of_other_clients_stay_hidden(self) -> None:
        """Pooled backends keep statements of many clients; their texts may hold literals."""
        first, second = self.tenants_together(2)
        self.bound(first).pgconn.prepare(
            b"mine", f"SELECT 'a secret literal' FROM {self.table}".encode())
        with self.bound(second) as session:
            self.refused(session, "42501", "SELECT * FROM pg_prepared_statements")
            self.refused(session, "42501", "SELECT * FROM pg_cursors")
            for number in range(1, 40):
                with self.assertRaises(psycopg.Error):
                    session.execute(f"EXPLAIN EXECUTE pgreeve_{number}")

    def test_operator_copies_in_by_the_extended_protocol(self) -> None:
        """CopyDone is followed by a Sync of its own: the one behind Execute is ignored by COPY."""
        with self.operator() as operator:
            operator.execute("CREATE TABLE copied (a int)")
            self.addCleanup(lambda: self.operator().execute("DROP TABLE copied"))
            operator.execute("SELECT pgreeve.reference_table('copied')")
            tenant = self.tenants[0]
            operator.execute(f"SET pgreeve.tenant = '{tenant}'")
            got = self.raw(operator, parse(f"COPY {self.table} (customer_id, id) FROM STDIN")
                           + bind() + execute() + SYNC, until=b"G")
            self.assertEqual(got[-1][0], b"G")
            got = self.raw(operator, message(b"d", f"{tenant}\t77\n".encode())
                           + message(b"c") + SYNC)
            self.assertEqual(self.kinds(got)[-2:], "CZ")
            self.assertEqual(self.one(operator, f"SELECT count(*) FROM {self.table}"), 4)


if __name__ == "__main__":
    harness.main()
