"""What the driver suites share: a tenant-bound address through the router, and the same table in a
plain database reached directly, to compare with."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import harness  # noqa: E402
import psycopg  # noqa: E402

from fleet_lib.dsn import Dsn  # noqa: E402

__all__ = ["DriverCase", "harness"]

COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL{default}, name text, "
           "price numeric(12,2), tags text[], doc jsonb, made timestamptz, raw bytea, "
           "PRIMARY KEY (customer_id, id)")
# One line of a suite in another language.
LINE = re.compile(r"^(ok|FAIL) (\w+)(?:: (.*))?$", re.MULTILINE)


class DriverCase(harness.Case):
    """A tenant, its session's address `routed`, and `direct`, an address of a plain database."""

    table: str
    tenant: str
    routed: Dsn
    direct: Dsn

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        case = cls(next(name for name in dir(cls) if name.startswith("test_")))
        cls.addClassCleanup(case.doCleanups)
        cls.tenant = case.new_tenant()
        cls.table = case.new_table(COLUMNS.format(default=""))
        app = cls.fleet.client_dsn("app")
        cls.routed = Dsn(app.user, app.password, app.port, app.database,
                         f"-c pgreeve.tenant={cls.tenant}")
        node = cls.fleet.nodes()[0]
        database = "direct_" + cls.table
        node.dsn().sql(f"CREATE DATABASE {database}")
        cls.addClassCleanup(lambda: node.dsn().sql(f"DROP DATABASE {database} WITH (FORCE)"))
        cls.direct = node.dsn(database)
        cls.direct.sql(f"CREATE TABLE {cls.table} ("
                       + COLUMNS.format(default=f" DEFAULT '{cls.tenant}'") + ")")

    def setUp(self) -> None:
        for dsn in (self.routed, self.direct):
            with psycopg.connect(dsn.url(), autocommit=True) as connection:
                connection.execute(f"DELETE FROM {self.table}")

    def both(self, work: Any) -> Any:
        """Does the same over both addresses; the results must be equal."""
        results = [work(dsn) for dsn in (self.routed, self.direct)]
        self.assertEqual(results[0], results[1], "router and direct connection differ")
        return results[0]

    @staticmethod
    def environment(dsn: Dsn) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("PG") or name.startswith("PGREEVE")}
        return {**clean, **dsn.environment(), "LC_ALL": "C.UTF-8"}


def run_suite(argv: list[str], environment: dict[str, str], folder: pathlib.Path,
              seconds: float = 300) -> dict[str, str]:
    """Runs a suite in another language; what it says of each of its tests: "" is good."""
    done = subprocess.run(argv, cwd=folder, env=environment, check=False, text=True,
                          capture_output=True, timeout=seconds)
    results = {name: "" if verdict == "ok" else why or "failed"
               for verdict, name, why in LINE.findall(done.stdout)}
    if done.returncode != 0 and not any(results.values()):
        results["_end"] = f"ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
    return results
