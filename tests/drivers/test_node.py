#!/usr/bin/python3
"""node-postgres, with its cursors and COPY streams: node/suite.mjs."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import unittest

from driver_case import DriverCase, harness, run_suite

FLEET = "plain"
FOLDER = pathlib.Path(__file__).resolve().parent / "node"
TESTS = ("connect", "crud", "types", "transactions", "namedStatements",
         "namedStatementsOfManyClients", "queuedQueries", "pool", "cursors", "copy",
         "severalStatements", "errors", "notices")


class NodePostgres(DriverCase):
    results: dict[str, str]

    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise unittest.SkipTest("node and npm are not installed (./test drivers does that)")
        installed = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"],
            cwd=FOLDER, check=False, text=True, capture_output=True, timeout=300)
        if installed.returncode != 0:
            raise unittest.SkipTest(f"npm ci: {installed.stderr.strip()[-300:]}")
        super().setUpClass()
        environment = cls.environment(cls.routed) | {"TABLE": cls.table} | {
            f"DIRECT_{name}": value for name, value in cls.direct.environment().items()}
        cls.results = run_suite(["node", "suite.mjs"], environment, FOLDER)

    def setUp(self) -> None:
        pass  # the suite empties the table itself


def add_test(name: str) -> None:
    def test(self: NodePostgres) -> None:
        self.assertEqual(self.results.get(name, self.results.get("_end", "it did not run")), "")
    setattr(NodePostgres, f"test_{name}", test)


for each in TESTS:
    add_test(each)

if __name__ == "__main__":
    harness.main()
