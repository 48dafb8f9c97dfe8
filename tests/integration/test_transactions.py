#!/usr/bin/python3
"""Transactions: BEGIN is lazy, a transaction has one tenant, errors and savepoints as Postgres."""

from __future__ import annotations

import psycopg
from psycopg.pq import TransactionStatus

import harness

FLEET = "plain"
COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL, note text, "
           "PRIMARY KEY (customer_id, id)")


class Transactions(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.tenant, self.other = self.tenants_apart(2)

    def insert(self, connection: psycopg.Connection, number: int, tenant: str | None = None) -> None:
        connection.execute(f"INSERT INTO {self.table} VALUES (%s, %s, 'x')",
                           (number, tenant or self.tenant))

    def ids(self, tenant: str | None = None) -> list[int]:
        return [row[0] for row in self.rows(self.bound(tenant or self.tenant),
                                            f"SELECT id FROM {self.table} ORDER BY id")]

    def test_commit_and_rollback(self) -> None:
        app = self.app()
        app.execute("BEGIN")
        self.assertEqual(app.info.transaction_status, TransactionStatus.INTRANS)
        self.insert(app, 1)
        self.assertEqual(self.ids(), [])
        app.execute("COMMIT")
        self.assertEqual(self.ids(), [1])
        app.execute("BEGIN")
        self.insert(app, 2)
        app.execute("ROLLBACK")
        self.assertEqual(self.ids(), [1])
        self.assertEqual(app.info.transaction_status, TransactionStatus.IDLE)

    def test_begin_alone_takes_no_backend(self) -> None:
        sessions = [self.app() for _ in range(30)]
        for session in sessions:
            session.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE")
            self.assertEqual(session.info.transaction_status, TransactionStatus.INTRANS)
        busy = sum(self.one(self.node(number), (
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"))
            for number in range(1, self.fleet.known().options.nodes + 1))
        self.assertEqual(busy, 0)
        for session in sessions:
            session.execute("COMMIT")

    def test_options_of_begin_reach_the_shard(self) -> None:
        app = self.app()
        app.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        app.execute(f"SELECT count(*) FROM {self.table} WHERE customer_id = %s", (self.tenant,))
        self.assertEqual(self.one(app, "SHOW transaction_isolation"), "repeatable read")
        self.assertEqual(self.one(app, "SHOW transaction_read_only"), "on")
        with self.assertRaises(psycopg.errors.ReadOnlySqlTransaction):
            self.insert(app, 1)
        app.execute("ROLLBACK")
        app.execute("BEGIN")
        app.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        app.execute("SAVEPOINT a")
        app.execute(f"SELECT count(*) FROM {self.table} WHERE customer_id = %s", (self.tenant,))
        self.assertEqual(self.one(app, "SHOW transaction_isolation"), "serializable")
        app.execute("COMMIT")

    def test_one_tenant_per_transaction(self) -> None:
        app = self.app()
        app.execute("BEGIN")
        self.insert(app, 1)
        with self.assertRaises(psycopg.Error) as caught:
            self.insert(app, 1, self.other)
        self.assertEqual(caught.exception.sqlstate[:2], "0A", str(caught.exception))
        self.assertEqual(app.info.transaction_status, TransactionStatus.INERROR)
        app.execute("ROLLBACK")
        self.assertEqual((self.ids(), self.ids(self.other)), ([], []))

    def test_failed_transaction_refuses_until_rollback(self) -> None:
        app = self.app()
        app.execute("BEGIN")
        self.insert(app, 1)
        with self.assertRaises(psycopg.errors.UniqueViolation):
            self.insert(app, 1)
        self.refused(app, "25P02", "SELECT 1")
        self.assertEqual(app.info.transaction_status, TransactionStatus.INERROR)
        self.assertEqual(app.execute("COMMIT").statusmessage, "ROLLBACK")
        self.assertEqual(self.ids(), [])

    def test_refusal_in_a_lazy_transaction_fails_it(self) -> None:
        app = self.app()
        app.execute("BEGIN")
        self.refused(app, "0A000", f"SELECT * FROM {self.table}")
        self.assertEqual(app.info.transaction_status, TransactionStatus.INERROR)
        self.refused(app, "25P02", f"SELECT 1 FROM {self.table} WHERE customer_id = %s",
                     (self.tenant,))
        app.execute("ROLLBACK")
        self.assertEqual(self.one(app, "SELECT 1"), 1)

    def test_savepoints(self) -> None:
        app = self.app(autocommit=False)
        self.insert(app, 1)
        app.execute("SAVEPOINT s")
        self.insert(app, 2)
        app.execute("ROLLBACK TO SAVEPOINT s")
        self.insert(app, 3)
        app.execute("RELEASE SAVEPOINT s")
        app.commit()
        self.assertEqual(self.ids(), [1, 3])

    def test_error_then_savepoint(self) -> None:
        app = self.app(autocommit=False)
        self.insert(app, 1)
        with self.assertRaises(psycopg.errors.UniqueViolation):
            with app.transaction():
                self.insert(app, 1)
        self.insert(app, 2)
        app.commit()
        self.assertEqual(self.ids(), [1, 2])

    def test_implicit_transaction_of_a_simple_query(self) -> None:
        app = self.bound(self.tenant)
        with self.assertRaises(psycopg.errors.DivisionByZero):
            app.execute(f"INSERT INTO {self.table} VALUES (1, '{self.tenant}', 'x'); SELECT 1 / 0")
        self.assertEqual(self.ids(), [])
        app.execute(f"INSERT INTO {self.table} VALUES (1, '{self.tenant}', 'x'); "
                    f"INSERT INTO {self.table} VALUES (2, '{self.tenant}', 'x')")
        self.assertEqual(self.ids(), [1, 2])

    def test_lost_client_rolls_back(self) -> None:
        app = self.bound(self.tenant, autocommit=False)
        self.insert(app, 1)
        app.pgconn.finish()
        fresh = self.bound(self.tenant)
        fresh.execute("SET lock_timeout = '15s'")
        self.insert(fresh, 1)  # waits for the other transaction's end, and then succeeds
        self.assertEqual(self.ids(), [1])

    def test_settings_in_a_transaction(self) -> None:
        app = self.bound(self.tenant)
        app.execute("BEGIN")
        app.execute("SET LOCAL work_mem = '5MB'")
        self.assertEqual(self.one(app, "SHOW work_mem"), "5MB")
        app.execute("ROLLBACK")
        self.assertNotEqual(self.one(app, "SHOW work_mem"), "5MB")
        app.execute("SET work_mem = '6MB'")
        for _ in range(4):
            self.assertEqual(self.one(app, "SHOW work_mem"), "6MB")
        app.execute("BEGIN")
        app.execute("SET work_mem = '7MB'")
        app.execute("ROLLBACK")
        self.assertEqual(self.one(app, "SHOW work_mem"), "6MB")

    def test_prepared_transactions_are_refused(self) -> None:
        app = self.bound(self.tenant)
        app.execute("BEGIN")
        self.insert(app, 1)
        self.refused(app, "0A000", "PREPARE TRANSACTION 'mine'")
        app.execute("ROLLBACK")

    def test_session_goes_on_after_every_kind_of_error(self) -> None:
        app = self.bound(self.tenant)
        for sql, state in (("SELEC 1", "42601"), ("SELECT * FROM nowhere", "42P01"),
                           ("SELECT 'x'::int", "22P02"), ("SELECT 1 / 0", "22012")):
            for parameters in (None, ()):
                self.refused(app, state, sql, parameters)
                self.assertEqual(self.one(app, "SELECT 1"), 1)


if __name__ == "__main__":
    harness.main()
