#!/usr/bin/python3
"""psql through the router: what it shows is what a direct connection shows."""

from __future__ import annotations

import pathlib
import re
import subprocess
import tempfile

from driver_case import DriverCase, harness

from fleet_lib.dsn import Dsn

FLEET = "plain"


class Psql(DriverCase):
    def psql(self, dsn: Dsn, script: str, *options: str) -> str:
        done = subprocess.run(
            ["/usr/bin/psql", "-X", "-P", "pager=off", *options, "-f", "-"], input=script,
            text=True, capture_output=True, check=False, timeout=60, env=self.environment(dsn))
        text = done.stdout + done.stderr.replace("psql:<stdin>", "psql")
        # Under row security Postgres names no values of keys.
        return re.sub(r"^DETAIL:  Key \(.*\n", "", text, flags=re.MULTILINE)

    def same(self, script: str, *wanted: str) -> str:
        text = self.both(lambda dsn: self.psql(dsn, script))
        for part in wanted:
            self.assertIn(part, text)
        return str(text)

    def fill(self) -> str:
        return (f"INSERT INTO {self.table} (id, name, price) VALUES (1, 'ann', 1.50), "
                "(2, 'bob', NULL), (3, 'Zoë', 99);\n")

    def test_describe_table(self) -> None:
        text = self.psql(self.routed, f"\\d {self.table}\n\\d+ {self.table}\n")
        for part in ("customer_id", "numeric(12,2)", "text[]", f'"{self.table}_pkey" PRIMARY KEY',
                     "Indexes:"):
            self.assertIn(part, text)
        self.assertNotIn("ERROR", text)

    def test_other_backslash_commands(self) -> None:
        for command in ("\\dt", "\\di", "\\dn", "\\df pgreeve.*", "\\du", "\\l", "\\dT", "\\conninfo",
                        "\\dp", "\\encoding", f"\\sf pg_catalog.now"):
            with self.subTest(command):
                self.assertNotIn("ERROR", self.psql(self.routed, command + "\n"))

    def test_queries_and_formats(self) -> None:
        self.same(self.fill() + f"SELECT id, name, price FROM {self.table} ORDER BY id;\n"
                  f"\\x on\nSELECT name FROM {self.table} WHERE id = 3;\n"
                  f"\\x off\n\\pset format csv\nTABLE {self.table};\n"
                  "SELECT 1 AS a \\gset\n\\echo :a\nSELECT 2 \\g (format=unaligned)\n", "Zoë", "ann")

    def test_gdesc(self) -> None:
        self.same(f"SELECT id, name, price, tags, doc, made, count(*) OVER () AS n "
                  f"FROM {self.table} \\gdesc\n", "numeric(12,2)", "text[]", "bigint")

    def test_copy_commands(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rows.csv"
            path.write_text('10,"a, b",1.25\n11,"c",\n', encoding="utf-8")
            out = pathlib.Path(folder) / "out.csv"
            text = self.same(
                f"\\copy {self.table} (id, name, price) FROM '{path}' CSV\n"
                f"\\copy (SELECT id, name, price FROM {self.table} ORDER BY id) TO '{out}' CSV\n"
                f"\\copy {self.table} (id, name) TO STDOUT\n", "COPY 2")
            self.assertIn("10\ta, b", text)
            self.assertEqual(out.read_text(encoding="utf-8"), '10,"a, b",1.25\n11,c,\n')

    def test_copy_from_inline_data(self) -> None:
        self.same(f"COPY {self.table} (id, name) FROM STDIN;\n21\tx\n22\t\\N\n\\.\n"
                  f"SELECT id, name IS NULL FROM {self.table} ORDER BY id;\n", "22 | t")

    def test_transactions(self) -> None:
        self.same(f"BEGIN;\nINSERT INTO {self.table} (id) VALUES (1);\nSAVEPOINT s;\n"
                  f"INSERT INTO {self.table} (id) VALUES (1);\nSELECT 1;\nROLLBACK TO s;\n"
                  f"INSERT INTO {self.table} (id) VALUES (2);\nCOMMIT;\n"
                  f"SELECT count(*) FROM {self.table};\n"
                  "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSHOW transaction_isolation;\nROLLBACK;\n"
                  "COMMIT;\nROLLBACK;\n",
                  "duplicate key", "current transaction is aborted", "serializable",
                  "there is no transaction in progress")

    def test_errors_with_position(self) -> None:
        self.same("SELECT 1 +;\nSELECT nothing;\nSELECT *\nFROM\n  nowhere;\n"
                  f"SELECT nme FROM {self.table};\nSELECT 'x'::int;\nSELECT 1 / 0;\n"
                  "SELECT 1; SELECT 2 x y; SELECT 3;\n",
                  "LINE 1: SELECT 1 +;", "^", "LINE 3:", 'Perhaps you meant', "division by zero")

    def test_several_statements_in_one_query(self) -> None:
        self.same("SELECT 1 AS a\\; SELECT 2 AS b\\; SELECT 3 AS c;\n", " a ", " b ", " c ")

    def test_cursor_by_fetch_count(self) -> None:
        self.same(self.fill() + "\\set FETCH_COUNT 2\n"
                  f"SELECT id, name FROM {self.table} ORDER BY id;\n", "(3 rows)")

    def test_prepared_in_sql(self) -> None:
        self.same(self.fill() + f"PREPARE p (int) AS SELECT name FROM {self.table} WHERE id = $1;\n"
                  "EXECUTE p(1);\nEXECUTE p(3);\nDEALLOCATE p;\nEXECUTE p(1);\n",
                  "Zoë", "does not exist")

    def test_notices_and_empty_queries(self) -> None:
        self.same("SET LOCAL work_mem = '5MB';\n;\n-- only a comment\n;\nSELECT 1;\n",
                  "can only be used in transaction blocks")

    def test_variables_of_the_session(self) -> None:
        self.same("SET datestyle = 'German, DMY';\nSELECT date '2020-02-29';\n"
                  "SET TIME ZONE 'Asia/Tokyo';\nSELECT timestamptz '2020-01-01 00:00:00+00';\n"
                  "RESET ALL;\nSELECT date '2020-02-29';\n", "29.02.2020", "JST")


if __name__ == "__main__":
    harness.main()
