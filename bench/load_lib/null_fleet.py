"""A fleet of one shard that is no database: a scratch Postgres with the catalog, in which the shard's
address is the null backend's. Provisioning would want a real node, so the rows are written here."""

from __future__ import annotations

import json
import pathlib

from fleet_lib import ports
from fleet_lib.account import Account
from fleet_lib.cluster import Cluster
from fleet_lib.control import Control
from fleet_lib.dsn import Dsn, new_password
from fleet_lib.router_settings import quoted

from .load_process import Address

TENANT = 42
TABLE = "pgbench_accounts"
COLUMNS = [{"name": name, "type": kind, "not_null": required} for name, kind, required in (
    ("aid", "integer", True), ("bid", "integer", False), ("abalance", "integer", False),
    ("filler", "character(84)", False), ("tenant_id", "bigint", True))]

ROWS = """
INSERT INTO pgreeve.nodes (name, host, port, region, admin_dsn)
  VALUES ('null', '127.0.0.1', {port}, 'local', 'host=127.0.0.1 port={port}');
INSERT INTO pgreeve.shards (name, node, database, tier, region, state, tenants, capacity, backends_max,
                            shard_epoch, token_key)
  SELECT 'null', id, 'bench', 'starter', 'local', 'open', 1, 100, 1000, 1, sha256('bench')
    FROM pgreeve.nodes;
INSERT INTO pgreeve.tenants (id, tier, shard, region, epoch)
  SELECT '{tenant}', 'starter', id, 'local', 1 FROM pgreeve.shards;
INSERT INTO pgreeve.tables (schema, name, kind, tenant_column, columns)
  VALUES ('public', '{table}', 'sharded', 'tenant_id', '{columns}');
"""

SETTINGS = """[router]
id = {name}
workers = 1
[listen]
pg = [{pg}]
http = {http}
[catalog]
dsn = {catalog}
[pool]
size = {pool}
queue_timeout = "5min"
server_idle_timeout = "1h"
[limits]
client_connections_max = 12000
[log]
level = "warning"
"""


def router_settings(port: int, http: int, catalog: str, pool: int) -> str:
    return SETTINGS.format(name=quoted(f"bench{port}"), pg=quoted(f"127.0.0.1:{port}"),
                           http=quoted(f"127.0.0.1:{http}"), catalog=quoted(catalog), pool=pool)


class NullFleet:
    def __init__(self, account: Account, folder: pathlib.Path, binaries: pathlib.Path,
                 backend_port: int) -> None:
        self.port = ports.block(1)[0]
        self._password = new_password()
        for name in ("data", "run"):
            account.make_folder(folder / name)
        self._cluster = Cluster(account, "catalog", folder / "data" / "catalog",
                                folder / "catalog.log", folder / "run", ports.block(1)[0],
                                new_password())
        self._cluster.make(fsync=False)
        self._cluster.start()
        try:
            self._cluster.dsn().sql("CREATE DATABASE catalog")
            control = Control(Account(account.name, account.uid, account.gid, account.home, False),
                              binaries, self.catalog)
            control.initialise("bigint")
            self.catalog.sql(ROWS.format(port=backend_port, tenant=TENANT, table=TABLE,
                                         columns=json.dumps(COLUMNS)))
            control.create_login("isolated", self._password, "app")
            control.create_login("trusted", self._password, "app", "--no-isolation")
        except BaseException:
            self.stop()
            raise

    @property
    def catalog(self) -> Dsn:
        return self._cluster.dsn("catalog")

    def address(self, login: str, port: int, bound: bool) -> Address:
        return Address(port, login, self._password, "app",
                       f"-c pgreeve.tenant={TENANT}" if bound else "")

    def stop(self) -> None:
        self._cluster.stop("immediate")
