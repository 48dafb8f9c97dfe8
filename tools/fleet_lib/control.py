"""The words that the fleet says to pgreevectl: the one place that knows its command line."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from .account import Account
from .cluster import Cluster
from .dsn import Dsn
from .layout import Shard, Tier


class Control:
    def __init__(self, account: Account, binaries: pathlib.Path, catalog: Dsn) -> None:
        self._account = account
        self._program = binaries / "pgreevectl"
        self._environment = {"PGREEVE_CATALOG_DSN": catalog.url()}

    def run(self, *arguments: str, text_in: str | None = None, timeout: float = 300,
            extra: Mapping[str, str] | None = None) -> str:
        return self._account.run([self._program, *arguments],
                                 f"pgreevectl {' '.join(arguments[:2])}", text_in=text_in,
                                 extra={**self._environment, **(extra or {})}, timeout=timeout)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What a listing command says, as objects."""
        found: list[dict[str, Any]] = json.loads(self.run("--output", "json", *arguments))
        return found

    def initialise(self, tenant_type: str) -> None:
        self.run("catalog", "init", "--tenant-type", tenant_type)

    def set_tier(self, tier: Tier) -> None:
        self.run("tier", "set", tier.name, "--capacity", str(tier.capacity), "--size-min",
                 str(tier.bytes_min), "--size-max", str(tier.bytes_max),
                 *(["--dedicated"] if tier.dedicated else []))

    def add_node(self, name: str, cluster: Cluster) -> None:
        # By environment: arguments are visible to every account of the machine.
        self.run("node", "add", name, extra={"PGREEVE_NODE_DSN": cluster.dsn().url()})

    def set_combiner(self, node: str) -> None:
        self.run("combiner", "set", "--node", node)

    def add_shard(self, shard: Shard) -> None:
        self.run("shard", "add", shard.name, "--node", f"node{shard.node}", "--database",
                 shard.database, "--tier", shard.tier, "--backends-max", str(shard.backends_max))

    def create_login(self, name: str, password: str, scope: str, *more: str) -> None:
        self.run("login", "create", name, "--scope", scope, "--password-stdin", *more,
                 text_in=password + "\n")
