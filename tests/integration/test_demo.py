#!/usr/bin/python3
"""The loaded demo: every row on the shard that the directory names, every number as promised."""

from __future__ import annotations

import csv
import unittest
from collections import Counter
from typing import Any

import psycopg

import harness

from fleet_lib import demo_events, layout

FLEET = "demo"


class Demo(harness.Case):
    customers: list[demo_events.Customer]
    shards: list[dict[str, str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.customers = demo_events.customers()
        with (cls.fleet.folder / "shards.csv").open(encoding="utf-8", newline="") as file:
            cls.shards = list(csv.DictReader(file))

    def direct(self, shard: dict[str, str]) -> psycopg.Connection[Any]:
        return self.connect(shard["dsn"])

    def test_every_event_is_where_the_directory_says(self) -> None:
        homes = {row["tenant"]: row["shard"] for row in self.fleet.control().rows("tenant", "list")}
        self.assertEqual(set(homes), {customer.id for customer in self.customers})
        found: Counter[str] = Counter()
        for shard in self.shards:
            for table, column in (("customers", "id"), ("events", "customer_id")):
                for tenant, count in self.rows(self.direct(shard), (
                        f"SELECT {column}::text, count(*) FROM {table} GROUP BY 1")):
                    self.assertEqual(homes[tenant], shard["shard"], tenant)
                    if table == "events":
                        found[tenant] += count
        self.assertEqual(found, Counter({c.id: len(c.events) for c in self.customers}))

    def test_numbers_through_the_router(self) -> None:
        operator = self.operator()
        self.assertEqual(self.one(operator, "SELECT count(*) FROM events"), 25290)
        self.assertEqual(self.one(operator, "SELECT count(*) FROM customers"), 1050)
        self.assertEqual(dict(self.rows(
            operator, "SELECT tier, count(*) FROM customers GROUP BY tier ORDER BY tier")),
            {"business": 40, "enterprise": 3, "starter": 1007})

    def test_events_by_tier(self) -> None:
        tiers: Counter[str] = Counter()
        for shard in self.shards:
            tiers[shard["tier"]] += self.one(self.direct(shard), "SELECT count(*) FROM events")
        self.assertEqual(tiers, {"enterprise": 7213, "business": 7900, "starter": 10177})

    def test_capacity(self) -> None:
        capacity = {tier.name: tier.capacity for tier in layout.DEMO_TIERS}
        for shard in self.shards:
            self.assertLessEqual(int(shard["tenants"]), capacity[shard["tier"]], shard["shard"])
            self.assertEqual(self.one(self.direct(shard), "SELECT count(*) FROM customers"),
                             int(shard["tenants"]))
        self.assertEqual(len({shard["node"] for shard in self.shards}), 4)

    def test_rows_are_the_files(self) -> None:
        customer = self.customers[40]
        rows = self.rows(self.app(), (
            "SELECT id::text, event_type, payload, "
            "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') "
            "FROM events WHERE customer_id = %s"), (customer.id,))
        import json
        self.assertEqual(sorted((r[0], r[1], r[3]) for r in rows),
                         sorted((e.id, e.event_type, e.created_at) for e in customer.events))
        payloads = {e.id: json.loads(e.payload) for e in customer.events}
        for row in rows:
            self.assertEqual(row[2], payloads[row[0]])

    def test_top_ten(self) -> None:
        rows = self.rows(self.operator(), (
            "SELECT customer_id::text, count(*) FROM events GROUP BY customer_id "
            "ORDER BY count(*) DESC, customer_id LIMIT 10"))
        wanted = sorted(((c.id, len(c.events)) for c in self.customers),
                        key=lambda pair: (-pair[1], pair[0]))[:10]
        self.assertEqual(rows, wanted)

    def test_tenant_login_sees_itself(self) -> None:
        for prefix in ("PGREEVE_TENANT", "PGREEVE_TENANT2"):
            session = self.connect(self.env[f"{prefix}_DSN"])
            tenant = self.env[f"{prefix}_ID"]
            events = next(len(c.events) for c in self.customers if c.id == tenant)
            self.assertEqual(self.rows(
                session, "SELECT customer_id::text, count(*) FROM events GROUP BY 1"),
                [(tenant, events)])
            self.assertEqual(self.one(session, "SELECT count(*) FROM customers"), 1)
        homes = {row["tenant"]: row["shard"] for row in self.fleet.control().rows("tenant", "list")}
        self.assertNotEqual(self.env["PGREEVE_TENANT_ID"], self.env["PGREEVE_TENANT2_ID"])
        self.assertEqual(homes[self.env["PGREEVE_TENANT_ID"]],
                         homes[self.env["PGREEVE_TENANT2_ID"]])

    def test_doctor_is_content(self) -> None:
        said = self.fleet.control().run("doctor")
        self.assertRegex(said, r"doctor: \d+ checks, 0 problems")

    def test_doctor_finds_a_misplaced_row(self) -> None:
        shared = [s for s in self.shards if s["tier"] == "starter"]
        stranger = self.customers[0]  # enterprise: at home elsewhere
        node = self.direct(shared[0])
        node.execute("INSERT INTO customers (id, name, tier) VALUES (%s, 'x', 'x')",
                     (stranger.id,))
        try:
            with self.assertRaises(harness.FleetError) as caught:
                self.fleet.control().run("doctor")
            self.assertIn(stranger.id, caught.exception.output)
        finally:
            node.execute("DELETE FROM customers WHERE id = %s", (stranger.id,))

    def test_uuid_of_the_first_customer(self) -> None:
        row = self.rows(self.operator(), "SELECT id::text, name FROM customers WHERE "
                        f"id = '{self.customers[0].id}'")
        self.assertEqual(row, [(self.customers[0].id, "TuanminhBot")])

    def test_partitions(self) -> None:
        self.assertEqual(self.rows(self.operator(), (
            "SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date::text, count(*) "
            "FROM events GROUP BY 1 ORDER BY 1")), self.months())

    def months(self) -> list[tuple[str, int]]:
        counts: Counter[str] = Counter(
            e.created_at[:7] + "-01" for c in self.customers for e in c.events)
        return sorted(counts.items())


if __name__ == "__main__":
    unittest.TestCase.maxDiff = 2000
    harness.main()
