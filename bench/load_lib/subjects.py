"""What is measured: a way from the load generator to the null backend."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

from fleet_lib import ports
from fleet_lib.account import Account

from .load_process import Address
from .null_fleet import TABLE, TENANT, NullFleet, router_settings
from .programs import Program, knows_prepared, pgbouncer_ini, runner_of

MODES = ("simple", "extended", "prepared")
BY_KEY = f"SELECT abalance FROM {TABLE} WHERE tenant_id = {TENANT} AND aid = 1234;"


@dataclasses.dataclass(frozen=True)
class Subject:
    name: str
    program: Program  # whose cost it is
    address: Address
    modes: tuple[str, ...] = MODES
    query: str = ""


class Rig:
    """All programs of a run. `tool` runs one proxy under a tool, alone."""

    POOL = 16

    def __init__(self, binaries: pathlib.Path, pgbouncer: pathlib.Path, folder: pathlib.Path,
                 account: Account) -> None:
        self.binaries = binaries
        self.pgbouncer = pgbouncer
        self.folder = folder
        self.account = account
        self.plain = dataclasses.replace(account, steps_down=False)
        self._programs: list[Program] = []
        self._fleet: NullFleet | None = None
        self._started = 0
        self.backend = self._start("null_backend", [binaries / "null_backend", "--port", "{port}", "--bulk-rows",
                                    "1000", "--bulk-bytes", "1000"], self.plain)

    def _start(self, name: str, argv: list[str | pathlib.Path], account: Account,
               tool: tuple[str, ...] = (), config: Callable[[int], str] | None = None) -> Program:
        port = ports.block(1)[0]
        self._started += 1
        stem = f"{name}.{self._started}"
        settings = self.folder / f"{stem}.conf"
        if config is not None:
            self.account.write_file(settings, config(port), 0o644)
        words = [str(word).replace("{port}", str(port)).replace("{config}", str(settings))
                 for word in argv]
        log = self.folder / f"{stem}.log"
        program = Program(name, words, port, account, log, tool)
        self._programs.append(program)
        return program

    def forwarder(self) -> Program:
        return self._start("forwarder", [self.binaries / "forwarder", "--port", "{port}",
                                         "--backend-port", str(self.backend.port)], self.plain)

    def bouncer(self, tool: tuple[str, ...] = (), backend_port: int | None = None,
                more: str = "") -> Program:
        users = self.folder / "users.txt"
        self.account.write_file(users, '"bench" ""\n')
        return self._start(
            "pgbouncer", [self.pgbouncer, "-q", "{config}"], self.account, tool,
            lambda port: pgbouncer_ini(self.pgbouncer, port, backend_port or self.backend.port, users,
                                       self.POOL, more))

    def router(self, tool: tuple[str, ...] = (), catalog: str = "") -> Program:
        binary = self.binaries / "pgreeve-router"
        http = ports.block(1)[0]
        place = catalog or self.fleet().catalog.url()
        program = self._start(
            "pgreeve-router", [binary, "--config", "{config}"], runner_of(self.account, binary), tool,
            lambda port: router_settings(port, http, place, self.POOL))
        program.wait_ready(f"http://127.0.0.1:{http}/readyz")
        return program

    def fleet(self) -> NullFleet:
        if self._fleet is None:
            self._fleet = NullFleet(self.account, self.folder, self.binaries, self.backend.port)
        return self._fleet

    def bouncer_modes(self) -> tuple[str, ...]:
        return MODES if knows_prepared(self.pgbouncer) else MODES[:2]

    def bouncer_subject(self, program: Program) -> Subject:
        return Subject("pgbouncer", program, Address(program.port), self.bouncer_modes())

    def router_subjects(self, program: Program) -> list[Subject]:
        """Bound: the tenant is the session's. By key: it is read from each statement; a trusted login
        shares backends between tenants, an isolated one binds them by token."""
        fleet = self.fleet()
        return [
            Subject("pgreeve bound", program, fleet.address("isolated", program.port, True)),
            Subject("pgreeve by key", program, fleet.address("trusted", program.port, False),
                    ("simple",), BY_KEY),
            Subject("pgreeve by key, isolated", program,
                    fleet.address("isolated", program.port, False), ("simple",), BY_KEY)]

    def subjects(self, with_router: bool) -> list[Subject]:
        forwarder, bouncer = self.forwarder(), self.bouncer()
        found = [Subject("direct", self.backend, Address(self.backend.port)),
                 Subject("forwarder", forwarder, Address(forwarder.port)),
                 self.bouncer_subject(bouncer)]
        return found + (self.router_subjects(self.router()) if with_router else [])

    def stop(self, program: Program) -> None:
        program.stop()
        self._programs.remove(program)

    def stop_proxies(self) -> None:
        for program in [p for p in self._programs if p is not self.backend]:
            self.stop(program)

    def stop_all(self) -> None:
        for program in reversed(self._programs):
            program.stop()
        if self._fleet is not None:
            self._fleet.stop()
