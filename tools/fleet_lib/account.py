"""Which account the fleet's processes run as, and running programs as it.

Postgres refuses to run as root, so root steps down to an unprivileged account. Anybody else runs
everything as themselves.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Any

PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


class FleetError(Exception):
    """Something that the person at the terminal has to know; printed without a traceback."""

    output = ""  # all that a failed program wrote


@dataclasses.dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int
    home: str
    steps_down: bool

    @staticmethod
    def choose() -> "Account":
        if os.geteuid() != 0:
            entry = pwd.getpwuid(os.geteuid())
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, False)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return Account(name, entry.pw_uid, entry.pw_gid, "/", True)
        raise FleetError("root may not run Postgres, and there is no account to step down to")

    def popen_arguments(self, extra: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Keyword arguments for subprocess that make the child run as this account."""
        environment = {**os.environ, "HOME": self.home, "LC_ALL": "C.UTF-8", **(extra or {})}
        for name in [n for n in environment if n.startswith("PG") and not n.startswith("PGREEVE")]:
            if name not in (extra or {}):
                del environment[name]  # a PGHOST of the caller must not lead us elsewhere
        arguments: dict[str, Any] = {"env": environment, "cwd": "/"}
        if self.steps_down:
            arguments |= {"user": self.uid, "group": self.gid,
                          "extra_groups": os.getgrouplist(self.name, self.gid)}
        return arguments

    def run(self, argv: Sequence[str | os.PathLike[str]], what: str, *, text_in: str | None = None,
            extra: Mapping[str, str] | None = None, timeout: float = 300,
            log: IO[str] | None = None) -> str:
        """Runs a program to its end; its output, or FleetError with what it wrote."""
        try:
            done = subprocess.run(
                list(argv), check=False, text=True, timeout=timeout,
                input=text_in if text_in is not None else "",
                stdout=log or subprocess.PIPE, stderr=subprocess.STDOUT if log else subprocess.PIPE,
                **self.popen_arguments(extra))
        except FileNotFoundError as error:
            raise FleetError(f"{what}: {argv[0]} is not there; run ./quickstart build") from error
        except subprocess.TimeoutExpired as error:
            raise FleetError(f"{what}: no end after {timeout:.0f} s") from error
        if done.returncode != 0:
            output = ((done.stderr or "") + (done.stdout or "")).strip()
            error = FleetError(f"{what} failed with {done.returncode}: {output[-2000:]}")
            error.output = output
            raise error
        return done.stdout or ""

    def can_enter(self, folder: pathlib.Path) -> bool:
        """Whether the account can traverse every folder on the way (asked as the account)."""
        done = subprocess.run(["/usr/bin/test", "-x", str(folder)], check=False,
                              **self.popen_arguments())
        return done.returncode == 0

    def own(self, path: pathlib.Path, mode: int) -> None:
        path.chmod(mode)
        if self.steps_down:
            os.chown(path, self.uid, self.gid)

    def make_folder(self, path: pathlib.Path, mode: int = 0o700) -> pathlib.Path:
        path.mkdir(parents=True, exist_ok=True)
        self.own(path, mode)
        return path

    def write_file(self, path: pathlib.Path, text: str, mode: int = 0o600) -> None:
        """A whole new file or the old one: never half of one, never readable by others."""
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w",
                       encoding="utf-8") as file:
            file.write(text)
        self.own(fresh, mode)
        fresh.rename(path)
