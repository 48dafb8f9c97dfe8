#!/usr/bin/python3
"""DDL by operators runs on all shards or on none; tables are declared, or refused with the cure."""

from __future__ import annotations

import uuid

import psycopg

import harness

FLEET = "plain"


class Ddl(harness.Case):
    def setUp(self) -> None:
        self.name = "d" + uuid.uuid4().hex[:12]
        self.addCleanup(self._drop_table, self.name)

    def on_all_nodes(self, sql: str) -> list[object]:
        return [self.one(self.node(number), sql)
                for number in range(1, self.fleet.known().options.nodes + 1)]

    def exists_everywhere(self, name: str) -> list[object]:
        return self.on_all_nodes(f"SELECT to_regclass('public.{name}') IS NOT NULL")

    def test_create_alter_index_drop(self) -> None:
        operator = self.operator()
        operator.execute(f"CREATE TABLE {self.name} (id int, customer_id uuid NOT NULL, "
                         "PRIMARY KEY (customer_id, id))")
        self.assertEqual(self.exists_everywhere(self.name), [True, True])
        operator.execute(f"SELECT pgreeve.shard_table('{self.name}', 'customer_id')")
        operator.execute(f"ALTER TABLE {self.name} ADD COLUMN note text DEFAULT 'n'")
        operator.execute(f"CREATE INDEX {self.name}_note ON {self.name} (note)")
        self.assertEqual(self.exists_everywhere(f"{self.name}_note"), [True, True])
        self.assertEqual(self.on_all_nodes(
            f"SELECT relrowsecurity AND relforcerowsecurity FROM pg_class "
            f"WHERE relname = '{self.name}'"), [True, True])
        operator.execute(f"DROP TABLE {self.name}")
        self.assertEqual(self.exists_everywhere(self.name), [False, False])

    def test_a_dropped_table_is_forgotten(self) -> None:
        operator = self.operator()
        for _ in range(2):
            operator.execute(f"CREATE TABLE {self.name} (customer_id uuid PRIMARY KEY)")
            operator.execute(f"SELECT pgreeve.shard_table('{self.name}', 'customer_id')")
            operator.execute(f"DROP TABLE {self.name}")
            self.assertNotIn(self.name, str(self.rows(operator, "SELECT * FROM pgreeve.tables()")))
            self.refused(self.app(), "42P01", f"SELECT * FROM {self.name}")

    def test_declarations_follow_alter_table(self) -> None:
        """An INSERT without a list of columns finds the tenant where the column stands now."""
        operator = self.operator()
        operator.execute(f"CREATE TABLE {self.name} (id int, junk uuid, customer_id uuid, "
                         "PRIMARY KEY (customer_id, id))")
        operator.execute(f"SELECT pgreeve.shard_table('{self.name}', 'customer_id')")
        operator.execute(f"ALTER TABLE {self.name} DROP COLUMN junk")
        operator.execute(f"ALTER TABLE {self.name} ADD COLUMN note text")
        tenant = self.new_tenant()
        app = self.app()
        app.execute(f"INSERT INTO {self.name} VALUES (1, '{tenant}', 'x')")
        operator.execute(f"ALTER TABLE {self.name} RENAME COLUMN customer_id TO owner_id")
        renamed = self.name + "_r"
        self.addCleanup(self._drop_table, renamed)
        operator.execute(f"ALTER TABLE {self.name} RENAME TO {renamed}")
        app.execute(f"INSERT INTO {renamed} VALUES (2, '{tenant}')")
        self.assertEqual(self.one(
            app, f"SELECT count(*) FROM {renamed} WHERE owner_id = '{tenant}'"), 2)
        self.refused(app, "42P01", f"SELECT * FROM {self.name} WHERE owner_id = '{tenant}'")

    def test_undeclared_is_refused_for_applications(self) -> None:
        self.operator().execute(f"CREATE TABLE {self.name} (id int, customer_id uuid)")
        self.refused(self.app(), "42P01", f"SELECT * FROM {self.name}")
        tenant = self.new_tenant()
        self.refused(self.app(), "42P01",
                     f"INSERT INTO {self.name} VALUES (1, '{tenant}')")

    def test_what_cannot_be_sharded_says_what_mends_it(self) -> None:
        operator = self.operator()
        operator.execute(f"CREATE TABLE {self.name} (id int PRIMARY KEY, customer_id uuid NOT NULL)")
        with self.assertRaises(psycopg.Error) as caught:
            operator.execute(f"SELECT pgreeve.shard_table('{self.name}', 'customer_id')")
        self.assertIn("PRIMARY KEY", f"{caught.exception} {caught.exception.diag.message_detail} "
                                     f"{caught.exception.diag.message_hint}".upper())
        other = self.name + "x"
        self.addCleanup(self._drop_table, other)
        operator.execute(f"CREATE TABLE {other} (customer_id int PRIMARY KEY)")
        with self.assertRaises(psycopg.Error):
            operator.execute(f"SELECT pgreeve.shard_table('{other}', 'customer_id')")
        with self.assertRaises(psycopg.Error):
            operator.execute(f"SELECT pgreeve.shard_table('{other}', 'no_such_column')")
        with self.assertRaises(psycopg.Error):
            operator.execute("SELECT pgreeve.shard_table('no_such_table', 'customer_id')")

    def test_all_or_nothing(self) -> None:
        """One shard cannot: none does."""
        self.node(2).execute(f"CREATE TABLE {self.name} (in_the_way int)")
        with self.assertRaises(psycopg.Error):
            self.operator().execute(f"CREATE TABLE {self.name} (id int)")
        self.assertEqual(self.exists_everywhere(self.name), [False, True])
        self.node(2).execute(f"DROP TABLE {self.name}")

    def test_partitions_are_protected_too(self) -> None:
        operator = self.operator()
        operator.execute(
            f"CREATE TABLE {self.name} (customer_id uuid NOT NULL, at date NOT NULL, id int, "
            "PRIMARY KEY (customer_id, at, id)) PARTITION BY RANGE (at)")
        operator.execute(f"CREATE TABLE {self.name}_a PARTITION OF {self.name} "
                         "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')")
        operator.execute(f"SELECT pgreeve.shard_table('{self.name}', 'customer_id')")
        operator.execute(f"CREATE TABLE {self.name}_b PARTITION OF {self.name} "
                         "FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')")
        for part in ("_a", "_b"):
            self.assertEqual(self.on_all_nodes(
                f"SELECT relrowsecurity AND relforcerowsecurity FROM pg_class "
                f"WHERE relname = '{self.name}{part}'"), [True, True], part)
        one, other = self.tenants_together(2)
        for tenant in (one, other):
            self.bound(tenant).execute(
                f"INSERT INTO {self.name} VALUES ('{tenant}', '2020-05-05', 1), "
                f"('{tenant}', '2021-05-05', 2)")
        bound = self.bound(one)
        self.assertEqual(self.one(bound, f"SELECT count(*) FROM {self.name}"), 2)
        for part in ("_a", "_b"):
            try:
                self.assertEqual(self.one(bound, f"SELECT count(*) FROM {self.name}{part}"), 1)
            except psycopg.Error as error:
                self.assertIn(error.sqlstate, ("42501", "0A000"), str(error))

    def test_applications_may_not(self) -> None:
        for session in (self.app(), self.bound(self.new_tenant())):
            with self.assertRaises(psycopg.Error):
                session.execute(f"CREATE TABLE {self.name} (id int)")
            self.assertEqual(self.exists_everywhere(self.name), [False, False])

    def test_tables_and_tenants_are_listed(self) -> None:
        operator = self.operator()
        operator.execute(f"CREATE TABLE {self.name} (customer_id uuid PRIMARY KEY)")
        operator.execute(f"SELECT pgreeve.shard_table('{self.name}', 'customer_id')")
        tenant = self.new_tenant()
        self.assertIn(self.name, str(self.rows(operator, "SELECT * FROM pgreeve.tables()")))
        self.assertIn(tenant, str(self.rows(operator, "SELECT * FROM pgreeve.tenants()")))

    def test_unknown_tier(self) -> None:
        with self.assertRaises(psycopg.Error):
            self.create_tenant(str(uuid.uuid4()), "no_such_tier")
        with self.assertRaises(psycopg.Error):
            self.operator().execute("SELECT pgreeve.create_tenant('not a uuid')")

    def test_new_tables_reach_the_other_router(self) -> None:
        table = self.new_table("id int, customer_id uuid, PRIMARY KEY (customer_id, id)")
        tenant = self.new_tenant()
        app = self.app(2)

        def known() -> bool:
            try:
                app.execute(f"INSERT INTO {table} VALUES (1, '{tenant}') ON CONFLICT DO NOTHING")
            except psycopg.Error as error:
                self.assertIn(error.sqlstate, ("0A000", "3D000"), str(error))
                return False
            return True
        harness.wait_until(known, 20, "router 2 knows the table and the tenant")


if __name__ == "__main__":
    harness.main()
