#!/usr/bin/python3
"""pgbench's own scripts over a tenant-bound address, in every protocol mode."""

from __future__ import annotations

import subprocess

from driver_case import harness

from fleet_lib.dsn import Dsn

FLEET = "plain"
CLIENTS = 8
TRANSACTIONS = 60
ACCOUNTS = 100_000
TABLES = {
    "pgbench_branches": "bid int NOT NULL, bbalance int, filler char(88), {t}, PRIMARY KEY (customer_id, bid)",
    "pgbench_tellers": "tid int NOT NULL, bid int, tbalance int, filler char(84), {t}, "
                       "PRIMARY KEY (customer_id, tid)",
    "pgbench_accounts": "aid int NOT NULL, bid int, abalance int, filler char(84), {t}, "
                        "PRIMARY KEY (customer_id, aid)",
    "pgbench_history": "tid int, bid int, aid int, delta int, mtime timestamp, filler char(22), {t}",
}


class Pgbench(harness.Case):
    tenant: str
    dsn: Dsn

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        case = cls("test_select_only")
        cls.addClassCleanup(case.doCleanups)
        cls.tenant = case.new_tenant()
        for name, columns in TABLES.items():
            case.new_table(columns.format(t="customer_id uuid NOT NULL"), name=name)
        session = case.bound(cls.tenant)
        session.execute("INSERT INTO pgbench_branches (bid, bbalance) VALUES (1, 0)")
        session.execute("INSERT INTO pgbench_tellers (tid, bid, tbalance) "
                        "SELECT n, 1, 0 FROM generate_series(1, 10) n")
        session.execute("INSERT INTO pgbench_accounts (aid, bid, abalance, filler) "
                        f"SELECT n, 1, 0, '' FROM generate_series(1, {ACCOUNTS}) n")
        app = cls.fleet.client_dsn("app")
        cls.dsn = Dsn(app.user, app.password, app.port, app.database,
                      f"-c pgreeve.tenant={cls.tenant}")

    def pgbench(self, *options: str, transactions: int = TRANSACTIONS) -> None:
        done = subprocess.run(
            ["/usr/lib/postgresql/15/bin/pgbench", "-n", "-c", str(CLIENTS), "-j", "2", "-t",
             str(transactions), *options], text=True, capture_output=True, check=False, timeout=240,
            env={**self.dsn.environment(), "PATH": "/usr/bin", "LC_ALL": "C.UTF-8"})
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        total = CLIENTS * transactions
        self.assertRegex(said, rf"actually processed: {total}/{total}\b")
        self.assertRegex(said, r"number of failed transactions: 0 ")

    def test_select_only(self) -> None:
        for mode in ("simple", "extended", "prepared"):
            with self.subTest(mode):
                self.pgbench("-S", "-M", mode)

    def test_tpcb_like(self) -> None:
        session = self.bound(self.tenant)
        for mode in ("simple", "extended", "prepared"):
            with self.subTest(mode):
                before = self.one(session, "SELECT count(*) FROM pgbench_history")
                self.pgbench("-b", "tpcb-like", "-M", mode)
                self.assertEqual(self.one(session, "SELECT count(*) FROM pgbench_history"),
                                 before + CLIENTS * TRANSACTIONS)
                sums = [self.one(session, sql) for sql in (
                    "SELECT sum(abalance) FROM pgbench_accounts",
                    "SELECT sum(tbalance) FROM pgbench_tellers",
                    "SELECT sum(bbalance) FROM pgbench_branches",
                    "SELECT sum(delta) FROM pgbench_history")]
                self.assertEqual(len(set(sums)), 1, sums)

    def test_reconnecting(self) -> None:
        self.pgbench("-S", "-C", transactions=15)


if __name__ == "__main__":
    harness.main()
