"""A background process with a pid file that names exactly one process, also after a reboot."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence

from .account import Account, FleetError


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Asks again and again, more slowly each time; FleetError when the time is over."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > deadline:
            raise FleetError(f"{what}: not after {seconds:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def http_status(url: str, timeout: float = 2) -> int:
    """Status of a GET; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except OSError:
        return 0


def start_time(pid: int) -> str | None:
    """When the process began, in clock ticks since boot: with the pid it names one process."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


@dataclasses.dataclass(frozen=True)
class Daemon:
    """One router or rebalancer of the fleet."""

    account: Account
    name: str
    argv: Sequence[str]
    pid_file: pathlib.Path
    log: pathlib.Path
    ready_url: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def pid(self) -> int | None:
        try:
            pid_text, began = self.pid_file.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        return int(pid_text) if start_time(int(pid_text)) == began else None

    def start(self) -> None:
        if self.pid() is not None:
            return
        self.log.touch()
        self.account.own(self.log, 0o600)
        with self.log.open("ab") as log:
            try:
                child = subprocess.Popen(
                    list(self.argv), stdin=subprocess.DEVNULL, stdout=log,
                    stderr=subprocess.STDOUT, start_new_session=True,
                    **self.account.popen_arguments(self.environment))
            except OSError as error:
                raise FleetError(f"{self.name}: cannot run {self.argv[0]}: {error}") from error
        self.account.write_file(self.pid_file, f"{child.pid} {start_time(child.pid)}\n", 0o644)
        _children[child.pid] = child

    def wait_ready(self, seconds: float = 60) -> None:
        def ready() -> bool:
            pid = self.pid()
            if pid is None or has_ended(pid):
                raise FleetError(f"{self.name} ended at its start; the end of its log:\n{self.tail()}")
            return http_status(self.ready_url) == 200
        try:
            wait_until(ready, seconds, f"{self.name} ready ({self.ready_url})")
        except FleetError as error:
            if "ended at its start" in str(error):
                raise
            raise FleetError(f"{error}; the end of its log:\n{self.tail()}") from error

    def stop(self, seconds: float = 30) -> bool:
        """SIGTERM, then SIGKILL when it does not end. True when there was something to stop."""
        pid = self.pid()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return False
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: has_ended(pid), seconds, f"end of {self.name}")
        except FleetError:
            self.kill()
        self.pid_file.unlink(missing_ok=True)
        return True

    def kill(self) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid), 30, f"end of {self.name}")

    def tail(self, characters: int = 2000) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]
        except OSError:
            return "(no log)"


# Children of this very process must be waited for, or they stay as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


def has_ended(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
        return True
    return start_time(pid) is None
