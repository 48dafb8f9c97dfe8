#!/usr/bin/python3
"""No session reads or writes the rows of a tenant that is not its own, whatever it sends."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg

import harness

FLEET = "plain"
COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL, note text NOT NULL, "
           "PRIMARY KEY (customer_id, id)")

# {t}: the table, {b}: the victim's id, {a}: the attacker's. Sent in a session bound to the
# attacker, on the shard where the victim's rows lie too.
ATTACKS = (
    "SELECT * FROM {t}",
    "SELECT * FROM {t} WHERE customer_id = '{b}'",
    "SELECT * FROM {t} WHERE customer_id <> '{a}' OR true",
    "SELECT * FROM {t} t1 FULL JOIN {t} t2 ON true",
    "SELECT note::int FROM {t}",
    "SELECT * FROM {t} WHERE note::int = 1",
    "SELECT 1 / (CASE WHEN note LIKE 'secret%' THEN 0 ELSE 1 END), note FROM {t}",
    "/* pgreeve: tenant={b} */ SELECT * FROM {t}",
    "SET pgreeve.tenant = '{b}'; SELECT * FROM {t}",
    "SET pgreeve.tenant = '{b}'",
    "SET LOCAL pgreeve.tenant = '{b}'",
    "RESET pgreeve.tenant; SELECT * FROM {t}",
    "SET pgreeve.token = 'x'; SELECT * FROM {t}",
    "SELECT set_config('pgreeve.token', '', false); SELECT * FROM {t}",
    "SELECT set_config('pgreeve.tenant', '{b}', false); SELECT * FROM {t}",
    "SET row_security = off; SELECT * FROM {t}",
    "SET ROLE pgreeve_operator; SELECT * FROM {t}",
    "SET ROLE pgreeve_ddl; SELECT * FROM {t}",
    "SET SESSION AUTHORIZATION pgreeve_operator; SELECT * FROM {t}",
    "RESET ROLE; SELECT * FROM {t}",
    "RESET ALL; SELECT * FROM {t}",
    "DISCARD ALL",
    "RESET SESSION AUTHORIZATION; SELECT * FROM {t}",
    "ALTER ROLE CURRENT_USER SET row_security = off",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER USER pgreeve_app PASSWORD 'x'",
    "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY; SELECT * FROM {t}",
    "ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY; SELECT * FROM {t}",
    "DROP POLICY pgreeve_tenant ON {t}; SELECT * FROM {t}",
    "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "CREATE VIEW v_leak AS SELECT * FROM {t}",
    "CREATE TEMP TABLE stolen AS SELECT * FROM {t}; SELECT * FROM stolen",
    "DO $$ BEGIN PERFORM set_config('pgreeve.token', '', false); END $$; SELECT * FROM {t}",
    "DO $$ DECLARE r text; BEGIN SELECT string_agg(note, ',') INTO r FROM {t}; "
    "RAISE EXCEPTION '%', r; END $$",
    "SELECT query_to_xml('SELECT * FROM {t}', true, true, '')",
    "SELECT table_to_xml('{t}', true, true, '')",
    "COPY {t} TO STDOUT",
    "COPY (SELECT * FROM {t}) TO STDOUT",
    "COPY {t} TO PROGRAM 'cat'",
    "TABLE {t}",
    "SELECT * FROM pg_stats WHERE tablename = '{t}'",
    "SELECT most_common_vals FROM pg_stats WHERE tablename = '{t}'",
    "SELECT stavalues1 FROM pg_statistic",
    "SELECT * FROM pg_stat_activity",
    "SELECT pg_read_file('postgresql.auto.conf')",
    "SELECT * FROM pgreeve.shard_state",
    "SELECT * FROM pgreeve.keys",
    "SELECT rolpassword FROM pg_authid",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM {t}",
    "PREPARE p AS SELECT * FROM {t}; EXECUTE p",
    "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM {t}; FETCH ALL FROM c; COMMIT",
    "LISTEN pgreeve_change",
    "TRUNCATE {t}",
    "DELETE FROM {t} WHERE customer_id = '{b}'",
    "UPDATE {t} SET note = 'overwritten' WHERE customer_id = '{b}'",
    "UPDATE {t} SET customer_id = '{b}'",
    "UPDATE {t} SET note = 'overwritten' WHERE id = 77",
    "INSERT INTO {t} VALUES (78, '{b}', 'planted')",
    "INSERT INTO {t} VALUES (77, '{b}', 'x') ON CONFLICT (customer_id, id) "
    "DO UPDATE SET note = 'overwritten' RETURNING note",
    "MERGE INTO {t} USING (VALUES (77)) s(id) ON {t}.id = s.id "
    "WHEN MATCHED THEN UPDATE SET note = 'overwritten'",
    "ROLLBACK; SELECT * FROM {t}",
    "BEGIN; SELECT * FROM {t}; ROLLBACK; SELECT * FROM {t}",
)


class Isolation(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.attacker, self.victim = self.tenants_together(2)
        self.secret = "secret" + uuid.uuid4().hex
        self.bound(self.victim).execute(
            f"INSERT INTO {self.table} VALUES (77, %s, %s)", (self.victim, self.secret))
        self.bound(self.attacker).execute(
            f"INSERT INTO {self.table} VALUES (1, %s, 'mine')", (self.attacker,))

    def everything_said(self, connection: psycopg.Connection[Any], sql: str) -> str:
        """All rows, notices and errors that a text of statements brings, as one text."""
        said: list[str] = []
        connection.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
        try:
            if sql.startswith("COPY"):
                with connection.cursor().copy(sql) as copy:
                    said.extend(bytes(block).decode() for block in copy)
            else:
                cursor = connection.execute(sql)
                while True:
                    if cursor.description is not None:
                        said.extend(str(row) for row in cursor.fetchall())
                    if not cursor.nextset():
                        break
        except psycopg.Error as error:
            said.append(f"{error} {error.diag.message_detail} {error.diag.message_hint} "
                        f"{error.diag.context}")
        return "\n".join(said)

    def check_victim(self, after: str) -> None:
        rows = self.bound(self.victim).execute(
            f"SELECT id, customer_id::text, note FROM {self.table}").fetchall()
        self.assertEqual(rows, [(77, self.victim, self.secret)], f"after: {after}")

    def attack(self, open_session: Any) -> None:
        for template in ATTACKS:
            sql = template.format(t=self.table, a=self.attacker, b=self.victim)
            with self.subTest(sql=template):
                with open_session() as connection:
                    said = self.everything_said(connection, sql)
                    self.assertNotIn(self.secret, said)
                    if not connection.closed:
                        said = self.everything_said(connection, f"ROLLBACK")
                        said = self.everything_said(connection, f"SELECT * FROM {self.table}")
                        self.assertNotIn(self.secret, said, "in the statement after it")
        self.check_victim("all attacks")

    def test_locked_app_session(self) -> None:
        dsn = self.app_dsn()
        self.attack(lambda: psycopg.connect(
            dsn, autocommit=True, options=f"-c pgreeve.tenant={self.attacker}"))

    def test_tenant_login(self) -> None:
        login = "t" + uuid.uuid4().hex[:10]
        self.fleet.control().create_login(login, "pass-word", "tenant", "--tenant", self.attacker)
        dsn = self.login_dsn(login, "pass-word")
        with psycopg.connect(dsn, autocommit=True) as connection:
            self.assertEqual(self.rows(connection, f"SELECT id, note FROM {self.table}"),
                             [(1, "mine")])
        self.attack(lambda: psycopg.connect(dsn, autocommit=True))

    def login_dsn(self, login: str, password: str) -> str:
        port = self.env["PGREEVE_ROUTER_1_PORT"]
        dsn = f"postgresql://{login}:{password}@127.0.0.1:{port}/app"

        def known() -> bool:
            try:
                psycopg.connect(dsn).close()
            except psycopg.OperationalError:
                return False
            return True
        harness.wait_until(known, 20, f"login {login} known to the router")
        return dsn

    def test_locked_session_names_another_tenant(self) -> None:
        locked = self.bound(self.attacker)
        self.refused(locked, "42501", f"SET pgreeve.tenant = '{self.victim}'")
        self.refused(locked, "42501",
                     f"/* pgreeve: tenant={self.victim} */ SELECT * FROM {self.table}")
        self.assertEqual(self.rows(locked, f"SELECT note FROM {self.table}"), [("mine",)])

    def test_free_session_sees_one_tenant_per_statement(self) -> None:
        free = self.app()
        self.refused(free, "0A000", f"SELECT * FROM {self.table}")
        for tenant, note in ((self.attacker, "mine"), (self.victim, self.secret)):
            self.assertEqual(self.rows(
                free, f"SELECT note FROM {self.table} WHERE customer_id = '{tenant}'"), [(note,)])
        self.refused(free, "0A000", f"SELECT note FROM {self.table} WHERE "
                     f"customer_id = '{self.attacker}' OR customer_id = '{self.victim}'")

    def test_free_session_bound_statement_hides_others_under_row_security(self) -> None:
        """The router routes by one relation; the shard hides the rows of all others."""
        free = self.app()
        free.execute(f"SET pgreeve.tenant = '{self.attacker}'")
        self.assertEqual(self.rows(free, f"SELECT note FROM {self.table}"), [("mine",)])
        free.execute(f"SET pgreeve.tenant = '{self.victim}'")
        self.assertEqual(self.rows(free, f"SELECT note FROM {self.table}"), [(self.secret,)])

    def test_many_tenants_over_few_backends(self) -> None:
        """Every backend changes tenants many times; nobody sees a neighbour's row."""
        sessions = [(t, self.bound(t)) for t in (self.attacker, self.victim) for _ in range(6)]
        expected = {self.attacker: [("mine",)], self.victim: [(self.secret,)]}
        for turn in range(20):
            for tenant, session in sessions:
                self.assertEqual(self.rows(session, f"SELECT note FROM {self.table}"),
                                 expected[tenant], f"turn {turn}")

    def test_session_state_does_not_pass_on(self) -> None:
        first = self.bound(self.attacker)
        first.execute("SET search_path = 'pg_catalog'")
        first.execute("SET application_name = 'left behind'")
        first.execute("SET work_mem = '77MB'")
        first.close()
        second = self.bound(self.victim)
        for _ in range(10):
            self.assertNotEqual(self.one(second, "SHOW work_mem"), "77MB")
            self.assertIn("public", self.one(second, "SHOW search_path"))

    def test_view_of_an_operator_does_not_leak(self) -> None:
        """Had the view been owned by the bypassing operator's role, it would show every tenant."""
        view = "v" + self.table
        operator = self.operator()
        operator.execute(f"CREATE VIEW {view} AS SELECT * FROM {self.table}")
        for number in range(1, self.fleet.known().options.nodes + 1):
            bypass = self.one(self.node(number), (
                "SELECT r.rolbypassrls OR r.rolsuper FROM pg_class c JOIN pg_roles r "
                "ON r.oid = c.relowner WHERE c.relname = %s"), (view,))
            self.assertFalse(bypass, f"owner of the view on node {number}")
        said = self.everything_said(self.bound(self.attacker), f"SELECT * FROM {view}")
        self.assertNotIn(self.secret, said)
        operator.execute(f"DROP VIEW {view}")

    def test_doctor_finds_a_bypassing_view(self) -> None:
        view = "leaky" + self.table
        node = self.node(1)
        node.execute(f"CREATE VIEW {view} AS SELECT * FROM {self.table}")
        self.addCleanup(lambda: psycopg.connect(
            self.fleet.nodes()[0].dsn("app").url(), autocommit=True).execute(
                f"DROP VIEW IF EXISTS {view}").connection.close())
        try:
            said = self.fleet.control().run("doctor")
        except harness.FleetError as error:
            said = error.output
        self.assertIn(view, said)


if __name__ == "__main__":
    harness.main()
