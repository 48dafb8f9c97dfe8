#!/usr/bin/python3
"""Tenant ids of type text, with whatever characters; tenants made by INSERT."""

from __future__ import annotations

import uuid

import psycopg

import harness

FLEET = "text"
COLUMNS = "id int NOT NULL, customer_id text NOT NULL, note text, PRIMARY KEY (customer_id, id)"

# The token's separator is a colon; quotes, percent, spaces and other scripts must do no harm.
STRANGE = ("plain", "a:b", "1:61:9:9999999999:1:00", ":", "o'neill", 'say "hi"', "100%", "a b c",
           "Ünï-çødé", "日本", "back\\slash", "semi;colon--", "/*x*/", "$1", "UPPER", "upper")


class TextIds(harness.Case):
    def setUp(self) -> None:
        self.table = self.new_table(COLUMNS)
        self.suffix = uuid.uuid4().hex[:8]

    def test_separator_and_other_characters(self) -> None:
        app = self.app()
        tenants = [name + self.suffix for name in STRANGE]
        for tenant in tenants:
            app.execute(f"INSERT INTO {self.table} VALUES (1, %s, %s)", (tenant, tenant))
        for tenant in tenants:
            with self.subTest(tenant):
                self.assertEqual(self.rows(
                    app, f"SELECT note FROM {self.table} WHERE customer_id = %s", (tenant,)),
                    [(tenant,)])
                literal = psycopg.sql.Literal(tenant).as_string(app)
                app.execute(f"SET pgreeve.tenant = {literal}")
                self.assertEqual(self.rows(app, f"SELECT note FROM {self.table}"), [(tenant,)])
                app.execute("RESET pgreeve.tenant")

    def test_a_prefix_of_the_token_is_no_other_tenant(self) -> None:
        """The ids are such that a token without care for the separator would name the other."""
        app = self.app()
        victim, attacker = "v" + self.suffix, f"v{self.suffix}:1:9999999999"
        for tenant in (victim, attacker):
            app.execute(f"INSERT INTO {self.table} VALUES (1, %s, %s)", (tenant, "of " + tenant))
        bound = self.app()
        bound.execute(f"SET pgreeve.tenant = '{attacker}'")
        self.assertEqual(self.rows(bound, f"SELECT note FROM {self.table}"), [("of " + attacker,)])
        bound.execute(f"SET pgreeve.tenant = '{victim}'")
        self.assertEqual(self.rows(bound, f"SELECT note FROM {self.table}"), [("of " + victim,)])

    def test_insert_creates_the_tenant(self) -> None:
        app = self.app()
        tenant = "new" + self.suffix
        self.refused(app, "3D000", f"SELECT * FROM {self.table} WHERE customer_id = '{tenant}'")
        self.refused(app, "3D000", f"DELETE FROM {self.table} WHERE customer_id = '{tenant}'")
        app.execute(f"INSERT INTO {self.table} VALUES (1, '{tenant}', 'x')")
        self.assertEqual(self.home_of(tenant), "s1")
        self.assertEqual(self.one(
            app, f"SELECT count(*) FROM {self.table} WHERE customer_id = '{tenant}'"), 1)

    def test_insert_by_parameter_creates_the_tenant(self) -> None:
        app = self.app(prepare_threshold=0)
        for number in range(6):
            app.execute(f"INSERT INTO {self.table} VALUES (%s, %s, 'x')",
                        (number, f"p{number}{self.suffix}"))
            self.assertEqual(self.one(app, (
                f"SELECT count(*) FROM {self.table} WHERE customer_id = %s"),
                (f"p{number}{self.suffix}",)), 1)

    def test_failed_insert_leaves_the_session_usable(self) -> None:
        app = self.app()
        tenant = "bad" + self.suffix
        self.refused(app, "22P02", f"INSERT INTO {self.table} VALUES ('x'::text::int, '{tenant}')")
        self.assertEqual(self.one(app, "SELECT 1"), 1)

    def test_empty_and_too_long(self) -> None:
        app = self.app()
        for tenant in ("", "x" * 5000):
            with self.assertRaises(psycopg.Error):
                app.execute(f"INSERT INTO {self.table} VALUES (1, %s, 'x')", (tenant,))
            self.assertEqual(self.one(app, "SELECT 1"), 1)


if __name__ == "__main__":
    harness.main()
