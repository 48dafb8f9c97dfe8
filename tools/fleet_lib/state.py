"""What a fleet remembers in its folder: fleet.json for itself, fleet.env for others."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib

from .account import Account, FleetError

STATE_VERSION = 1


@dataclasses.dataclass
class Options:
    nodes: int = 4
    routers: int = 2
    rebalancers: int = 1
    standbys: bool = False
    tenants: int = 1050
    load: bool = True
    tenant_type: str = "uuid"
    auto_provision: bool = False
    fsync: bool = False
    port_base: int | None = None


@dataclasses.dataclass
class Ports:
    catalog: int
    nodes: list[int]
    standbys: list[int]
    routers: list[int]
    routers_http: list[int]
    rebalancers_http: list[int]

    @staticmethod
    def count(options: Options) -> int:
        return (1 + options.nodes * (2 if options.standbys else 1) + options.routers * 2
                + options.rebalancers)

    @staticmethod
    def deal(numbers: list[int], options: Options) -> "Ports":
        """Hands out a block in a fixed order, so that --port-base tells every port."""
        rest = iter(numbers)

        def take(count: int) -> list[int]:
            return [next(rest) for _ in range(count)]
        return Ports(take(1)[0], take(options.nodes),
                     take(options.nodes if options.standbys else 0), take(options.routers),
                     take(options.routers), take(options.rebalancers))


@dataclasses.dataclass
class State:
    options: Options
    ports: Ports
    store: str  # where the files of the unprivileged account are
    binaries: str
    passwords: dict[str, str] = dataclasses.field(default_factory=dict)
    done: list[str] = dataclasses.field(default_factory=list)  # steps that must not run twice
    facts: dict[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps({"version": STATE_VERSION, **dataclasses.asdict(self)}, indent=1) + "\n"

    @staticmethod
    def from_json(text: str, path: pathlib.Path) -> "State":
        try:
            data = json.loads(text)
            if data.pop("version") != STATE_VERSION:
                raise FleetError(f"{path} is of another version; remove the folder")
            return State(Options(**data.pop("options")), Ports(**data.pop("ports")), **data)
        except (KeyError, TypeError, ValueError) as error:
            raise FleetError(f"{path} is not readable ({error}); remove the folder") from error


def choose_store(folder: pathlib.Path, account: Account) -> pathlib.Path:
    """Where the account keeps its files: the fleet's folder, or a place of its own under /var/lib
    when it may not enter that (root's home is closed to others)."""
    if not account.steps_down:
        return folder
    folder.chmod(0o711)
    if account.can_enter(folder):
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    store = pathlib.Path("/var/lib/pgreeve") / f"fleet-{digest}"
    store.mkdir(parents=True, exist_ok=True)
    store.chmod(0o711)
    return store


def env_text(values: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def read_env(path: pathlib.Path) -> dict[str, str]:
    """fleet.env as a dictionary."""
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            values[name] = value
    return values
