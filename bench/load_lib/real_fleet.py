"""pgbench -S against a real Postgres shard: router and PgBouncer in front of the same database."""

from __future__ import annotations

import collections
import os
import re
import subprocess

from fleet_lib import ports
from fleet_lib.account import PG_BIN
from fleet_lib.dsn import Dsn
from fleet_lib.fleet import APP_DATABASE, Fleet
from fleet_lib.state import Options

from .measure import BenchError, cpu_nanoseconds
from .null_fleet import TENANT
from .programs import Program
from .report import ratio, spread, table
from .stages import Say
from .subjects import MODES, Rig

ACCOUNTS = 100_000  # pgbench's scale 1
CLIENTS = (1, 16, 64)
SECONDS = 4
TABLE = ("CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84), "
         "tenant_id bigint NOT NULL, PRIMARY KEY (tenant_id, aid))")
BRANCHES = ("CREATE TABLE pgbench_branches (bid int NOT NULL, bbalance int, filler char(88), "
            "tenant_id bigint NOT NULL, PRIMARY KEY (tenant_id, bid))")


def _fill(fleet: Fleet) -> None:
    operator = fleet.client_dsn("operator")
    fleet.control().run("tenant", "create", str(TENANT))
    for name, sql in (("pgbench_accounts", TABLE), ("pgbench_branches", BRANCHES)):
        operator.sql(sql)
        operator.sql(f"SELECT pgreeve.shard_table('{name}', 'tenant_id')")
    # Past the router, like the data that a shard has had for long. PgBouncer's role sees the table
    # without row security, so it needs an index without the tenant: a slow shard makes a proxy sleep
    # and wake for every query, and would be charged to it.
    fleet.nodes()[0].dsn(APP_DATABASE).sql(
        f"INSERT INTO pgbench_branches VALUES (1, 0, '', {TENANT});"
        f"INSERT INTO pgbench_accounts SELECT n, 1, 0, '', {TENANT} "
        f"FROM generate_series(1, {ACCOUNTS}) n; "
        "CREATE INDEX ON pgbench_accounts (aid); ANALYZE pgbench_accounts")


def _pgbench(dsn: Dsn, mode: str, clients: int) -> int:
    """Queries done."""
    done = subprocess.run(
        [PG_BIN / "pgbench", "-n", "-S", "-M", mode, "-c", str(clients), "-T", str(SECONDS), "-s", "1"],
        text=True, capture_output=True, check=False, timeout=300,
        env={**dsn.environment(), "PATH": "/usr/bin", "LC_ALL": "C.UTF-8"})
    found = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise BenchError(f"pgbench: {done.stdout}{done.stderr}")
    return int(found[1])


def _subjects(rig: Rig, fleet: Fleet, with_router: bool) -> list[tuple[str, Program, Dsn]]:
    shard = fleet.nodes()[0].dsn(APP_DATABASE)
    bouncer = rig.bouncer(backend_port=shard.port,
                          more=f" dbname={APP_DATABASE} user=postgres password={shard.password}")
    found = [("pgbouncer", bouncer, Dsn("bench", "", bouncer.port, APP_DATABASE))]
    if with_router:
        router = rig.router(catalog=fleet.catalog_dsn().url())
        app = fleet.client_dsn("app")
        found.append(("pgreeve bound", router,
                      Dsn("app", app.password, router.port, APP_DATABASE,
                          f"-c pgreeve.tenant={TENANT}")))
    return found


def real_fleet(rig: Rig, with_router: bool, rounds: int, say: Say) -> str:
    say("pgbench -S against a real shard")
    os.environ["PGREEVE_BIN"] = str(rig.binaries)
    fleet = Fleet(rig.folder / "fleet", lambda text: say(text))
    fleet.up(Options(nodes=1, routers=1, load=False, tenant_type="bigint",
                     port_base=ports.block(8)[0]))
    try:
        _fill(fleet)
        return _measure(rig, _subjects(rig, fleet, with_router), rounds)
    finally:
        rig.stop_proxies()
        fleet.remove()


def _measure(rig: Rig, subjects: list[tuple[str, Program, Dsn]], rounds: int) -> str:
    modes = MODES if "prepared" in rig.bouncer_modes() else MODES[:2]
    cost: dict[tuple[str, int, str], list[float]] = collections.defaultdict(list)
    for _ in range(rounds):
        for mode in modes:
            for clients in CLIENTS:
                for name, program, dsn in subjects:
                    before = cpu_nanoseconds(program.pid)
                    queries = _pgbench(dsn, mode, clients)
                    after = cpu_nanoseconds(program.pid)
                    cost[mode, clients, name].append((after - before) / queries / 1000)
    rows = []
    for mode in modes:
        for clients in CLIENTS:
            row = [f"{mode} {clients}"]
            row += [spread(cost[mode, clients, name]) for name, _, _ in subjects]
            if len(subjects) > 1:
                row.append(ratio(cost[mode, clients, subjects[1][0]],
                                 cost[mode, clients, subjects[0][0]]))
            rows.append(row)
    head = ["mode, clients", *[name for name, _, _ in subjects]]
    return ("µs of CPU of the proxy per query, logins included:\n\n"
            + table(head + (["ratio"] if len(subjects) > 1 else []), rows) + "\n")
