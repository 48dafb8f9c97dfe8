"""One Postgres cluster: made by initdb (its own system identifier), started, stopped, copied."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal

from .account import PG_BIN, Account, FleetError
from .dsn import Dsn
from .process import wait_until

SETTINGS = """
# Written by tools/fleet.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
max_connections = 400
shared_buffers = 32MB
wal_level = logical
max_prepared_transactions = 100
max_replication_slots = 40
max_wal_senders = 40
max_logical_replication_workers = 8
password_encryption = scram-sha-256
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d %a '
log_min_duration_statement = 5s
timezone = 'UTC'
log_timezone = 'UTC'
dynamic_shared_memory_type = mmap
max_wal_size = 256MB
"""

# The demo's data can be made again at any time, so its clusters do not wait for the disk. Commits
# still reach the kernel before they are acknowledged: kill -9 of a process loses nothing.
UNSAFE = "fsync = off\nfull_page_writes = off\n"

HBA = """# Written by tools/fleet: passwords everywhere, loopback only.
local   all          all                 scram-sha-256
host    all          all  127.0.0.1/32   scram-sha-256
host    replication  all  127.0.0.1/32   scram-sha-256
"""


@dataclasses.dataclass(frozen=True)
class Cluster:
    account: Account
    name: str
    datadir: pathlib.Path
    log: pathlib.Path
    sockets: pathlib.Path
    port: int
    password: str

    def dsn(self, database: str = "postgres") -> Dsn:
        return Dsn("postgres", self.password, self.port, database)

    def exists(self) -> bool:
        return (self.datadir / "PG_VERSION").exists()

    def make(self, fsync: bool) -> None:
        """initdb and the settings. The folder must not exist yet."""
        password_file = self.datadir.with_name(self.name + ".password")
        self.account.write_file(password_file, self.password + "\n")
        try:
            self.account.run(
                [PG_BIN / "initdb", "-D", self.datadir, "-U", "postgres", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync", f"--pwfile={password_file}",
                 "--auth=scram-sha-256"], f"initdb of {self.name}")
        finally:
            password_file.unlink(missing_ok=True)
        self._configure(fsync)

    def copy_from(self, primary: "Cluster", fsync: bool) -> None:
        """A streaming standby of a running primary."""
        self.account.run(
            [PG_BIN / "pg_basebackup", "-D", self.datadir, "-R", "-X", "stream", "-c", "fast",
             "--no-sync"], f"base backup for {self.name}",
            extra={name: value for name, value in primary.dsn().environment().items()
                   if name != "PGDATABASE"})
        self._configure(fsync)

    def _configure(self, fsync: bool) -> None:
        text = SETTINGS.format(port=self.port, sockets=self.sockets)
        self.account.write_file(self.datadir / "fleet.conf", text + ("" if fsync else UNSAFE))
        main = self.datadir / "postgresql.conf"
        if "fleet.conf" not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as file:
                file.write("\ninclude 'fleet.conf'\n")
        self.account.write_file(self.datadir / "pg_hba.conf", HBA)

    def pid(self) -> int | None:
        """The postmaster's pid, if it is alive and is this cluster's."""
        try:
            pid = int((self.datadir / "postmaster.pid").read_text(encoding="ascii").split("\n")[0])
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        if os.fsencode(self.datadir) not in command:
            return None
        return pid if is_running(pid) else None

    def start(self) -> None:
        if self.pid() is not None:
            return
        # Lock files of a process that is gone (or a zombie, or somebody else's by now) would stop
        # the start.
        for stale in (self.datadir / "postmaster.pid", self.sockets / f".s.PGSQL.{self.port}",
                      self.sockets / f".s.PGSQL.{self.port}.lock"):
            stale.unlink(missing_ok=True)
        self.log.touch()
        self.account.own(self.log, 0o600)
        with self.log.open("a", encoding="utf-8") as log:
            try:
                self.account.run([PG_BIN / "pg_ctl", "-D", self.datadir, "-w", "-t", "60",
                                  "-l", self.log, "start"], f"start of {self.name}", log=log)
            except FleetError as error:
                tail = self.log.read_text(encoding="utf-8", errors="replace")[-1500:]
                raise FleetError(f"{error}\n{tail}") from error

    def stop(self, mode: str = "fast") -> bool:
        """True when there was something to stop."""
        if self.pid() is None:
            return False
        self.account.run([PG_BIN / "pg_ctl", "-D", self.datadir, "-m", mode, "-w", "-t", "60",
                          "stop"], f"stop of {self.name}")
        return True

    def kill(self) -> None:
        """kill -9 of the postmaster and of all its children, as a crash of the machine would."""
        pid = self.pid()
        if pid is None:
            return
        children = children_of(pid)
        for victim in [pid, *children]:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for victim in [pid, *children]:
            wait_until(lambda victim=victim: not is_running(victim), 30, f"end of process {victim}")


def is_running(pid: int) -> bool:
    """Neither gone nor a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def children_of(pid: int) -> list[int]:
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry.name))
    return found
