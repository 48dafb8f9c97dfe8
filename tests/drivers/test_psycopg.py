#!/usr/bin/python3
"""psycopg 3 through the router: what it gets is what a direct connection gets."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from driver_case import DriverCase, harness

FLEET = "plain"
Connection = psycopg.Connection[Any]


class Psycopg(DriverCase):
    def same(self, work: Callable[[Connection], Any], **more: Any) -> Any:
        def run(dsn: Any) -> Any:
            with psycopg.connect(dsn.url(), **{"autocommit": True, **more}) as connection:
                return work(connection)
        return self.both(run)

    def insert(self, connection: Connection, *ids: int) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self.table} (id, name, price) VALUES (%s, %s, %s)",
                               [(n, f"n{n}", decimal.Decimal(n) / 4) for n in ids])

    def test_connect(self) -> None:
        def work(connection: Connection) -> Any:
            info = connection.info
            return (info.server_version, info.encoding, info.transaction_status,
                    info.parameter_status("standard_conforming_strings"),
                    info.parameter_status("integer_datetimes"))
        self.same(work)

    def test_crud(self) -> None:
        def work(connection: Connection) -> Any:
            self.insert(connection, 1, 2, 3)
            changed = connection.execute(
                f"UPDATE {self.table} SET name = %s WHERE id > %s RETURNING id, name",
                ("new", 1)).fetchall()
            gone = connection.execute(f"DELETE FROM {self.table} WHERE id = %s", (2,)).rowcount
            left = connection.execute(
                f"SELECT id, name, price FROM {self.table} ORDER BY id").fetchall()
            return sorted(changed), gone, left
        self.assertEqual(self.same(work)[1], 1)

    def test_types(self) -> None:
        values = ("text with 'quotes' and ünïcode", decimal.Decimal("12.34"), ["a", None, "b,c"],
                  Jsonb({"a": [1, 2, {"b": None}]}),
                  datetime.datetime(2020, 2, 29, 12, 0, 0, 123456, datetime.timezone.utc),
                  bytes(range(256)))

        def work(connection: Connection) -> Any:
            for number, binary in enumerate((False, True)):
                placeholder = "%b" if binary else "%s"
                connection.execute(
                    f"INSERT INTO {self.table} (id, name, price, tags, doc, made, raw) VALUES "
                    f"(%s, {', '.join([placeholder] * 6)})", (number, *values))
            rows = []
            for binary in (False, True):
                cursor = connection.cursor(binary=binary)
                cursor.execute("SET TIME ZONE 'UTC'")
                cursor.execute(f"SELECT name, price, tags, doc, made, raw FROM {self.table} "
                               "ORDER BY id")
                rows.append(cursor.fetchall())
            return rows
        rows = self.same(work)
        self.assertEqual(rows[0], rows[1])

    def test_transactions(self) -> None:
        def work(connection: Connection) -> Any:
            with connection.transaction():
                self.insert(connection, 1)
                try:
                    with connection.transaction():
                        self.insert(connection, 2)
                        raise psycopg.Rollback()
                except psycopg.Error as error:
                    return str(error)
            try:
                with connection.transaction():
                    self.insert(connection, 3)
                    self.insert(connection, 1)
            except psycopg.errors.UniqueViolation as error:
                state = error.diag.sqlstate
            return state, connection.execute(
                f"SELECT id FROM {self.table} ORDER BY id").fetchall()
        self.assertEqual(self.same(work), ("23505", [(1,)]))

    def test_isolation_levels(self) -> None:
        def work(connection: Connection) -> Any:
            connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
            connection.read_only = True
            connection.deferrable = True
            row = connection.execute("SELECT current_setting('transaction_isolation'), "
                                     "current_setting('transaction_read_only'), "
                                     "current_setting('transaction_deferrable')").fetchone()
            connection.rollback()
            return row
        self.same(work, autocommit=False)

    def test_prepared(self) -> None:
        def work(connection: Connection) -> Any:
            self.insert(connection, *range(1, 31))
            return [connection.execute(f"SELECT name FROM {self.table} WHERE id = %s",
                                       (n,)).fetchone() for n in range(1, 31)]
        self.same(work)

    def test_pipeline(self) -> None:
        def work(connection: Connection) -> Any:
            with connection.pipeline():
                self.insert(connection, *range(1, 101))
                cursors = [connection.execute(f"SELECT %s::int + count(*) FROM {self.table}",
                                              (n,)) for n in range(20)]
            return [cursor.fetchone() for cursor in cursors]
        self.same(work)

    def test_pipeline_error(self) -> None:
        def work(connection: Connection) -> Any:
            try:
                with connection.pipeline():
                    self.insert(connection, 1)
                    connection.execute("SELECT %s / 0", (1,))
                    self.insert(connection, 2)
            except psycopg.Error as error:
                state = error.sqlstate
            return state, connection.execute(f"SELECT count(*) FROM {self.table}").fetchone()
        self.same(work)

    def test_server_side_cursors(self) -> None:
        def work(connection: Connection) -> Any:
            self.insert(connection, *range(1, 101))
            with connection.cursor("scroll", scrollable=True) as cursor:
                cursor.execute(f"SELECT id FROM {self.table} ORDER BY id")
                first = cursor.fetchmany(10)
                cursor.scroll(50, mode="absolute")
                middle = cursor.fetchone()
                rest = cursor.fetchall()
            connection.commit()
            return first, middle, len(rest)
        self.same(work, autocommit=False)

    def test_copy(self) -> None:
        def work(connection: Connection) -> Any:
            cursor = connection.cursor()
            with cursor.copy(f"COPY {self.table} (id, name) FROM STDIN") as copy:
                for n in range(1, 201):
                    copy.write_row((n, f"n\t{n}"))
            with cursor.copy(f"COPY (SELECT id, name FROM {self.table} ORDER BY id) "
                             "TO STDOUT") as copy:
                return list(copy.rows())
        self.assertEqual(len(self.same(work)), 200)

    def test_errors(self) -> None:
        def work(connection: Connection) -> Any:
            found = []
            for sql, parameters in (("SELEC", None), ("SELECT * FROM nowhere", None),
                                    ("SELECT %s::int", ("x",)), ("SELECT 1 / %s", (0,)),
                                    ("SELECT nothing()", None), ("SELECT 1 a b c", None)):
                try:
                    connection.execute(sql, parameters)
                except psycopg.Error as error:
                    found.append((type(error).__name__, error.diag.message_primary,
                                  error.diag.statement_position, error.diag.severity))
            return found
        self.assertEqual(len(self.same(work)), 6)

    def test_dictionary_rows_and_several_results(self) -> None:
        def work(connection: Connection) -> Any:
            cursor = connection.cursor(row_factory=dict_row)
            cursor.execute("SELECT 1 AS a; SELECT 'x' AS b, 2 AS c")
            first = cursor.fetchall()
            cursor.nextset()
            return first, cursor.fetchall()
        self.same(work)

    def test_notices(self) -> None:
        def work(connection: Connection) -> Any:
            heard: list[tuple[str | None, str | None]] = []
            connection.add_notice_handler(
                lambda notice: heard.append((notice.severity, notice.message_primary)))
            connection.execute("SET LOCAL work_mem = '5MB'")
            connection.execute("ROLLBACK")
            return heard
        self.same(work)

    def test_session_settings(self) -> None:
        def work(connection: Connection) -> Any:
            connection.execute("SET timezone TO 'America/New_York'")
            connection.execute("SET statement_timeout = '33s'")
            return [connection.execute(f"SHOW {name}").fetchone() for name in (
                "timezone", "statement_timeout")], connection.info.timezone.key
        self.same(work)

    def test_statement_timeout(self) -> None:
        def work(connection: Connection) -> Any:
            connection.execute("SET statement_timeout = '50ms'")
            try:
                connection.execute("SELECT pg_sleep(30)")
            except psycopg.errors.QueryCanceled as error:
                return str(error)
            return None
        self.assertIsNotNone(self.same(work))


if __name__ == "__main__":
    harness.main()
