#!/usr/bin/python3
"""CancelRequest stops the running statement of that client, and nothing else."""

from __future__ import annotations

import threading
import time

import psycopg

import harness

FLEET = "plain"
SLEEP = "SELECT pg_sleep(60)"


class Cancel(harness.Case):
    def run_and_cancel(self, connection: psycopg.Connection, sql: str) -> psycopg.Error:
        """Cancels again and again until the statement has ended: a cancel that comes before the
        statement has begun does nothing, as in Postgres."""
        caught: list[psycopg.Error] = []

        def work() -> None:
            try:
                connection.execute(sql)
            except psycopg.Error as error:
                caught.append(error)
        worker = threading.Thread(target=work)
        worker.start()
        deadline = time.monotonic() + 40
        while worker.is_alive():
            self.assertLess(time.monotonic(), deadline, "not cancelled")
            connection.cancel()
            worker.join(0.2)
        self.assertEqual(len(caught), 1, "the statement ran to its end")
        return caught[0]

    def test_bound_session(self) -> None:
        session = self.bound(self.new_tenant())
        self.assertEqual(self.run_and_cancel(session, SLEEP).sqlstate, "57014")
        self.assertEqual(self.one(session, "SELECT 1"), 1)

    def test_free_session(self) -> None:
        session = self.app()
        self.assertEqual(self.run_and_cancel(session, SLEEP).sqlstate, "57014")
        self.assertEqual(self.one(session, "SELECT 1"), 1)

    def test_in_a_transaction(self) -> None:
        session = self.bound(self.new_tenant())
        session.execute("BEGIN")
        self.run_and_cancel(session, SLEEP)
        self.refused(session, "25P02", "SELECT 1")
        session.execute("ROLLBACK")

    def test_neighbours_go_on(self) -> None:
        tenant = self.new_tenant()
        session, neighbour = self.bound(tenant), self.bound(tenant)
        finished: list[object] = []
        worker = threading.Thread(target=lambda: finished.append(
            neighbour.execute("SELECT pg_sleep(2)").fetchall()))
        worker.start()
        self.run_and_cancel(session, SLEEP)
        worker.join(40)
        self.assertEqual(len(finished), 1)

    def test_wrong_secret_does_nothing(self) -> None:
        """A CancelRequest with made-up numbers neither cancels nor hurts."""
        import socket
        import struct
        port = int(self.env["PGREEVE_ROUTER_1_PORT"])
        for secret in (0, 1, 0xffffffff):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
                raw.sendall(struct.pack("!IIII", 16, 80877102, 12345, secret))
                self.assertEqual(raw.recv(10), b"")
        self.assertEqual(self.one(self.app(), "SELECT 1"), 1)

    def test_idle_session(self) -> None:
        session = self.bound(self.new_tenant())
        for _ in range(5):
            session.cancel()
        self.assertEqual(self.one(session, "SELECT 1"), 1)


if __name__ == "__main__":
    harness.main()
