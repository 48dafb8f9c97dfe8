"""The real events of data/ as tenants and rows: who is a tenant, in which tier, under which ids.

The rules are the project's promise for its demo (data/README.md describes the file): the busiest
users become customers, ordered by their number of events descending, then by the bytes of the
user's name ascending; the first few are enterprise, the next ones business, the rest starter.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import pathlib
import uuid
from collections import Counter
from collections.abc import Iterator

DATA_FILE = pathlib.Path(__file__).resolve().parents[2] / "data" / (
    "wikipedia-edits-2015-09-12.ndjson.gz")
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
CUSTOMERS = 1050
ENTERPRISE = 3
BUSINESS = 40
TIERS = ("enterprise", "business", "starter")
# One partition a month; every event of the chosen customers lies in one of them.
MONTHS = (("events_2015_09", "2015-09-01", "2015-10-01"),
          ("events_2015_10", "2015-10-01", "2015-11-01"))


@dataclasses.dataclass(frozen=True)
class Event:
    id: str
    event_type: str
    payload: str
    created_at: str


@dataclasses.dataclass
class Customer:
    id: str
    name: str
    tier: str
    events: list[Event]


def read_lines(path: pathlib.Path = DATA_FILE) -> Iterator[tuple[int, str, dict[str, object]]]:
    """Number from 1, text and object of every line."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            text = line.rstrip("\n")
            yield number, text, json.loads(text)


def tier_of_rank(rank: int) -> str:
    """Tier of the customer at this place (from 0) of the order."""
    if rank < ENTERPRISE:
        return "enterprise"
    if rank < ENTERPRISE + BUSINESS:
        return "business"
    return "starter"


def tenant_id(tenant_type: str, user: str, rank: int) -> str:
    """uuid: version 5 of the user's name; bigint: the place from 1; text: the name itself."""
    if tenant_type == "uuid":
        return str(uuid.uuid5(NAMESPACE, user))
    if tenant_type == "bigint":
        return str(rank + 1)
    if tenant_type == "text":
        return user
    raise ValueError(f"unknown type of tenant ids: {tenant_type}")


def customers(count: int = CUSTOMERS, tenant_type: str = "uuid",
              path: pathlib.Path = DATA_FILE) -> list[Customer]:
    """The busiest `count` customers with all their events, in the order of the rule."""
    events: dict[str, list[Event]] = {}
    counts: Counter[str] = Counter()
    for number, text, edit in read_lines(path):
        user = str(edit["user"])
        counts[user] += 1
        events.setdefault(user, []).append(
            Event(id=str(uuid.uuid5(NAMESPACE, str(number))), event_type=str(edit["channel"]),
                  payload=text, created_at=str(edit["time"])))
    order = sorted(counts, key=lambda user: (-counts[user], user.encode("utf-8")))[:count]
    return [Customer(id=tenant_id(tenant_type, user, rank), name=user, tier=tier_of_rank(rank),
                     events=events[user]) for rank, user in enumerate(order)]
