"""bench/load as a child that obeys, so that measuring happens between its runs."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import select
import subprocess
from typing import Any

from .measure import BenchError

ANSWER_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Address:
    port: int
    user: str = "bench"
    password: str = ""
    database: str = "bench"
    options: str = ""


class LoadProcess:
    def __init__(self, program: pathlib.Path, address: Address, clients: int, mode: str,
                 query: str = "", parameters: tuple[str, ...] = (), idle: int = 0) -> None:
        argv: list[str | pathlib.Path] = [
            program, "--control", "--port", str(address.port), "--user", address.user, "--database",
            address.database, "--mode", mode, "--clients", str(clients)]
        if address.options:
            argv += ["--options", address.options]
        if query:
            argv += ["--query", query]
        for parameter in parameters:
            argv += ["--param", parameter]
        if idle:
            argv += ["--idle", str(idle)]
        self._child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            bufsize=1, env={**os.environ, "PGPASSWORD": address.password})
        self._line()  # ready

    def __enter__(self) -> "LoadProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    def _line(self) -> str:
        assert self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], ANSWER_SECONDS)[0]:
            self._child.kill()
            raise BenchError(f"the load generator said nothing for {ANSWER_SECONDS} s")
        line = self._child.stdout.readline()
        if not line:
            raise BenchError(f"the load generator ended: {self._child.communicate()[1].strip()}")
        return line

    def _say(self, line: str) -> str:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + "\n")
        except BrokenPipeError:
            pass  # its last words are read below
        return self._line()

    def run(self, queries: int) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._say(f"run {queries}"))
        return answer

    def open(self, connections: int) -> None:
        self._say(f"open {connections}")

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.communicate(timeout=ANSWER_SECONDS)
