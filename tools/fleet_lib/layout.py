"""Which nodes, tiers and shards a fleet has."""

from __future__ import annotations

import dataclasses

from . import demo_events

# Shards of the demo. Capacities 1, 10 and 100 need at least 3, 4 and 11; one more of the shared
# kinds leaves room for tenants that visitors create.
DEMO_SHARDS = (("enterprise", "e", demo_events.ENTERPRISE), ("business", "b", 5),
               ("starter", "s", 12))
KIB = 1024


@dataclasses.dataclass(frozen=True)
class Tier:
    name: str
    dedicated: bool
    capacity: int
    bytes_min: int
    bytes_max: int  # 0: no bound


@dataclasses.dataclass(frozen=True)
class Shard:
    name: str
    node: int  # from 1
    database: str
    tier: str
    backends_max: int  # connections of one router to it, in all roles


# Connections of a router to one shard: the demo has several shards on each node.
BACKENDS_DEMO = 16
BACKENDS_PLAIN = 50

# The real bounds are 1 GB and 10 GB. The demo's tenants have kilobytes, so its bounds do too.
DEMO_TIERS = (Tier("enterprise", True, 1, 512 * KIB, 0),
              Tier("business", False, 10, 28 * KIB, 512 * KIB),
              Tier("starter", False, 100, 0, 28 * KIB))
PLAIN_TIERS = (Tier("starter", False, 20_000, 0, 0),)
DEMO_BOUNDS_TEXT = ("tier bounds scaled down for the demo: starter < 28 kB <= business < 512 kB <= "
                    "enterprise (really 1 GB and 10 GB)")


def demo_shards(nodes: int) -> list[Shard]:
    shards = []
    for tier, letter, count in DEMO_SHARDS:
        for number in range(1, count + 1):
            name = f"{letter}{number}"
            shards.append(Shard(name, len(shards) % nodes + 1, f"app_{name}", tier,
                                BACKENDS_DEMO))
    return shards


def plain_shards(nodes: int) -> list[Shard]:
    """One shard a node: an empty database `app`."""
    return [Shard(f"s{node}", node, "app", "starter", BACKENDS_PLAIN) for node in range(1, nodes + 1)]
