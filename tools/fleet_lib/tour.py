"""The short tour that ./quickstart prints: what a visitor would try first, with its real output."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.request
from collections.abc import Callable

from .account import FleetError
from .dsn import Dsn
from .fleet import APP_DATABASE, LOGIN_TENANT, Fleet

DASHBOARD = ("SELECT date_trunc('hour', created_at) AS hour, count(*) AS edits, "
             "count(DISTINCT payload->>'page') AS pages, sum((payload->>'delta')::int) AS delta\n"
             "  FROM events WHERE customer_id = '{tenant}' GROUP BY 1 ORDER BY 1 DESC LIMIT 5")
REFUSED = "SELECT count(*) FROM events"
TOP_TEN = ("SELECT customer_id, count(*) AS events FROM events "
                  "GROUP BY customer_id ORDER BY events DESC LIMIT 10")
OWN_ROWS = ("SELECT count(*) AS events, count(DISTINCT customer_id) AS tenants, "
            "min(customer_id::text) AS tenant FROM events")
METRIC = re.compile(r"^(pgreeve_(?:queries|rejected_statements|transactions)_total\S*) (\S+)$",
                    re.MULTILINE)


class Tour:
    def __init__(self, fleet: Fleet, say: Callable[[str], None] = print) -> None:
        self._fleet = fleet
        self._say = say
        self.failures = 0

    def psql(self, dsn: Dsn, sql: str, *options: str, refused: bool = False) -> bool:
        """Shows a statement and what psql says to it. `refused`: an error is what we want."""
        who = f"{dsn.user}" + (f" ({dsn.options})" if dsn.options else "")
        self._say(f"\n{who}=> {sql};")
        clean = {n: v for n, v in os.environ.items() if not n.startswith("PG")}
        done = subprocess.run(["/usr/bin/psql", "-X", "-P", "pager=off", "-P", "footer=off", *options,
                               "-c", sql], check=False, text=True, capture_output=True, timeout=60,
                              env={**clean, **dsn.environment()})
        self._say((done.stdout + done.stderr).rstrip())
        as_wanted = (done.returncode != 0) == refused
        return as_wanted

    def step(self, title: str, *acts: Callable[[], bool]) -> None:
        self._say(f"\n--- {title}")
        for act in acts:
            if not act():
                self.failures += 1
                self._say("(not what was expected)")

    def run(self) -> None:
        fleet = self._fleet
        tenant = fleet.known().facts["tenant"]
        app = fleet.client_dsn("app")
        operator = fleet.client_dsn("operator")
        before = self.metrics()
        dashboard = DASHBOARD.format(tenant=tenant)
        self.step("one tenant's dashboard: the router finds the tenant in the SQL",
                  lambda: self.psql(app, dashboard),
                  lambda: self.psql(app, f"EXPLAIN (ROUTE) {dashboard}", "-A", "-t"))
        self.step("an application session that names no tenant is refused, with a hint",
                  lambda: self.psql(app, REFUSED, refused=True))
        self.step("the ten busiest tenants over all shards, for an operator",
                  lambda: self.psql(operator, TOP_TEN))
        self.step("a tenant's own login sees only itself, whatever it asks",
                  lambda: self.psql(fleet.client_dsn(LOGIN_TENANT), OWN_ROWS))
        self.step("the metrics that moved", lambda: self.show_moved(before))

    def metrics(self) -> dict[str, float]:
        url = f"{self._fleet.env()['PGREEVE_HTTP']}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                text = answer.read().decode("utf-8")
        except OSError as error:
            raise FleetError(f"{url}: {error}") from error
        return {name: float(value) for name, value in METRIC.findall(text)}

    def show_moved(self, before: dict[str, float]) -> bool:
        moved = {name: value - before.get(name, 0) for name, value in self.metrics().items()
                 if value != before.get(name, 0)}
        for name, value in sorted(moved.items()):
            self._say(f"{name}  +{value:g}")
        return bool(moved)

    def doctor(self) -> None:
        def check() -> bool:
            self._say("$ pgreevectl doctor")
            self._say(self._fleet.control().run("doctor").rstrip())
            return True
        self.step("every row lies where the directory says", check)

    def next_steps(self) -> None:
        fleet = self._fleet
        folder = fleet.folder
        dsn = fleet.client_dsn("operator", APP_DATABASE).url()
        self._say(f"""
--- what to type next
all addresses    . {folder}/fleet.env   (or: tools/fleet env --dir {folder})
as operator      psql '{dsn}'
as a tenant      psql "$PGREEVE_TENANT_DSN"
as application   PGOPTIONS='-c pgreeve.tenant={fleet.known().facts['tenant']}' psql "$PGREEVE_APP_DSN"
metrics          curl {fleet.env()['PGREEVE_HTTP']}/metrics
control          PGREEVE_CATALOG_DSN="$PGREEVE_CATALOG_DSN" "$PGREEVE_BIN"/pgreevectl --help
what runs        tools/fleet status --dir {folder}
stop, clean      ./quickstart stop    ./quickstart clean""")
