"""The programs of one run: started, found ready, stopped by their own pid."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Mapping, Sequence

from fleet_lib.account import Account
from fleet_lib.process import http_status, wait_until

from .measure import BenchError

START_SECONDS = 120  # under valgrind
STOP_SECONDS = 120


class Program:
    """One running program. `argv[0]` is the program even when a tool runs it."""

    def __init__(self, name: str, argv: Sequence[str | os.PathLike[str]], port: int, account: Account,
                 log: pathlib.Path, tool: Sequence[str] = (),
                 environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.port = port
        self.log = log
        with log.open("ab") as file:
            self._child = subprocess.Popen(
                [*tool, *argv], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                **account.popen_arguments(environment))
        wait_until(self._listens, START_SECONDS, f"{name} listens on port {port}")

    @property
    def pid(self) -> int:
        return self._child.pid

    def _listens(self) -> bool:
        if self._child.poll() is not None:
            raise BenchError(f"{self.name} ended at its start:\n{self.tail()}")
        local = f"0100007F:{self.port:04X}"
        for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[1] == local and fields[3] == "0A":
                return True
        return False

    def wait_ready(self, url: str) -> None:
        wait_until(lambda: http_status(url) == 200, START_SECONDS, f"{self.name} ready ({url})")

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def check(self) -> None:
        if self._child.poll() is not None:
            raise BenchError(f"{self.name} ended:\n{self.tail()}")

    def stop(self) -> None:
        if self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def runner_of(account: Account, program: pathlib.Path) -> Account:
    """Like the fleet: an unprivileged account, if it can reach the program."""
    if account.can_enter(program.resolve().parent):
        return account
    return Account(account.name, account.uid, account.gid, account.home, False)


PGBOUNCER = """[databases]
* = host=127.0.0.1 port={backend_port}{more}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 12000
max_prepared_statements = 200
listen_backlog = 4096
server_lifetime = 36000
server_idle_timeout = 36000
query_wait_timeout = 0
log_connections = 0
log_disconnections = 0
log_pooler_errors = 1
log_stats = 0
"""


def pgbouncer_ini(binary: pathlib.Path, port: int, backend_port: int, users: pathlib.Path, pool: int,
                  more: str = "") -> str:
    text = PGBOUNCER.format(port=port, backend_port=backend_port, users=users, pool=pool, more=more)
    return text if knows_prepared(binary) else text.replace("max_prepared_statements = 200\n", "")


def pgbouncer_version(binary: pathlib.Path) -> str:
    said = subprocess.run([binary, "--version"], text=True, capture_output=True, check=False)
    return said.stdout.splitlines()[0] if said.stdout else "PgBouncer ?"


def knows_prepared(binary: pathlib.Path) -> bool:
    """Protocol-level prepared statements in transaction pooling came with 1.21."""
    try:
        major, minor = pgbouncer_version(binary).split()[1].split(".")[:2]
        return (int(major), int(minor)) >= (1, 21)
    except (IndexError, ValueError):
        return False
