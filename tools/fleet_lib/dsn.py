"""Addresses of databases, and SQL through /usr/bin/psql."""

from __future__ import annotations

import dataclasses
import os
import secrets
import subprocess
import urllib.parse

from .account import FleetError


def new_password() -> str:
    return secrets.token_urlsafe(18)


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclasses.dataclass(frozen=True)
class Dsn:
    user: str
    password: str
    port: int
    database: str
    options: str = ""
    host: str = "127.0.0.1"

    def url(self) -> str:
        def quote(part: str) -> str:
            return urllib.parse.quote(part, safe="")
        tail = f"?options={quote(self.options)}" if self.options else ""
        return (f"postgresql://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/"
                f"{quote(self.database)}{tail}")

    def to(self, database: str) -> "Dsn":
        return dataclasses.replace(self, database=database)

    def environment(self) -> dict[str, str]:
        """For libpq programs: keeps the password out of the list of processes."""
        found = {"PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.user,
                 "PGPASSWORD": self.password, "PGDATABASE": self.database,
                 "PGCONNECT_TIMEOUT": "15"}
        if self.options:
            found["PGOPTIONS"] = self.options
        return found

    def sql(self, text: str, timeout: float = 120) -> list[list[str]]:
        """Runs statements; the rows of what they return, as text."""
        clean = {n: v for n, v in os.environ.items()
                 if not n.startswith("PG") or n.startswith("PGREEVE")}
        try:
            done = subprocess.run(
                ["/usr/bin/psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e",
                 "-v", "ON_ERROR_STOP=1", "-f", "-"],
                input=text, text=True, capture_output=True, check=False, timeout=timeout,
                env={**clean, **self.environment()})
        except subprocess.TimeoutExpired as error:
            raise FleetError(f"no answer from port {self.port} after {timeout:.0f} s") from error
        if done.returncode != 0:
            raise FleetError(f"SQL on port {self.port}/{self.database}: {done.stderr.strip()}")
        body = done.stdout.rstrip("\n").removesuffix("\x1e")
        return [row.split("\x1f") for row in body.split("\x1e")] if body else []
