#!/usr/bin/python3
"""tools/fleet itself: what it promises to those who script against it."""

from __future__ import annotations

import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

import psycopg

import harness

from fleet_lib import ports
from fleet_lib.state import read_env

FLEET = "none"
PROGRAM = harness.ROOT / "tools" / "fleet"


class FleetProgram(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgreeve-own-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.fleet, "down", "--remove")

    def fleet(self, command: str, *options: str, status: int = 0) -> str:
        done = subprocess.run([PROGRAM, command, "--dir", self.folder, *options], check=False,
                              text=True, capture_output=True, timeout=240)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def env(self) -> dict[str, str]:
        return read_env(self.folder / "fleet.env")

    def select(self, dsn: str, sql: str = "SELECT 1") -> object:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=20) as connection:
            row = connection.execute(sql).fetchone()
        assert row is not None
        return row[0]

    def test_up_down_and_up_again(self) -> None:
        base = ports.block(8)[0]
        said = self.fleet("up", "--no-load", "--nodes", "2", "--routers", "1", "--standbys",
                          "--port-base", str(base))
        self.assertIn("fsync", said)
        env = self.env()
        wanted = {"PGREEVE_BIN", "PGREEVE_APP_DSN", "PGREEVE_OPERATOR_DSN", "PGREEVE_CONSOLE_DSN",
                  "PGREEVE_HTTP", "PGREEVE_HTTP_TOKEN", "PGREEVE_CATALOG_DSN",
                  "PGREEVE_CATALOG_DATADIR", "PGREEVE_ROUTER_1_PID", "PGREEVE_ROUTER_1_PORT",
                  "PGREEVE_ROUTER_1_HTTP", "PGREEVE_REBALANCER_1_PID", "PGREEVE_REBALANCER_1_HTTP"}
        for number in (1, 2):
            wanted |= {f"PGREEVE_NODE_{number}_DSN", f"PGREEVE_NODE_{number}_DATADIR",
                       f"PGREEVE_STANDBY_{number}_DSN"}
        self.assertEqual(set(env), wanted)
        self.assertEqual(stat.S_IMODE((self.folder / "fleet.env").stat().st_mode), 0o600)
        for name, value in env.items():
            if name.endswith("_DSN"):
                self.assertTrue(value.startswith("postgresql://"), value)
        self.assertTrue(all(base <= int(value) < base + 8 for name, value in env.items()
                            if name.endswith("_PORT")))
        for name in ("APP", "OPERATOR", "CATALOG", "NODE_1", "NODE_2", "STANDBY_1"):
            self.assertEqual(self.select(env[f"PGREEVE_{name}_DSN"]), 1, name)
        self.assertTrue(self.select(env["PGREEVE_STANDBY_2_DSN"], "SELECT pg_is_in_recovery()"))
        self.assertEqual(self.select(env["PGREEVE_NODE_1_DSN"], "SELECT current_database()"), "app")
        systems = {self.select(env[f"PGREEVE_{name}_DSN"],
                               "SELECT system_identifier FROM pg_control_system()")
                   for name in ("CATALOG", "NODE_1", "NODE_2")}
        self.assertEqual(len(systems), 3)
        lines = (self.folder / "shards.csv").read_text(encoding="utf-8").splitlines()
        self.assertEqual(lines[0], "shard,node,database,dsn,tier,tenants")
        self.assertEqual(len(lines), 3)
        self.assertNotIn("down", self.fleet("status"))
        self.assertEqual(self.fleet("env"), (self.folder / "fleet.env").read_text(encoding="utf-8"))
        self.select(env["PGREEVE_OPERATOR_DSN"],
                    "SELECT pgreeve.create_tenant('00000000-0000-0000-0000-000000000001')")

        self.fleet("down")
        self.assertIn("down", self.fleet("status", status=1))
        with self.assertRaises(psycopg.OperationalError):
            self.select(env["PGREEVE_APP_DSN"])
        self.fleet("down")  # again is no error

        self.fleet("up", "--no-load", "--nodes", "2", "--routers", "1", "--standbys",
                   "--port-base", str(base))
        again = self.env()
        for name in ("PGREEVE_APP_DSN", "PGREEVE_NODE_1_DSN", "PGREEVE_CATALOG_DATADIR"):
            self.assertEqual(again[name], env[name])
        self.assertIn("00000000-0000-0000-0000-000000000001", str(self.select(
            again["PGREEVE_CATALOG_DSN"], "SELECT string_agg(id, ' ') FROM pgreeve.tenants")))

    def test_other_options_for_the_same_folder_are_refused(self) -> None:
        self.fleet("up", "--no-load", "--nodes", "1", "--routers", "1")
        self.assertIn("other options", self.fleet("up", "--no-load", "--nodes", "2", status=1))
        self.assertNotIn("down", self.fleet("status"))

    def test_nothing_there(self) -> None:
        self.assertIn("no fleet", self.fleet("status", status=1))
        self.assertIn("0 processes", self.fleet("down"))

    def test_bad_options(self) -> None:
        self.fleet("up", "--no-load", "--nodes", "0", status=1)
        self.fleet("up", "--tenant-type", "float", status=2)


if __name__ == "__main__":
    harness.main()
