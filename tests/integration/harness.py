"""What the test programs share: the fleet they run against, connections, and the report.

A test program names its kind of fleet in the constant FLEET (see tests/support/fleets.py), holds
unittest cases, and ends with harness.main(). By hand:

    tools/fleet up --dir /tmp/f --no-load --nodes 2
    tests/integration/test_routing.py --fleet /tmp/f [unittest arguments]
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import unittest
import uuid
from typing import Any

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from fleet_lib.account import FleetError  # noqa: E402
from fleet_lib.fleet import Fleet  # noqa: E402
from fleet_lib.process import http_status, wait_until  # noqa: E402
from fleet_lib.state import read_env  # noqa: E402

__all__ = ["Case", "FleetError", "ROOT", "http_status", "main", "wait_until"]

_fleet_folder: pathlib.Path | None = None


class Case(unittest.TestCase):
    """A test that talks to the fleet."""

    maxDiff = 4000
    env: dict[str, str]
    fleet: Fleet

    @classmethod
    def setUpClass(cls) -> None:
        if _fleet_folder is None:
            raise FleetError("no fleet: give --fleet DIR or PGREEVE_FLEET_DIR")
        cls.fleet = Fleet(_fleet_folder, lambda text: print(text, flush=True))
        cls.env = read_env(_fleet_folder / "fleet.env")

    # Connections. All are closed at the end of the test.

    def connect(self, dsn: str, **more: Any) -> psycopg.Connection[Any]:
        more.setdefault("autocommit", True)
        connection = psycopg.connect(dsn, connect_timeout=20, **more)
        self.addCleanup(connection.close)
        return connection

    def operator(self, **more: Any) -> psycopg.Connection[Any]:
        return self.connect(self.env["PGREEVE_OPERATOR_DSN"], **more)

    def app(self, router: int = 1, **more: Any) -> psycopg.Connection[Any]:
        """A free session of app scope."""
        return self.connect(self.app_dsn(router), **more)

    def bound(self, tenant: str, router: int = 1, **more: Any) -> psycopg.Connection[Any]:
        """A session of app scope, locked to a tenant at startup."""
        return self.connect(self.app_dsn(router), options=f"-c pgreeve.tenant={tenant}", **more)

    def app_dsn(self, router: int = 1) -> str:
        return self.fleet.client_dsn("app", router=router).url()

    def node(self, number: int, database: str = "app") -> psycopg.Connection[Any]:
        """A direct connection, as superuser, past the router."""
        return self.connect(self.fleet.nodes()[number - 1].dsn(database).url())

    def catalog(self) -> psycopg.Connection[Any]:
        return self.connect(self.env["PGREEVE_CATALOG_DSN"])

    # Tables and tenants. Names are new in every test, so that tests do not meet.

    def new_tenant(self, tier: str = "starter") -> str:
        tenant = str(uuid.uuid4())
        self.create_tenant(tenant, tier)
        return tenant

    def create_tenant(self, tenant: str, tier: str = "starter") -> None:
        with psycopg.connect(self.env["PGREEVE_OPERATOR_DSN"], autocommit=True,
                             cursor_factory=psycopg.ClientCursor) as operator:
            operator.execute("SELECT pgreeve.create_tenant(%s, %s)", (tenant, tier))

    def new_table(self, columns: str, tenant_column: str = "customer_id",
                  name: str | None = None) -> str:
        """CREATE TABLE on all shards, declared as sharded by the column."""
        table = name or "t" + uuid.uuid4().hex[:12]
        with psycopg.connect(self.env["PGREEVE_OPERATOR_DSN"], autocommit=True) as operator:
            operator.execute(f"CREATE TABLE {table} ({columns})")
            operator.execute(f"SELECT pgreeve.shard_table('{table}', '{tenant_column}')")
        self.addCleanup(self._drop_table, table)
        return table

    def _drop_table(self, table: str) -> None:
        with psycopg.connect(self.env["PGREEVE_OPERATOR_DSN"], autocommit=True) as operator:
            operator.execute(f"DROP TABLE IF EXISTS {table} CASCADE")

    def home_of(self, tenant: str) -> str:
        """Name of the tenant's shard, by the catalog."""
        row = self.catalog().execute(
            "SELECT s.name FROM pgreeve.tenants t JOIN pgreeve.shards s ON s.id = t.shard "
            "WHERE t.id = %s", (tenant,)).fetchone()
        self.assertIsNotNone(row, f"tenant {tenant} is not in the directory")
        return str(row[0])

    def tenants_apart(self, count: int = 2) -> list[str]:
        """New tenants, each on another shard."""
        found: dict[str, str] = {}
        for _ in range(64):
            tenant = self.new_tenant()
            found.setdefault(self.home_of(tenant), tenant)
            if len(found) == count:
                return list(found.values())
        self.fail(f"64 new tenants lie on {len(found)} shards only")

    def tenants_together(self, count: int = 2) -> list[str]:
        """New tenants that share one shard."""
        homes: dict[str, list[str]] = {}
        for _ in range(64):
            tenant = self.new_tenant()
            group = homes.setdefault(self.home_of(tenant), [])
            group.append(tenant)
            if len(group) == count:
                return group
        self.fail(f"no {count} of 64 new tenants share a shard")

    # Expectations.

    def refused(self, connection: psycopg.Connection[Any], sqlstate: str, sql: str,
                parameters: Any = None) -> psycopg.Error:
        """The statement must fail with this SQLSTATE, and the session must go on."""
        with self.assertRaises(psycopg.Error) as caught:
            connection.execute(sql, parameters)
        error = caught.exception
        self.assertEqual(error.sqlstate, sqlstate, f"{sql}: {error}")
        return error

    def one(self, connection: psycopg.Connection[Any], sql: str, parameters: Any = None) -> Any:
        """The only value of the only row."""
        row = connection.execute(sql, parameters).fetchone()
        self.assertIsNotNone(row, sql)
        return row[0]

    def rows(self, connection: psycopg.Connection[Any], sql: str, parameters: Any = None
             ) -> list[tuple[Any, ...]]:
        return connection.execute(sql, parameters).fetchall()


def write_report(result: unittest.TestResult) -> None:
    path = os.environ.get("PGREEVE_RESULTS")
    if path is None:
        return
    bad = {str(test) for test, _ in [*result.failures, *result.errors]}
    bad |= {str(test) for test in result.unexpectedSuccesses}
    skipped = [f"{test}: {why}" for test, why in result.skipped]
    passed = result.testsRun - len({b for b in bad if "setUpClass" not in b}) - len(
        [s for s in result.skipped if "setUpClass" not in str(s[0])])
    pathlib.Path(path).write_text(json.dumps({
        "passed": max(passed, 0), "failed": sorted(bad), "skipped": skipped}), encoding="utf-8")


def main() -> None:
    """Runs the cases of the program that calls it."""
    global _fleet_folder
    arguments = sys.argv[1:]
    folder = os.environ.get("PGREEVE_FLEET_DIR")
    if arguments[:1] == ["--fleet"]:
        folder, arguments = arguments[1], arguments[2:]
    _fleet_folder = pathlib.Path(folder) if folder else None
    program = unittest.main(module="__main__", argv=[sys.argv[0], *arguments], exit=False,
                            verbosity=2)
    write_report(program.result)
    sys.exit(0 if program.result.wasSuccessful() else 1)
