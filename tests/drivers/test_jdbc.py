#!/usr/bin/python3
"""pgjdbc of Debian: jdbc/Suite.java."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from driver_case import DriverCase, harness, run_suite

FLEET = "plain"
SOURCE = pathlib.Path(__file__).resolve().parent / "jdbc" / "Suite.java"
JARS = pathlib.Path("/usr/share/java")
TESTS = ("connect", "crud", "types", "transactions", "savepoints", "serverPrepared", "batch",
         "batchWithReturning", "fetchSize", "copy", "severalStatements", "errors", "metadata",
         "isolation", "cancel", "readOnly")


class Jdbc(DriverCase):
    results: dict[str, str]

    @classmethod
    def setUpClass(cls) -> None:
        driver = JARS / "postgresql.jar"
        if shutil.which("javac") is None or not driver.exists():
            raise unittest.SkipTest("javac or libpostgresql-jdbc-java is not installed "
                                    "(./test drivers does that)")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="pgreeve-jdbc-"))
        cls.addClassCleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        built = subprocess.run(["javac", "-cp", driver, "-d", folder, SOURCE], check=False,
                               text=True, capture_output=True, timeout=300)
        if built.returncode != 0:
            raise AssertionError(f"javac: {built.stderr}")
        super().setUpClass()
        environment = cls.environment(cls.routed) | {"TABLE": cls.table} | {
            f"DIRECT_{name}": value for name, value in cls.direct.environment().items()}
        path = os.pathsep.join([str(folder), *(str(jar) for jar in sorted(JARS.glob("*.jar"))
                                               if jar.name.startswith(("postgresql", "scram",
                                                                       "saslprep", "stringprep")))])
        cls.results = run_suite(["java", "-Xmx256m", "-cp", path, "Suite"], environment, folder)

    def setUp(self) -> None:
        pass  # the suite empties the table itself


def add_test(name: str) -> None:
    def test(self: Jdbc) -> None:
        self.assertEqual(self.results.get(name, self.results.get("_end", "it did not run")), "")
    setattr(Jdbc, f"test_{name}", test)


for each in TESTS:
    add_test(each)

if __name__ == "__main__":
    harness.main()
