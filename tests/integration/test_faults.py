#!/usr/bin/python3
"""kill -9 of a shard, of the catalog, of a router, under load: clear errors for what touched it,
nothing else stops, recovery without hands, no acknowledged write lost.

The short form does each once; PGREEVE_CHAOS=long does rounds in an order drawn from a seed.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from typing import Any

import psycopg

import harness

FLEET = "faults"
LONG = os.environ.get("PGREEVE_CHAOS") == "long"
SEED = int(os.environ.get("PGREEVE_SEED", "0")) or random.randrange(1 << 31)
ROUNDS = 12
COLUMNS = "id bigint NOT NULL, customer_id uuid NOT NULL, PRIMARY KEY (customer_id, id)"

# What may be said while a shard is away (clients_libraries contract: 57P03 at connect, 08006 in
# flight, what Postgres itself says when it goes or comes).
SHARD_AWAY = {"57P03", "08006", "57P01", "57P02", "08001", "08003", "53300"}


class Writer(threading.Thread):
    """Inserts one row after another for one tenant, and remembers what was acknowledged."""

    def __init__(self, dsn: str, tenant: str, table: str, first: int) -> None:
        super().__init__(daemon=True)
        self.tenant = tenant
        self.acknowledged: list[int] = []
        self.errors: list[tuple[str | None, str]] = []
        self._dsn = dsn
        self._table = table
        self._next = first
        self._stopping = threading.Event()

    def run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while not self._stopping.is_set():
            self._next += 1
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(
                        self._dsn, autocommit=True, connect_timeout=10,
                        options=f"-c pgreeve.tenant={self.tenant}")
                connection.execute(f"INSERT INTO {self._table} VALUES (%s, %s)",
                                   (self._next, self.tenant))
                self.acknowledged.append(self._next)
            except psycopg.Error as error:
                self.errors.append((error.sqlstate, str(error)))
                self._stopping.wait(0.05)
        if connection is not None:
            connection.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join(60)

    def advance(self, count: int = 20, seconds: float = 60) -> None:
        """Waits until that many more writes are acknowledged."""
        goal = len(self.acknowledged) + count
        try:
            harness.wait_until(lambda: len(self.acknowledged) >= goal, seconds,
                               f"{count} more writes of tenant {self.tenant}")
        except harness.FleetError as error:
            raise AssertionError(f"{error}; last errors: {self.errors[-3:]}") from error


class Faults(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.addCleanup(self.restore)
        homes = {self.home_of(tenant): tenant for tenant in self.tenants_apart(2)}
        # (shard, router) → its writer
        self.writers = {(shard, router): Writer(self.app_dsn(router), tenant, self.table,
                                                router * 1_000_000_000)
                        for shard, tenant in homes.items() for router in (1, 2)}
        self.wait_known(list(homes.values()))
        for writer in self.writers.values():
            writer.start()
        self.addCleanup(self.stop_writers)
        for writer in self.writers.values():
            writer.advance()

    def wait_known(self, tenants: list[str]) -> None:
        """Router 2 hears of new tenants and tables a moment after router 1."""
        for tenant in tenants:
            def known(tenant: str = tenant) -> bool:
                try:
                    with psycopg.connect(self.app_dsn(2), autocommit=True,
                                         options=f"-c pgreeve.tenant={tenant}") as session:
                        session.execute(f"SELECT count(*) FROM {self.table}")
                except psycopg.Error:
                    return False
                return True
            harness.wait_until(known, 30, f"tenant {tenant} known to router 2")

    def restore(self) -> None:
        """What a failed test left dead must not fail the next one."""
        for cluster in [self.fleet.catalog(), *self.fleet.nodes()]:
            cluster.start()
        for daemon in [*self.fleet.routers(), *self.fleet.rebalancers()]:
            daemon.start()
            daemon.wait_ready()

    def stop_writers(self) -> None:
        for writer in self.writers.values():
            writer.stop()

    def check_nothing_lost(self) -> None:
        self.stop_writers()
        for writer in self.writers.values():
            stored = {row[0] for row in self.rows(
                self.bound(writer.tenant), f"SELECT id FROM {self.table}")}
            lost = set(writer.acknowledged) - stored
            self.assertEqual(lost, set(), f"tenant {writer.tenant} lost acknowledged writes")

    def errors(self, *, shard: str | None = None, router: int | None = None) -> list[Any]:
        return [error for (of_shard, of_router), writer in self.writers.items()
                if shard in (None, of_shard) and router in (None, of_router)
                for error in writer.errors]

    def check_away(self) -> None:
        """What the clients of shard s2 were told."""
        for sqlstate, text in self.errors(shard="s2"):
            if sqlstate is None:
                # FATAL and the end of the session, as on a direct connection: libpq keeps the
                # text and drops the code; between two statements it keeps neither.
                self.assertRegex(text, "administrator command|connection to (the )?shard|"
                                       "server closed the connection unexpectedly")
            else:
                self.assertIn(sqlstate, SHARD_AWAY, text)

    # The faults. Each ends with everything working again.

    def shard_dies(self) -> None:
        node = self.fleet.nodes()[1]
        node.kill()
        for router in (1, 2):
            writer = self.writers["s2", router]
            harness.wait_until(lambda w=writer: len(w.errors) > 0, 30, "an error of the shard")
            self.writers["s1", router].advance(50)
        self.assertEqual(self.errors(shard="s1"), [], "the other shard's tenants go on")
        self.check_away()
        node.start()
        for router in (1, 2):
            self.writers["s2", router].advance()
            self.writers["s2", router].errors.clear()

    def catalog_dies(self) -> None:
        self.fleet.catalog().kill()
        for writer in self.writers.values():
            writer.advance(50)
        self.assertEqual(self.errors(), [], "nobody needs the catalog to work")
        # A router starts and serves from its snapshot.
        router = self.fleet.routers()[1]
        router.stop()
        for shard in ("s1", "s2"):
            self.writers[shard, 2].errors.clear()
        router.start()
        for shard in ("s1", "s2"):
            self.writers[shard, 2].advance()
            self.writers[shard, 2].errors.clear()
        with self.assertRaises(psycopg.Error) as caught:
            self.new_tenant()
        self.assertIsNotNone(caught.exception.sqlstate, str(caught.exception))
        self.fleet.catalog().start()

        def placing_works() -> bool:
            try:
                self.new_tenant()
            except psycopg.Error:
                return False
            return True
        harness.wait_until(placing_works, 60, "a new tenant after the catalog's return")
        for router_daemon in self.fleet.routers():
            router_daemon.wait_ready()
        self.assertEqual(self.errors(router=1), [])

    def router_dies(self) -> None:
        router = self.fleet.routers()[1]
        router.kill()
        for shard in ("s1", "s2"):
            writer = self.writers[shard, 2]
            harness.wait_until(lambda w=writer: len(w.errors) > 0, 30, "an error of the router")
            self.writers[shard, 1].advance(50)
        self.assertEqual(self.errors(router=1), [], "the other router's clients go on")
        router.start()
        router.wait_ready()
        for shard in ("s1", "s2"):
            self.writers[shard, 2].advance()
            self.writers[shard, 2].errors.clear()

    def router_is_drained(self) -> None:
        """SIGTERM: a transaction in progress ends well, new clients are not taken."""
        router = self.fleet.routers()[1]
        tenant = self.writers["s1", 2].tenant
        session = self.bound(tenant, router=2)
        session.execute("BEGIN")
        session.execute(f"INSERT INTO {self.table} VALUES (7, %s) ON CONFLICT DO NOTHING",
                        (tenant,))
        pid = router.pid()
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        harness.wait_until(lambda: harness.http_status(router.ready_url) != 200, 20,
                           "not ready while it drains")
        session.execute("COMMIT")
        self.assertEqual(self.one(self.bound(tenant), (
            f"SELECT count(*) FROM {self.table} WHERE id = 7")), 1)
        harness.wait_until(lambda: router.pid() is None, 40, "the end of the router")
        self.assertEqual(self.errors(router=1), [])
        router.start()
        router.wait_ready()
        for shard in ("s1", "s2"):
            self.writers[shard, 2].advance()
            self.writers[shard, 2].errors.clear()

    def router_reloads(self) -> None:
        router = self.fleet.routers()[0]
        pid = router.pid()
        assert pid is not None
        os.kill(pid, signal.SIGHUP)
        for shard in ("s1", "s2"):
            self.writers[shard, 1].advance()
        self.assertEqual(router.pid(), pid)
        self.assertEqual(self.errors(router=1), [])

    def a_backend_dies(self) -> None:
        """A DBA ends all backends of one shard."""
        self.node(2).execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                             "WHERE usename LIKE 'pgreeve%' AND datname = 'app'")
        for writer in self.writers.values():
            writer.advance()
        self.assertEqual(self.errors(shard="s1"), [])
        self.check_away()
        for router in (1, 2):
            self.writers["s2", router].errors.clear()

    # The tests.

    def test_shard(self) -> None:
        self.shard_dies()
        self.check_nothing_lost()

    def test_catalog(self) -> None:
        self.catalog_dies()
        self.check_nothing_lost()

    def test_router(self) -> None:
        self.router_dies()
        self.check_nothing_lost()

    def test_drain(self) -> None:
        self.router_is_drained()
        self.check_nothing_lost()

    def test_reload_and_terminated_backends(self) -> None:
        self.router_reloads()
        self.a_backend_dies()
        self.check_nothing_lost()

    def test_rounds(self) -> None:
        if not LONG:
            self.skipTest("the long form: ./test chaos")
        print(f"seed {SEED}")
        source = random.Random(SEED)
        faults = (self.shard_dies, self.catalog_dies, self.router_dies, self.router_is_drained,
                  self.router_reloads, self.a_backend_dies)
        for number in range(ROUNDS):
            fault = source.choice(faults)
            print(f"round {number + 1}: {fault.__name__}", flush=True)
            fault()
        self.check_nothing_lost()


if __name__ == "__main__":
    harness.main()
