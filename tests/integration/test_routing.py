#!/usr/bin/python3
"""A statement goes to its tenant's shard, or is refused with a code and a hint."""

from __future__ import annotations

import re
import uuid

import psycopg

import harness

FLEET = "plain"
COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL, note text, "
           "PRIMARY KEY (customer_id, id)")


class Routing(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.one_tenant, self.other = self.tenants_apart(2)

    def nodes_with(self, tenant: str) -> list[str]:
        """Shards (by name, which are numbered like the nodes here) that hold rows of the tenant."""
        found = []
        for number in range(1, self.fleet.known().options.nodes + 1):
            if self.one(self.node(number), f"SELECT count(*) FROM {self.table} "
                        "WHERE customer_id = %s", (tenant,)):
                found.append(f"s{number}")
        return found

    def test_rows_lie_on_the_home_of_the_tenant(self) -> None:
        app = self.app()
        for tenant in (self.one_tenant, self.other):
            app.execute(f"INSERT INTO {self.table} VALUES (1, '{tenant}', 'literal')")
            app.execute(f"INSERT INTO {self.table} VALUES (2, %s, 'parameter')",
                        (uuid.UUID(tenant),))
            app.cursor(binary=True).execute(
                f"INSERT INTO {self.table} (note, customer_id, id) VALUES ('binary', %b, 3)",
                (uuid.UUID(tenant),))
            app.execute(f"INSERT INTO {self.table} (id, customer_id) VALUES "
                        f"(4, '{tenant}'), (5, '{tenant}')")
            self.assertEqual(self.nodes_with(tenant), [self.home_of(tenant)])
            self.assertEqual(self.one(
                app, f"SELECT count(*) FROM {self.table} WHERE customer_id = '{tenant}'"), 5)

    def test_where_is(self) -> None:
        said = str(self.rows(self.operator(), f"SELECT pgreeve.where_is('{self.one_tenant}')"))
        self.assertIn(self.home_of(self.one_tenant), said)

    def test_ways_to_name_the_tenant(self) -> None:
        app = self.app()
        app.execute(f"INSERT INTO {self.table} VALUES (1, '{self.one_tenant}', 'x')")
        count = f"SELECT count(*) FROM {self.table}"
        self.assertEqual(self.one(app, f"/* pgreeve: tenant={self.one_tenant} */ {count}"), 1)
        app.execute(f"SET pgreeve.tenant = '{self.one_tenant}'")
        self.assertEqual(self.one(app, count), 1)
        self.assertEqual(self.one(app, "SHOW pgreeve.tenant"), self.one_tenant)
        app.execute("RESET pgreeve.tenant")
        self.refused(app, "0A000", count)
        self.assertEqual(self.one(self.bound(self.one_tenant), count), 1)
        database = f"app@{self.one_tenant}"
        by_database = self.connect(self.fleet.client_dsn("app", database).url())
        self.assertEqual(self.one(by_database, count), 1)

    def test_refusals_have_code_and_hint(self) -> None:
        error = self.refused(self.app(), "0A000", f"SELECT * FROM {self.table}")
        self.assertRegex(error.diag.message_detail or "", r"PR-\d+")
        self.assertTrue(error.diag.message_hint)

    def test_statements_that_name_no_single_tenant_are_refused(self) -> None:
        app = self.app()
        a, b, t = self.one_tenant, self.other, self.table
        for sql in (f"SELECT * FROM {t} WHERE customer_id = '{a}' OR id = 1",
                    f"SELECT * FROM {t} WHERE NOT customer_id = '{a}'",
                    f"SELECT * FROM {t} WHERE customer_id <> '{a}'",
                    f"SELECT * FROM {t} WHERE customer_id = '{a}' AND id IN "
                    f"(SELECT id FROM {t} WHERE customer_id = '{b}')",
                    f"SELECT * FROM {t} x JOIN {t} y ON x.id = y.id WHERE x.customer_id = '{a}'",
                    f"SELECT * FROM {t} WHERE customer_id = '{a}' UNION ALL "
                    f"SELECT * FROM {t} WHERE customer_id = '{b}'",
                    f"WITH c AS (SELECT count(*) AS n FROM {t}) SELECT n FROM c, {t} x "
                    f"WHERE x.customer_id = '{a}'",
                    f"INSERT INTO {t} VALUES (1, '{a}', 'x'), (2, '{b}', 'y')",
                    f"DELETE FROM {t}",
                    f"UPDATE {t} SET note = 'x' WHERE id = 1",
                    f"UPDATE {t} SET customer_id = '{b}' WHERE customer_id = '{a}'"):
            with self.subTest(sql=sql):
                self.refused(app, "0A000", sql)

    def test_single_tenant_shapes(self) -> None:
        app = self.app()
        a, t = self.one_tenant, self.table
        app.execute(f"INSERT INTO {t} VALUES (1, '{a}', 'x'), (2, '{a}', 'y')")
        for sql, expected in (
                (f"SELECT count(*) FROM {t} x JOIN {t} y ON x.customer_id = y.customer_id "
                 f"WHERE x.customer_id = '{a}'", 4),
                (f"SELECT count(*) FROM {t} x JOIN {t} y USING (customer_id) "
                 f"WHERE y.customer_id = '{a}'", 4),
                (f"SELECT count(*) FROM {t} WHERE customer_id = '{a}' AND id = "
                 f"(SELECT max(id) FROM {t} WHERE customer_id = '{a}')", 1),
                (f"WITH c AS (SELECT * FROM {t} WHERE customer_id = '{a}') "
                 "SELECT count(*) FROM c", 2),
                (f"SELECT count(*) FROM {t} WHERE customer_id IN ('{a}')", 2),
                (f"SELECT count(*) FROM {t} WHERE '{a}' = customer_id AND note IS NOT NULL", 2)):
            with self.subTest(sql=sql):
                self.assertEqual(self.one(app, sql), expected)
        self.assertEqual(app.execute(f"UPDATE {t} SET note = 'z' WHERE customer_id = %s",
                                     (a,)).rowcount, 2)
        self.assertEqual(app.execute(f"DELETE FROM {t} WHERE customer_id = %s AND id = %s",
                                     (a, 1)).rowcount, 1)

    def test_unknown_tenant(self) -> None:
        stranger = str(uuid.uuid4())
        self.refused(self.app(), "3D000",
                     f"SELECT * FROM {self.table} WHERE customer_id = '{stranger}'")
        self.refused(self.app(), "3D000", f"INSERT INTO {self.table} VALUES (1, '{stranger}')")
        with self.assertRaises(psycopg.OperationalError):
            self.bound(stranger)

    def test_unknown_settings_are_errors(self) -> None:
        app = self.app()
        with self.assertRaises(psycopg.Error):
            app.execute("SET pgreeve.tennant = 'x'")
        with self.assertRaises(psycopg.Error):
            app.execute(f"/* pgreeve: tennant=x */ SELECT * FROM {self.table}")

    def test_explain_route(self) -> None:
        text = "\n".join(str(row[0]) for row in self.rows(
            self.app(), f"EXPLAIN (ROUTE) SELECT * FROM {self.table} "
            f"WHERE customer_id = '{self.one_tenant}'"))
        self.assertIn(self.one_tenant, text)
        self.assertTrue(re.search(rf"\b{self.home_of(self.one_tenant)}\b", text), text)

    def test_statements_without_tables(self) -> None:
        app = self.app()
        self.assertEqual(self.one(app, "SELECT 40 + 2"), 42)
        self.assertTrue(self.one(app, "SELECT version()").startswith("PostgreSQL"))
        self.assertEqual(self.one(app, "SHOW server_encoding"), "UTF8")
        self.assertGreater(self.one(app, "SELECT count(*) FROM pg_catalog.pg_class"), 100)

    def test_syntax_error_has_a_position(self) -> None:
        error = self.refused(self.app(), "42601", "SELECT 1 FRM x")
        self.assertTrue(error.diag.statement_position)

    def test_both_routers_agree(self) -> None:
        self.app(1).execute(f"INSERT INTO {self.table} VALUES (9, '{self.one_tenant}', 'x')")
        self.assertEqual(self.one(
            self.app(2), f"SELECT note FROM {self.table} WHERE customer_id = '{self.one_tenant}'"),
            "x")

    def test_reference_table(self) -> None:
        table = "r" + uuid.uuid4().hex[:10]
        operator = self.operator()
        operator.execute(f"CREATE TABLE {table} (code text PRIMARY KEY, name text)")
        self.refused(self.app(), "42P01", f"SELECT * FROM {table}")
        operator.execute(f"SELECT pgreeve.reference_table('{table}')")
        self.addCleanup(self._drop_table, table)
        operator.execute(f"INSERT INTO {table} VALUES ('de', 'Deutschland'), ('fr', 'France')")
        for number in range(1, self.fleet.known().options.nodes + 1):
            self.assertEqual(self.one(self.node(number), f"SELECT count(*) FROM {table}"), 2)
        self.assertEqual(self.one(self.app(), f"SELECT name FROM {table} WHERE code = 'fr'"),
                         "France")
        app = self.app()
        app.execute(f"INSERT INTO {self.table} VALUES (1, '{self.one_tenant}', 'de')")
        self.assertEqual(self.one(app, (
            f"SELECT r.name FROM {self.table} t JOIN {table} r ON r.code = t.note "
            f"WHERE t.customer_id = '{self.one_tenant}'")), "Deutschland")


if __name__ == "__main__":
    harness.main()
