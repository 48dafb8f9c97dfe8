#!/usr/bin/python3
"""/metrics, the probes, and signals."""

from __future__ import annotations

import json
import re
import urllib.request

import harness

FLEET = "plain"
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$")


class Observability(harness.Case):
    def get(self, path: str, router: int = 1) -> tuple[int, str]:
        with urllib.request.urlopen(self.env[f"PGREEVE_ROUTER_{router}_HTTP"] + path,
                                    timeout=20) as answer:
            return answer.status, answer.read().decode("utf-8")

    def samples(self) -> dict[str, float]:
        found = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                match = SAMPLE.match(line)
                self.assertIsNotNone(match, line)
                found[(match[1] + (match[2] or ""))] = float(match[3])
        return found

    def total(self, name: str) -> float:
        return sum(value for key, value in self.samples().items()
                   if key == name or key.startswith(name + "{"))

    def test_probes(self) -> None:
        for router in (1, 2):
            for path in ("/livez", "/readyz"):
                self.assertEqual(self.get(path, router)[0], 200)

    def test_unknown_path_is_a_problem_document(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.get("/no/such/path")
        self.assertEqual(caught.exception.code, 404)

    def test_names_and_help(self) -> None:
        text = self.get("/metrics")[1]
        names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        for name in ("pgreeve_build_info", "pgreeve_client_connections", "pgreeve_queries_total",
                     "pgreeve_catalog_epoch", "pgreeve_server_connections"):
            self.assertIn(name, names)
        helped = set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
        self.assertEqual(names - helped, set(), "metrics without help")

    def test_counters_move(self) -> None:
        tenant = self.new_tenant()
        session = self.bound(tenant)
        before = self.total("pgreeve_queries_total")
        for _ in range(25):
            session.execute("SELECT 1")
        harness.wait_until(lambda: self.total("pgreeve_queries_total") >= before + 25, 20,
                           "25 queries counted")

    def test_connections_are_counted(self) -> None:
        before = self.total("pgreeve_client_connections")
        held = [self.app() for _ in range(5)]
        harness.wait_until(lambda: self.total("pgreeve_client_connections") >= before + 5, 20,
                           "5 connections counted")
        self.assertEqual(len(held), 5)

    def test_log_lines_are_json(self) -> None:
        lines = self.fleet.routers()[0].log.read_text(encoding="utf-8").splitlines()
        self.assertTrue(lines)
        for line in lines:
            entry = json.loads(line)
            self.assertTrue({"ts", "level", "event"} <= set(entry), line)

    def test_log_holds_no_password(self) -> None:
        text = self.fleet.routers()[0].log.read_text(encoding="utf-8")
        for name, password in self.fleet.known().passwords.items():
            self.assertNotIn(password, text, name)


if __name__ == "__main__":
    harness.main()
