#!/usr/bin/python3
"""The demo's customers and events are exactly those that the project promises."""

from __future__ import annotations

import unittest
import uuid
from collections import Counter

import harness

from fleet_lib import demo_events, demo_load, layout

FLEET = "none"


class DemoData(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.customers = demo_events.customers()

    def test_numbers(self) -> None:
        tenants: Counter[str] = Counter()
        events: Counter[str] = Counter()
        for customer in self.customers:
            tenants[customer.tier] += 1
            events[customer.tier] += len(customer.events)
        self.assertEqual(tenants, {"enterprise": 3, "business": 40, "starter": 1007})
        self.assertEqual(events["enterprise"], 7213)
        self.assertEqual(events["business"], 7900)
        self.assertEqual(sum(events.values()), 25290)

    def test_order_is_by_events_then_by_bytes_of_the_name(self) -> None:
        keys = [(-len(c.events), c.name.encode()) for c in self.customers]
        self.assertEqual(keys, sorted(keys))

    def test_ids_are_version_5_uuids(self) -> None:
        first = self.customers[0]
        self.assertEqual(first.name, "TuanminhBot")
        self.assertEqual(first.id, str(uuid.uuid5(demo_events.NAMESPACE, "TuanminhBot")))
        # The namespace is the one of RFC 4122 for URLs, which python knows by itself.
        self.assertEqual(demo_events.NAMESPACE, uuid.NAMESPACE_URL)
        ids = {event.id for customer in self.customers for event in customer.events}
        self.assertEqual(len(ids), 25290)
        self.assertEqual({uuid.UUID(i).version for i in ids}, {5})

    def test_event_ids_come_from_line_numbers_from_1(self) -> None:
        number, text, edit = next(demo_events.read_lines())
        self.assertEqual(number, 1)
        owner = next(c for c in demo_events.customers(40_000) if c.name == edit["user"])
        event = next(e for e in owner.events if e.payload == text)
        self.assertEqual(event.id, str(uuid.uuid5(demo_events.NAMESPACE, "1")))
        self.assertEqual(event.event_type, edit["channel"])
        self.assertEqual(event.created_at, edit["time"])

    def test_every_event_lies_in_a_partition(self) -> None:
        times = [e.created_at for c in self.customers for e in c.events]
        self.assertGreaterEqual(min(times), demo_events.MONTHS[0][1])
        self.assertLess(max(times), demo_events.MONTHS[-1][2])

    def test_copy_text_keeps_special_characters(self) -> None:
        self.assertEqual(demo_load.copy_text([("a\tb", "c\\d", "e\nf\r", "\\N")]),
                         b"a\\tb\tc\\\\d\te\\nf\\r\t\\\\N\n")

    def test_shards_have_room(self) -> None:
        tenants = Counter(c.tier for c in self.customers)
        for nodes in (1, 3, 4):
            shards = layout.demo_shards(nodes)
            self.assertLessEqual({s.node for s in shards}, set(range(1, nodes + 1)))
            room = Counter[str]()
            for shard in shards:
                room[shard.tier] += next(t.capacity for t in layout.DEMO_TIERS
                                         if t.name == shard.tier)
            for tier, count in tenants.items():
                self.assertGreaterEqual(room[tier], count, tier)

    def test_other_types_of_tenant_ids(self) -> None:
        self.assertEqual([c.id for c in demo_events.customers(3, "bigint")], ["1", "2", "3"])
        self.assertEqual(demo_events.customers(1, "text")[0].id, "TuanminhBot")


if __name__ == "__main__":
    harness.main()
