#!/usr/bin/python3
"""Generated analytic queries over the demo's real rows: the router equals one Postgres that holds
them all, or refuses. PGREEVE_QUERIES and PGREEVE_SEED choose how many and which."""

from __future__ import annotations

import csv
import os
import pathlib
import random
import subprocess
import sys

import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import harness  # noqa: E402

from fleet_lib import demo_load  # noqa: E402

FLEET = "demo"
QUERIES = os.environ.get("PGREEVE_QUERIES", "2000")
SEED = os.environ.get("PGREEVE_SEED") or str(random.randrange(1 << 31))
DATABASE = "single"


class GeneratedQueries(harness.Case):
    def make_single(self) -> str:
        """One database with the rows of all shards; its address."""
        node = self.fleet.nodes()[0]
        node.dsn().sql(f"CREATE DATABASE {DATABASE}")
        self.addCleanup(lambda: node.dsn().sql(f"DROP DATABASE {DATABASE} WITH (FORCE)"))
        dsn = node.dsn(DATABASE).url()
        with psycopg.connect(dsn, autocommit=True) as single:
            for statement in demo_load.table_statements("uuid"):
                single.execute(statement)
            with (self.fleet.folder / "shards.csv").open(encoding="utf-8", newline="") as file:
                shards = list(csv.DictReader(file))
            for shard in shards:
                with psycopg.connect(shard["dsn"]) as source:
                    for table, columns in (
                            ("customers", "id, name, tier, created_at"),
                            ("events", "id, customer_id, event_type, payload, created_at")):
                        with source.cursor().copy(
                                f"COPY (SELECT {columns} FROM {table}) TO STDOUT") as out, \
                                single.cursor().copy(
                                    f"COPY {table} ({columns}) FROM STDIN") as back:
                            for block in out:
                                back.write(block)
            single.execute("ANALYZE")
        return dsn

    def test_equal_or_refused(self) -> None:
        program = pathlib.Path(__file__).resolve().parent / "run.py"
        single = self.make_single()
        print(f"seed {SEED}", flush=True)
        done = subprocess.run(
            ["/usr/bin/python3", "-B", program, "--router", self.env["PGREEVE_OPERATOR_DSN"],
             "--single", single, "--count", QUERIES, "--seed", SEED],
            check=False, text=True, capture_output=True, timeout=800)
        print(done.stdout[-8000:], flush=True)
        self.assertRegex(done.stdout, r"equal [1-9]\d* / refused \d+ / different 0\b", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    harness.main()
