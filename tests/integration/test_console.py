#!/usr/bin/python3
"""The console: database pgreeve, by simple and extended protocol, for operators only."""

from __future__ import annotations

import psycopg

import harness

FLEET = "plain"


class Console(harness.Case):
    def console(self) -> psycopg.Connection:
        return self.connect(self.env["PGREEVE_CONSOLE_DSN"], autocommit=True)

    def test_commands_answer_in_both_protocols(self) -> None:
        with self.console() as console:
            for command, first in (("SHOW VERSION", "version"), ("SHOW HELP", "command"),
                                   ("SHOW POOLS", "database"), ("SHOW CLIENTS", "type"),
                                   ("SHOW SHARDS", "id"), ("SHOW TIERS", "tier"),
                                   ("SHOW TENANTS", "tenant"), ("SHOW LISTS", "list"),
                                   ("SHOW PINS", "user")):
                for prepare in (False, True):
                    cursor = console.execute(command, prepare=prepare)
                    self.assertEqual(cursor.description[0].name, first, command)

    def test_clients_are_listed(self) -> None:
        with self.console() as console:
            users = {row[1] for row in console.execute("SHOW CLIENTS").fetchall()}
            self.assertIn("operator", users)

    def test_unknown_command_has_a_hint(self) -> None:
        with self.console() as console:
            with self.assertRaises(psycopg.errors.SyntaxError) as caught:
                console.execute("SHOW NOTHING")
            self.assertIn("SHOW HELP", caught.exception.diag.message_hint)
            self.assertEqual(console.execute("SHOW VERSION").fetchone()[0][:7], "pgreeve")

    def test_reload(self) -> None:
        with self.console() as console:
            self.assertEqual(console.execute("RELOAD").statusmessage, "RELOAD")

    def test_applications_stay_outside(self) -> None:
        dsn = self.env["PGREEVE_APP_DSN"].rsplit("/", 1)[0] + "/pgreeve"
        with self.assertRaises(psycopg.OperationalError) as caught:
            psycopg.connect(dsn).close()
        self.assertIn("only operators may use the console", str(caught.exception))


if __name__ == "__main__":
    harness.main()
