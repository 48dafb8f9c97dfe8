"""The settings file of one router of the fleet."""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from .fleet import Fleet


def quoted(text: object) -> str:
    """A TOML basic string."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# Connections of a router to one shard in one role, below the shard's backends_max (layout.py).
POOL_DEMO = 8
POOL_PLAIN = 20


def router_toml(fleet: "Fleet", number: int) -> str:
    state = fleet.known()
    ports = state.ports
    columns = '["customer_id", "customers.id"]' if state.options.load else "[]"
    return f"""# Written by tools/fleet.
[router]
id = "r{number}"

[listen]
pg = [{quoted(f'127.0.0.1:{ports.routers[number - 1]}')}]
http = {quoted(f'127.0.0.1:{ports.routers_http[number - 1]}')}

[catalog]
dsn = {quoted(fleet.catalog_dsn().url())}
snapshot_file = {quoted(fleet.store / 'run' / f'router{number}.snapshot')}
snapshot_key = {quoted(state.passwords['snapshot_key'])}

[pool]
size = {POOL_DEMO if state.options.load else POOL_PLAIN}

[routing]
tenant_columns = {columns}

[timeouts]
drain = "5s"
"""
