#!/usr/bin/python3
"""Prepared statements survive pooling: named and unnamed, by protocol and by SQL."""

from __future__ import annotations

import psycopg

import harness

FLEET = "plain"
COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL, note text, "
           "PRIMARY KEY (customer_id, id)")
CLIENTS = 60  # more than the pool of a shard has backends
TURNS = 8


class Prepared(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.tenants = self.tenants_apart(2)
        for tenant in self.tenants:
            self.bound(tenant).execute(
                f"INSERT INTO {self.table} SELECT n, %s, 'n' || n FROM generate_series(1, 50) n",
                (tenant,))

    def test_named_statements_of_many_clients_over_few_backends(self) -> None:
        sessions = [(self.tenants[i % 2], self.bound(self.tenants[i % 2], prepare_threshold=0))
                    for i in range(CLIENTS)]
        for turn in range(TURNS):
            for place, (_, session) in enumerate(sessions):
                number = (turn * 7 + place) % 50 + 1
                # Each client has a text of its own, so names clash between clients.
                self.assertEqual(self.one(
                    session, f"SELECT note FROM {self.table} WHERE id = %s /* {place % 5} */",
                    (number,)), f"n{number}")
        for number in range(1, self.fleet.known().options.nodes + 1):
            backends = self.one(self.node(number), (
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'pgreeve_app'"))
            self.assertLess(backends, CLIENTS, "pooling shares backends")

    def test_free_session_with_the_tenant_as_parameter(self) -> None:
        app = self.app(prepare_threshold=0)
        for turn in range(12):
            tenant = self.tenants[turn % 2]
            self.assertEqual(self.one(
                app, f"SELECT note FROM {self.table} WHERE customer_id = %s AND id = %s",
                (tenant, turn + 1)), f"n{turn + 1}")

    def test_sql_level(self) -> None:
        session = self.bound(self.tenants[0])
        session.execute(f"PREPARE get (int) AS SELECT note FROM {self.table} WHERE id = $1")
        others = [self.bound(self.tenants[0]) for _ in range(8)]
        for number in (1, 2, 3):
            for other in others:
                other.execute("SELECT 1")
            self.assertEqual(self.one(session, f"EXECUTE get({number})"), f"n{number}")
        self.refused(others[0], "26000", "EXECUTE get(1)")
        self.refused(session, "42P05", "PREPARE get AS SELECT 1")
        session.execute("DEALLOCATE get")
        self.refused(session, "26000", "EXECUTE get(1)")

    def test_deallocate_all_and_discard_all(self) -> None:
        session = self.bound(self.tenants[0])
        for command in ("DEALLOCATE ALL", "DISCARD ALL"):
            session.execute("PREPARE one AS SELECT 1")
            session.execute(command)
            self.refused(session, "26000", "EXECUTE one")
        self.assertEqual(self.one(session, f"SELECT count(*) FROM {self.table}"), 50)

    def test_describe_of_an_unroutable_statement(self) -> None:
        """Preparing succeeds on any shard; executing it is refused."""
        app = self.app()
        prepared = app.pgconn.prepare(b"s1", f"SELECT id, note FROM {self.table}".encode())
        self.assertEqual(prepared.status, psycopg.pq.ExecStatus.COMMAND_OK,
                         prepared.error_message)
        described = app.pgconn.describe_prepared(b"s1")
        self.assertEqual([described.fname(i) for i in range(described.nfields)], [b"id", b"note"])
        result = app.pgconn.exec_prepared(b"s1", [])
        self.assertEqual(result.error_field(psycopg.pq.DiagnosticField.SQLSTATE), b"0A000")
        self.assertEqual(self.one(app, "SELECT 1"), 1)

    def test_schema_change_under_a_prepared_statement(self) -> None:
        session = self.bound(self.tenants[0], prepare_threshold=0)
        sql = f"SELECT * FROM {self.table} WHERE id = %s"
        self.assertEqual(len(session.execute(sql, (1,)).fetchone()), 3)
        self.operator().execute(f"ALTER TABLE {self.table} ADD COLUMN extra text DEFAULT 'e'")
        try:
            row = session.execute(sql, (1,)).fetchone()
        except psycopg.Error as error:
            # What Postgres itself says of a cached plan; the next try must do.
            self.assertEqual(error.sqlstate, "0A000", str(error))
            session.execute("DEALLOCATE ALL")
            row = session.execute(sql, (1,), prepare=False).fetchone()
        self.assertEqual(len(row), 4)

    def test_pipeline(self) -> None:
        session = self.bound(self.tenants[0])
        with session.pipeline() as pipeline:
            cursors = [session.execute(f"SELECT note FROM {self.table} WHERE id = %s", (n,))
                       for n in range(1, 31)]
            pipeline.sync()
            self.assertEqual([c.fetchone()[0] for c in cursors], [f"n{n}" for n in range(1, 31)])

    def test_error_in_a_pipeline_skips_to_sync(self) -> None:
        session = self.bound(self.tenants[0])
        with self.assertRaises(psycopg.errors.DivisionByZero):
            with session.pipeline():
                session.execute("SELECT 1")
                session.execute("SELECT 1 / %s", (0,))
                session.execute(f"DELETE FROM {self.table}")
        self.assertEqual(self.one(session, f"SELECT count(*) FROM {self.table}"), 50)

    def test_portal_in_pieces(self) -> None:
        session = self.bound(self.tenants[0], autocommit=False)
        with session.cursor(name="c") as cursor:
            cursor.itersize = 7
            cursor.execute(f"SELECT id FROM {self.table} ORDER BY id")
            self.assertEqual([row[0] for row in cursor], list(range(1, 51)))
        session.rollback()

    def test_binary_results(self) -> None:
        session = self.bound(self.tenants[0])
        cursor = session.cursor(binary=True)
        cursor.execute(f"SELECT id, customer_id, note FROM {self.table} WHERE id = %s", (5,))
        row = cursor.fetchone()
        self.assertEqual((row[0], str(row[1]), row[2]), (5, self.tenants[0], "n5"))


if __name__ == "__main__":
    harness.main()
