#!/usr/bin/python3
"""Hostile and clumsy clients: none of them hurts the router or its neighbours."""

from __future__ import annotations

import os
import random
import socket
import struct

import psycopg

import harness

FLEET = "plain"
SEED = int(os.environ.get("PGREEVE_SEED", "0")) or random.randrange(1 << 31)
PROTOCOL_3 = 196608


class Limits(harness.Case):
    def setUp(self) -> None:
        self.pid = self.fleet.routers()[0].pid()

    def tearDown(self) -> None:
        self.assertEqual(self.fleet.routers()[0].pid(), self.pid, "the router still runs")
        self.assertEqual(self.one(self.app(), "SELECT 1"), 1)

    def raw(self) -> socket.socket:
        connection = socket.create_connection(
            ("127.0.0.1", int(self.env["PGREEVE_ROUTER_1_PORT"])), timeout=40)
        self.addCleanup(connection.close)
        return connection

    def until_closed(self, connection: socket.socket) -> bytes:
        """Everything until the other side hangs up; fails when it does not."""
        received = b""
        try:
            while block := connection.recv(65536):
                received += block
        except ConnectionError:
            pass
        return received

    def startup(self, **parameters: str) -> bytes:
        body = struct.pack("!I", PROTOCOL_3) + b"".join(
            n.encode() + b"\0" + v.encode() + b"\0" for n, v in parameters.items()) + b"\0"
        return struct.pack("!I", len(body) + 4) + body

    def test_garbage_in_place_of_a_startup(self) -> None:
        source = random.Random(SEED)
        print(f"seed {SEED}")
        for size in (1, 3, 4, 5, 8, 100, 5000):
            connection = self.raw()
            connection.sendall(source.randbytes(size))
            connection.shutdown(socket.SHUT_WR)
            self.until_closed(connection)

    def test_http_on_the_postgres_port(self) -> None:
        connection = self.raw()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.until_closed(connection)

    def test_absurd_lengths_at_startup(self) -> None:
        for length in (0, 1, 7, 10_000_000, 0x7fffffff, 0xffffffff):
            with self.subTest(length):
                connection = self.raw()
                connection.sendall(struct.pack("!II", length, PROTOCOL_3) + b"user\0x\0\0")
                connection.shutdown(socket.SHUT_WR)
                self.until_closed(connection)

    def test_unknown_protocol_version(self) -> None:
        connection = self.raw()
        connection.sendall(struct.pack("!II", 8, 2 << 16))
        self.assertIn(b"0A000", self.until_closed(connection))

    def test_silent_client_is_disconnected(self) -> None:
        self.until_closed(self.raw())  # the socket's own time limit makes this fail

    def test_client_that_stops_in_the_middle_of_the_login(self) -> None:
        connection = self.raw()
        connection.sendall(self.startup(user="app", database="app"))
        self.assertTrue(self.until_closed(connection).startswith(b"R"))

    def test_wrong_password_and_unknown_login_say_the_same(self) -> None:
        said = []
        for login in ("app", "no-such-login"):
            with self.assertRaises(psycopg.OperationalError) as caught:
                psycopg.connect(f"postgresql://{login}:wrong@127.0.0.1:"
                                f"{self.env['PGREEVE_ROUTER_1_PORT']}/app")
            said.append(str(caught.exception).partition("FATAL:")[2].replace(login, "X").strip())
        self.assertEqual(said[0], said[1])
        self.assertIn("authentication failed", said[0])

    def logged_in(self) -> tuple[psycopg.Connection, socket.socket]:
        """A session, and its socket to write past libpq."""
        session = self.app()
        raw = socket.socket(fileno=os.dup(session.pgconn.socket))
        raw.settimeout(40)
        self.addCleanup(raw.close)
        return session, raw

    def test_oversized_message(self) -> None:
        for length in (0x7fffffff, 0xffffffff, 0x40000000, 3, 0):
            with self.subTest(length):
                _, raw = self.logged_in()
                raw.setblocking(True)
                raw.settimeout(40)
                raw.sendall(b"Q" + struct.pack("!I", length) + b"x" * 1000)
                self.assertIn(b"08P01", self.until_closed(raw))

    def test_unknown_message_type(self) -> None:
        for kind in (b"\0", b"z", b"\xff"):
            _, raw = self.logged_in()
            raw.setblocking(True)
            raw.settimeout(40)
            raw.sendall(kind + struct.pack("!I", 4))
            self.assertIn(b"08P01", self.until_closed(raw))

    def test_garbage_after_the_login(self) -> None:
        source = random.Random(SEED)
        for _ in range(20):
            _, raw = self.logged_in()
            raw.setblocking(True)
            raw.settimeout(40)
            try:
                raw.sendall(source.randbytes(source.randrange(1, 3000)))
                raw.shutdown(socket.SHUT_WR)
            except ConnectionError:
                continue
            self.until_closed(raw)

    def test_deep_and_long_sql(self) -> None:
        session = self.app()
        for sql in ("SELECT " + "(" * 5000 + "1" + ")" * 5000,
                    "SELECT " + "-" * 100_000 + "\n1", "SELECT " + "1+" * 20_000 + "1",
                    "SELECT '" + "x" * 3_000_000 + "'", "SELECT " + "NOT " * 20_000 + "true"):
            with self.subTest(sql[:30]):
                try:
                    session.execute(sql)
                except psycopg.Error as error:
                    self.assertRegex(error.sqlstate or "", "^(0A000|54001|54000|42601)$")
                self.assertEqual(self.one(session, "SELECT 1"), 1)

    def test_slow_reader_does_not_fill_the_router(self) -> None:
        """A client that asks for much and reads nothing; others go on."""
        _, raw = self.logged_in()
        sql = b"SELECT repeat('x', 1000000) FROM generate_series(1, 200)\0"
        raw.setblocking(True)
        raw.sendall(b"Q" + struct.pack("!I", len(sql) + 4) + sql)
        self.assertEqual(self.one(self.app(), "SELECT 1"), 1)
        status = open(f"/proc/{self.pid}/status", encoding="ascii").read()
        resident_kb = int(status.split("VmRSS:")[1].split()[0])
        self.assertLess(resident_kb, 2_000_000)

    def test_many_connections(self) -> None:
        sessions = [self.app() for _ in range(300)]
        for session in sessions[::7]:
            self.assertEqual(self.one(session, "SELECT 1"), 1)


if __name__ == "__main__":
    harness.main()
