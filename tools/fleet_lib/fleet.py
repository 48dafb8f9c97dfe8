"""A fleet in a folder: what `tools/fleet` brings up, takes down and tells about."""

from __future__ import annotations

import concurrent.futures
import csv
import dataclasses
import io
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable

from . import demo_events, layout, ports
from .account import Account, FleetError
from .cluster import Cluster
from .control import Control
from .demo_load import Loader
from .dsn import Dsn, new_password
from .process import Daemon
from .router_settings import router_toml
from .state import Options, Ports, State, choose_store, env_text

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP_DATABASE = "app"
CONSOLE_DATABASE = "pgreeve"
CATALOG_DATABASE = "pgreeve_catalog"
LOGIN_TENANT = "tenant_demo"
LOGIN_TENANT2 = "tenant_demo2"


def find_binaries() -> pathlib.Path:
    """PGREEVE_BIN, or the release build, or the developer's."""
    named = os.environ.get("PGREEVE_BIN")
    for folder in ([pathlib.Path(named)] if named else
                   [ROOT / "build" / preset / "bin" for preset in ("release", "dev")]):
        if (folder / "pgreeve-router").exists():
            return folder.resolve()
    raise FleetError("no pgreeve-router is built; run ./quickstart build (or set PGREEVE_BIN)")


def in_parallel(work: Iterable[Callable[[], object]]) -> None:
    """All at once, four at a time; the first failure is raised after all have ended."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        for future in [pool.submit(step) for step in work]:
            future.result()


class Fleet:
    def __init__(self, folder: pathlib.Path, say: Callable[[str], None] = print) -> None:
        self.folder = folder.absolute()
        self.say = say
        self.account = Account.choose()
        self._state_file = self.folder / "fleet.json"
        self.state: State | None = None
        if self._state_file.exists():
            self.state = State.from_json(self._state_file.read_text(encoding="utf-8"),
                                         self._state_file)

    # What it consists of.

    def known(self) -> State:
        if self.state is None:
            raise FleetError(f"no fleet in {self.folder}; bring one up with tools/fleet up")
        return self.state

    @property
    def store(self) -> pathlib.Path:
        return pathlib.Path(self.known().store)

    def _cluster(self, name: str, port: int) -> Cluster:
        return Cluster(self.account, name, self.store / "data" / name,
                       self.store / "log" / f"{name}.log", self._sockets(), port,
                       self.known().passwords["postgres"])

    def _sockets(self) -> pathlib.Path:
        return self.store / "run"

    def catalog(self) -> Cluster:
        return self._cluster("catalog", self.known().ports.catalog)

    def nodes(self) -> list[Cluster]:
        return [self._cluster(f"node{number}", port)
                for number, port in enumerate(self.known().ports.nodes, start=1)]

    def standbys(self) -> list[Cluster]:
        return [self._cluster(f"standby{number}", port)
                for number, port in enumerate(self.known().ports.standbys, start=1)]

    def catalog_dsn(self) -> Dsn:
        return self.catalog().dsn(CATALOG_DATABASE)

    def _runner(self) -> Account:
        """Routers step down like Postgres, if the account can reach the binaries."""
        if self.account.can_enter(pathlib.Path(self.known().binaries)):
            return self.account
        return dataclasses.replace(self.account, steps_down=False)

    def routers(self) -> list[Daemon]:
        state = self.known()
        runner = self._runner()
        found = []
        for number, http in enumerate(state.ports.routers_http, start=1):
            name = f"router{number}"
            found.append(Daemon(
                runner, name, [f"{state.binaries}/pgreeve-router", "--config",
                               str(self.store / f"{name}.toml")],
                self.store / "run" / f"{name}.pid", self.store / "log" / f"{name}.log",
                f"http://127.0.0.1:{http}/readyz"))
        return found

    def rebalancers(self) -> list[Daemon]:
        state = self.known()
        runner = self._runner()
        return [Daemon(runner, f"rebalancer{number}",
                       [f"{state.binaries}/pgreeve-rebalancer", "--catalog",
                        self.catalog_dsn().url(), "--http", f"127.0.0.1:{http}", "--id",
                        f"rb{number}"],
                       self.store / "run" / f"rebalancer{number}.pid",
                       self.store / "log" / f"rebalancer{number}.log",
                       f"http://127.0.0.1:{http}/readyz")
                for number, http in enumerate(state.ports.rebalancers_http, start=1)]

    def shards(self) -> list[layout.Shard]:
        options = self.known().options
        return (layout.demo_shards if options.load else layout.plain_shards)(options.nodes)

    def client_dsn(self, login: str, database: str = APP_DATABASE, router: int = 1) -> Dsn:
        state = self.known()
        return Dsn(login, state.passwords[login], state.ports.routers[router - 1], database)

    # Up.

    def up(self, options: Options) -> None:
        if self.state is None:
            self._prepare(options)
        elif dataclasses.replace(options, port_base=None) != dataclasses.replace(
                self.state.options, port_base=None):
            raise FleetError(f"{self.folder} holds a fleet with other options; stop it and remove "
                             "the folder, or choose another --dir")
        try:
            self._start_clusters()
            self._once("catalog", self._fill_catalog)
            self._start_daemons()
            self._once("logins", self._create_logins)
            self.write_env()
            if self.known().options.load:
                self._once("load", self._load)
                self._once("tenant_logins", self._create_tenant_logins)
            self.write_env()
        except BaseException:
            self.say("fleet: stopping what was started")
            self.down()
            raise

    def _prepare(self, options: Options) -> None:
        if min(options.nodes, options.routers) < 1:
            raise FleetError("a fleet has at least one node and one router")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.account.steps_down:
            self.folder.chmod(0o700)
        store = choose_store(self.folder, self.account)
        block = ports.block(Ports.count(options), options.port_base)
        self.state = State(options, Ports.deal(block, options), str(store), str(find_binaries()))
        self.state.passwords = {name: new_password() for name in (
            "postgres", "app", "operator", "http_token", "snapshot_key", LOGIN_TENANT, LOGIN_TENANT2)}
        for name in ("data", "log", "run"):
            self.account.make_folder(store / name)
            if store != self.folder:
                link = self.folder / name
                link.unlink(missing_ok=True)
                link.symlink_to(store / name)
        if store != self.folder:
            self.say(f"fleet: {self.account.name} may not enter {self.folder}; "
                     f"its files are in {store}")
        self._save()

    def _save(self) -> None:
        Account.write_file(dataclasses.replace(self.account, steps_down=False), self._state_file,
                           self.known().to_json())

    def _once(self, step: str, work: Callable[[], None]) -> None:
        """Runs a step that is not repeatable; remembers that it is done."""
        if step in self.known().done:
            return
        work()
        self.known().done.append(step)
        self._save()

    def _start_clusters(self) -> None:
        state = self.known()
        fsync = state.options.fsync
        clusters = [self.catalog(), *self.nodes()]
        if not fsync:
            self.say("fleet: DEMO SETTINGS: fsync and full_page_writes are OFF; a crash of the "
                     "machine loses this fleet's data (--fsync keeps it)")
        self.say(f"fleet: {len(clusters)} Postgres clusters as {self.account.name}")
        in_parallel(lambda c=c: None if c.exists() else c.make(fsync) for c in clusters)
        in_parallel(c.start for c in clusters)
        pairs = list(zip(self.standbys(), self.nodes(), strict=False))
        in_parallel(lambda s=s, p=p: None if s.exists() else s.copy_from(p, fsync)
                    for s, p in pairs)
        in_parallel(s.start for s, _ in pairs)

    def control(self) -> Control:
        return Control(self._runner(), pathlib.Path(self.known().binaries), self.catalog_dsn())

    def _fill_catalog(self) -> None:
        options = self.known().options
        self.catalog().dsn().sql(f"CREATE DATABASE {CATALOG_DATABASE}")
        control = self.control()
        control.initialise(options.tenant_type)
        for tier in layout.DEMO_TIERS if options.load else layout.PLAIN_TIERS:
            control.set_tier(tier)
        for node in self.nodes():
            control.add_node(node.name, node)
        shards = self.shards()
        for shard in shards:
            control.add_shard(shard)
        control.set_combiner("node1")
        self.say(f"fleet: {len(shards)} shards on {options.nodes} nodes")
        if options.load:
            self.say(f"fleet: {layout.DEMO_BOUNDS_TEXT}")

    def _start_daemons(self) -> None:
        state = self.known()
        for number, _ in enumerate(state.ports.routers, start=1):
            path = self.store / f"router{number}.toml"
            self.account.write_file(path, router_toml(self, number))
            if self.store != self.folder:
                link = self.folder / path.name
                link.unlink(missing_ok=True)
                link.symlink_to(path)
        daemons = [*self.routers(), *self.rebalancers()]
        for daemon in daemons:
            daemon.start()
        for daemon in daemons:
            daemon.wait_ready()
        self.say(f"fleet: {len(state.ports.routers)} routers, "
                 f"{len(state.ports.rebalancers_http)} rebalancer")

    def _create_logins(self) -> None:
        state = self.known()
        control = self.control()
        tier = "starter"
        more = (["--provision", "--provision-tier", tier] if state.options.auto_provision else [])
        control.create_login("app", state.passwords["app"], "app", *more)
        control.create_login("operator", state.passwords["operator"], "operator", "--superadmin")

    def _load(self) -> None:
        state = self.known()
        customers = demo_events.customers(state.options.tenants, state.options.tenant_type)
        loader = Loader(self.client_dsn("operator").url(), state.options.tenant_type, "copy",
                        lambda text: self.say(f"fleet: {text}"))
        try:
            loader.create_tables()
            loader.load(customers)
        except Exception as error:
            told = loader.explain(error)
            if told is None:
                raise
            raise told from error
        finally:
            loader.close()
        in_parallel(lambda s=s: self._analyse(s) for s in self.shards())

    def _analyse(self, shard: layout.Shard) -> None:
        """Statistics for the planner and for measuring: autovacuum leaves parents out."""
        self.nodes()[shard.node - 1].dsn(shard.database).sql("ANALYZE")

    def _create_tenant_logins(self) -> None:
        """Logins of two tenants that share a shard."""
        options = self.known().options
        customers = demo_events.customers(options.tenants, options.tenant_type)
        homes = {row["tenant"]: row["shard"] for row in self.control().rows("tenant", "list")}
        # Starters (the busiest first) share shards; enterprise tenants never do.
        shared = [c for c in customers if c.tier != "enterprise"][::-1][-200:][::-1]
        first = next(iter(shared), None)
        second = next((c for c in shared if first and c is not first
                       and homes.get(c.id) == homes.get(first.id)), None)
        for login, customer, key in ((LOGIN_TENANT, first, "tenant"),
                                     (LOGIN_TENANT2, second, "tenant2")):
            if customer is not None:
                self.control().create_login(login, self.known().passwords[login], "tenant",
                                            "--tenant", customer.id)
                self.known().facts[key] = customer.id
        self._save()

    # What others read.

    def env(self) -> dict[str, str]:
        state = self.known()
        values = {"PGREEVE_BIN": state.binaries,
                  "PGREEVE_APP_DSN": self.client_dsn("app").url(),
                  "PGREEVE_OPERATOR_DSN": self.client_dsn("operator").url()}
        for prefix, login, key in (("PGREEVE_TENANT", LOGIN_TENANT, "tenant"),
                                   ("PGREEVE_TENANT2", LOGIN_TENANT2, "tenant2")):
            if key in state.facts:
                values[f"{prefix}_DSN"] = self.client_dsn(login).url()
                values[f"{prefix}_ID"] = state.facts[key]
        values |= {"PGREEVE_CONSOLE_DSN": self.client_dsn("operator", CONSOLE_DATABASE).url(),
                   "PGREEVE_HTTP": f"http://127.0.0.1:{state.ports.routers_http[0]}",
                   "PGREEVE_HTTP_TOKEN": state.passwords["http_token"],
                   "PGREEVE_CATALOG_DSN": self.catalog_dsn().url(),
                   "PGREEVE_CATALOG_DATADIR": str(self.catalog().datadir)}
        database = "postgres" if state.options.load else APP_DATABASE
        for number, node in enumerate(self.nodes(), start=1):
            values[f"PGREEVE_NODE_{number}_DSN"] = node.dsn(database).url()
            values[f"PGREEVE_NODE_{number}_DATADIR"] = str(node.datadir)
        for number, standby in enumerate(self.standbys(), start=1):
            values[f"PGREEVE_STANDBY_{number}_DSN"] = standby.dsn(database).url()
        for number, router in enumerate(self.routers(), start=1):
            values[f"PGREEVE_ROUTER_{number}_PID"] = str(router.pid() or "")
            values[f"PGREEVE_ROUTER_{number}_PORT"] = str(state.ports.routers[number - 1])
            values[f"PGREEVE_ROUTER_{number}_HTTP"] = (
                f"http://127.0.0.1:{state.ports.routers_http[number - 1]}")
        for number, rebalancer in enumerate(self.rebalancers(), start=1):
            values[f"PGREEVE_REBALANCER_{number}_PID"] = str(rebalancer.pid() or "")
            values[f"PGREEVE_REBALANCER_{number}_HTTP"] = (
                f"http://127.0.0.1:{state.ports.rebalancers_http[number - 1]}")
        return values

    def write_env(self) -> None:
        caller = dataclasses.replace(self.account, steps_down=False)
        caller.write_file(self.folder / "fleet.env", env_text(self.env()))
        caller.write_file(self.folder / "shards.csv", self._shards_csv())
        self._save()

    def _shards_csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("shard", "node", "database", "dsn", "tier", "tenants"))
        control = self.control()
        nodes = {row["id"]: row["name"] for row in control.rows("node", "list")}
        clusters = {cluster.name: cluster for cluster in self.nodes()}
        for shard in control.rows("shard", "list"):
            node = nodes[shard["node"]]
            writer.writerow((shard["name"], node.removeprefix("node"), shard["database"],
                             clusters[node].dsn(shard["database"]).url(), shard["tier"],
                             shard["tenants"]))
        return out.getvalue()

    # Down and status.

    def down(self) -> int:
        """Stops exactly what it started, clients first; how much that was."""
        if self.state is None:
            return 0
        stopped = 0
        for daemon in [*self.routers(), *self.rebalancers()]:
            stopped += daemon.stop()
        for cluster in [*self.standbys(), *self.nodes(), self.catalog()]:
            stopped += cluster.stop("fast")
        return stopped

    def remove(self) -> None:
        """Stops it and removes its files, if they look like ours."""
        if self.state is None:
            return
        self.down()
        if self.store != self.folder and self.store.name.startswith("fleet-"):
            shutil.rmtree(self.store, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.state = None

    def status(self) -> list[tuple[str, str, str]]:
        """Name, state and place of each part."""
        state = self.known()
        rows = []
        for cluster in [self.catalog(), *self.nodes(), *self.standbys()]:
            pid = cluster.pid()
            rows.append((cluster.name, f"pid {pid}" if pid else "down", f"port {cluster.port}"))
        places = [f"port {port}" for port in state.ports.routers]
        places += [f"http {port}" for port in state.ports.rebalancers_http]
        for daemon, place in zip([*self.routers(), *self.rebalancers()], places, strict=True):
            pid = daemon.pid()
            rows.append((daemon.name, f"pid {pid}" if pid else "down", place))
        return rows
