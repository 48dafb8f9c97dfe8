"""Loads the real events through a router, as an operator would: tables, tenants, rows."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from .account import FleetError
from .demo_events import MONTHS, Customer, Event

ROWS_PER_INSERT = 200

ID_TYPES = {"uuid": "uuid", "bigint": "bigint", "text": "text"}

TABLES = """
CREATE TABLE customers (
  id {id} PRIMARY KEY,
  name text NOT NULL,
  tier text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now())

CREATE TABLE events (
  id uuid,
  customer_id {id} NOT NULL REFERENCES customers (id),
  event_type text,
  payload jsonb,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, created_at, id)) PARTITION BY RANGE (created_at)
"""


def table_statements(tenant_type: str) -> list[str]:
    """The demo's schema, a statement each."""
    statements = TABLES.format(id=ID_TYPES[tenant_type]).strip().split("\n\n")
    for name, first, end in MONTHS:
        statements.append(f"CREATE TABLE {name} PARTITION OF events FOR VALUES "
                          f"FROM ('{first} 00:00:00+00') TO ('{end} 00:00:00+00')")
    return statements


SHARD_TABLES = (("customers", "id"), ("events", "customer_id"))


def copy_text(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows in COPY's text format."""
    out = io.StringIO()
    for row in rows:
        out.write("\t".join(field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
                            .replace("\r", "\\r") for field in row))
        out.write("\n")
    return out.getvalue().encode("utf-8")


def event_row(event: Event, customer: Customer) -> tuple[str, ...]:
    return (event.id, customer.id, event.event_type, event.payload, event.created_at)


class Loader:
    """One operator session that loads everything, tenant by tenant."""

    def __init__(self, operator_url: str, tenant_type: str, method: str,
                 say: Callable[[str], None]) -> None:
        try:
            import psycopg  # Debian's python3-psycopg
        except ImportError as error:
            raise FleetError("python3-psycopg is missing; run ./quickstart build") from error
        self._psycopg = psycopg
        self._tenant_type = tenant_type
        self._method = method
        self._say = say
        # Literals are put into the text here: the functions of pgreeve take constants.
        self._connection = psycopg.connect(operator_url, autocommit=True,
                                           cursor_factory=psycopg.ClientCursor)

    def close(self) -> None:
        self._connection.close()

    def create_tables(self) -> None:
        for statement in table_statements(self._tenant_type):
            self._connection.execute(statement)
        # Where routing.tenant_columns names the columns this only says it again.
        for table, column in SHARD_TABLES:
            self._connection.execute("SELECT pgreeve.shard_table(%s, %s)", (table, column))

    def load(self, customers: Sequence[Customer]) -> int:
        """Tenants and rows; the number of events loaded."""
        for customer in customers:
            self._connection.execute("SELECT pgreeve.create_tenant(%s, %s)",
                                     (customer.id, customer.tier))
        self._say(f"{len(customers)} tenants placed")
        loaded = 0
        for place, customer in enumerate(customers, start=1):
            self._connection.execute("SET pgreeve.tenant = %s", (customer.id,))
            self._connection.execute("INSERT INTO customers (id, name, tier) VALUES (%s, %s, %s)",
                                     (customer.id, customer.name, customer.tier))
            if self._method == "copy":
                self._copy(customer)
            else:
                self._insert(customer)
            loaded += len(customer.events)
            if place % 250 == 0 or place == len(customers):
                self._say(f"{loaded} events of {place} tenants loaded")
        self._connection.execute("RESET pgreeve.tenant")
        return loaded

    def explain(self, error: Exception) -> FleetError | None:
        """What a statement's failure says to the person at the terminal; None: not ours to tell."""
        if not isinstance(error, self._psycopg.Error):
            return None
        parts = (str(error), error.diag.message_detail, error.diag.message_hint)
        return FleetError("loading: " + " ".join(part for part in parts if part))

    def _copy(self, customer: Customer) -> None:
        with self._connection.cursor().copy(
                "COPY events (id, customer_id, event_type, payload, created_at) FROM STDIN") as copy:
            copy.write(copy_text([event_row(event, customer) for event in customer.events]))

    def _insert(self, customer: Customer) -> None:
        for first in range(0, len(customer.events), ROWS_PER_INSERT):
            batch = customer.events[first:first + ROWS_PER_INSERT]
            values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(batch))
            self._connection.execute(
                "INSERT INTO events (id, customer_id, event_type, payload, created_at) VALUES "
                + values, [field for event in batch for field in event_row(event, customer)])
