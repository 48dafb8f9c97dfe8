"""The settings file of one router of the fleet."""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from .fleet import Fleet


def quoted(text: object) -> str:
    """A TOML basic string."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def router_toml(fleet: "Fleet", number: int) -> str:
    ports = fleet.known().ports
    token = fleet.env()["PGREEVE_HTTP_TOKEN"]
    return f"""# Written by tools/fleet.
[listen]
pg = [{quoted(f'127.0.0.1:{ports.routers[number - 1]}')}]
http = {quoted(f'127.0.0.1:{ports.routers_http[number - 1]}')}

[router]
id = "r{number}"

[catalog]
dsn = {quoted(fleet.catalog_dsn().url())}
snapshot_file = {quoted(fleet.store / f'router{number}.snapshot')}

[http]
token = {quoted(token)}

[routing]
tenant_columns = ["customer_id", "customers.id"]
"""
