#!/usr/bin/python3
"""Operators' statements over all tenants equal what one Postgres with all rows would say."""

from __future__ import annotations

import decimal
import math
from typing import Any

import psycopg

import harness

FLEET = "plain"
COLUMNS = ("id int NOT NULL, customer_id uuid NOT NULL, kind text, amount numeric(12,3), "
           "weight float8, small int2, big bigint, flag bool, day date, at timestamptz, "
           "doc jsonb, PRIMARY KEY (customer_id, id)")
ROWS = """
INSERT INTO {table} SELECT n, '{tenant}',
  (ARRAY['alpha', 'Beta', 'ümlaut', 'zeta', NULL])[(n * 7 + {salt}) % 5 + 1],
  CASE WHEN n % 11 = 0 THEN NULL ELSE (n * 1237 + {salt}) % 100000 / 1000.0 END,
  CASE WHEN n % 13 = 0 THEN 'NaN' ELSE n / 7.0 END, n % 100 - 50, n::bigint << 40,
  CASE WHEN n % 3 = 0 THEN NULL ELSE n % 2 = 0 END, date '2020-02-27' + (n + {salt}) % 40,
  timestamptz '2020-01-01 12:00:00+00' + n * interval '37 minutes',
  jsonb_build_object('k', (n + {salt}) % 4, 'v', n)
FROM generate_series(1, {count}) n
"""

# {t}: the table. Ordered where order is compared; otherwise rows are compared as a multiset.
QUERIES = (
    "SELECT count(*) FROM {t}",
    "SELECT count(kind), count(DISTINCT customer_id) FROM {t}",
    "SELECT sum(amount), avg(amount), min(amount), max(amount) FROM {t}",
    "SELECT sum(small), avg(small), sum(big), avg(big), min(big), max(big) FROM {t}",
    "SELECT sum(id), avg(id), min(id), max(id) FROM {t} WHERE false",
    "SELECT min(kind), max(kind), min(day), max(day), min(at), max(at) FROM {t}",
    "SELECT min(weight), max(weight) FROM {t}",
    "SELECT avg(weight) FROM {t} WHERE weight <> 'NaN'",
    "SELECT kind, count(*) FROM {t} GROUP BY kind ORDER BY kind",
    "SELECT kind, count(*) FROM {t} GROUP BY kind ORDER BY kind DESC NULLS LAST",
    "SELECT kind, avg(amount) FROM {t} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3",
    "SELECT kind, sum(amount) AS s FROM {t} GROUP BY kind HAVING sum(amount) > 100 ORDER BY s",
    "SELECT date_trunc('week', at) AS w, count(*), sum(amount) FROM {t} GROUP BY w ORDER BY w",
    "SELECT doc->>'k' AS k, count(*), max(id) FROM {t} GROUP BY doc->>'k' ORDER BY k",
    "SELECT flag, kind, count(*) FROM {t} GROUP BY flag, kind",
    "SELECT small % 3 AS m, sum(big) FROM {t} GROUP BY small % 3 ORDER BY m OFFSET 1",
    "SELECT count(*) FILTER (WHERE flag) FROM {t}",
    "SELECT day, count(*) FROM {t} WHERE amount > 5 AND kind LIKE '%eta' GROUP BY day "
    "HAVING count(*) > 1 ORDER BY count(*) DESC, day LIMIT 5 OFFSET 2",
    "SELECT customer_id, count(*), sum(amount) FROM {t} GROUP BY customer_id "
    "ORDER BY customer_id",
    "SELECT id, customer_id, amount FROM {t} ORDER BY amount DESC NULLS FIRST, id, customer_id "
    "LIMIT 17 OFFSET 5",
    "SELECT id, kind, day FROM {t} WHERE small > 40 ORDER BY day, id, customer_id",
    "SELECT id, customer_id FROM {t} WHERE id <= 3",
    "SELECT * FROM {t} ORDER BY customer_id, id LIMIT 40",
    "SELECT 1 + sum(small) * 2 AS x FROM {t}",
    "SELECT count(*) AS \"Count (*)\" FROM {t} AS x WHERE x.day BETWEEN '2020-02-28' AND "
    "'2020-03-05'",
)

# One Postgres answers these; here they are answered equal, or refused with 0A000.
PERHAPS = (
    "SELECT string_agg(kind, ',' ORDER BY id, customer_id) FROM {t}",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM {t}",
    "SELECT DISTINCT ON (kind) kind, id FROM {t} ORDER BY kind, id, customer_id",
    "SELECT id, rank() OVER (ORDER BY amount, id, customer_id) FROM {t}",
    "SELECT kind, count(DISTINCT small) FROM {t} GROUP BY kind ORDER BY kind",
    "SELECT count(*) FROM {t} a JOIN {t} b ON a.id = b.id",
    "SELECT id FROM {t} WHERE amount > (SELECT avg(amount) FROM {t}) ORDER BY id, customer_id",
    "SELECT kind, count(*) FROM {t} GROUP BY GROUPING SETS ((kind), ()) ORDER BY 1, 2",
    "SELECT variance(small), stddev(amount) FROM {t}",
    "SELECT DISTINCT kind FROM {t} ORDER BY kind",
    "SELECT id FROM {t} UNION SELECT small FROM {t} ORDER BY 1",
    "WITH x AS (SELECT kind, count(*) AS n FROM {t} GROUP BY kind) SELECT max(n) FROM x",
    "SELECT bool_and(flag), bool_or(flag), bit_or(small) FROM {t}",
)


class Scatter(harness.Case):
    """The oracle is a plain table with all rows in a database of its own."""

    table: str
    oracle: psycopg.Connection[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        case = cls("test_equal")
        cls.addClassCleanup(case.doCleanups)
        cls.table = case.new_table(COLUMNS)
        node = cls.fleet.nodes()[0]
        database = "oracle_" + cls.table
        node.dsn().sql(f"CREATE DATABASE {database}")
        cls.addClassCleanup(lambda: node.dsn().sql(f"DROP DATABASE {database} WITH (FORCE)"))
        cls.oracle = psycopg.connect(node.dsn(database).url(), autocommit=True)
        cls.addClassCleanup(cls.oracle.close)
        cls.oracle.execute(f"CREATE TABLE {cls.table} ({COLUMNS})")
        tenants = case.tenants_apart(2) + [case.new_tenant() for _ in range(5)]
        for salt, tenant in enumerate(tenants):
            sql = ROWS.format(table=cls.table, tenant=tenant, salt=salt, count=100 + salt * 30)
            case.bound(tenant).execute(sql)
            cls.oracle.execute(sql)

    def same(self, left: Any, right: Any) -> bool:
        if isinstance(left, float) and isinstance(right, float):
            return (math.isnan(left) and math.isnan(right)) or math.isclose(
                left, right, rel_tol=1e-12, abs_tol=0)
        if isinstance(left, decimal.Decimal) and isinstance(right, decimal.Decimal):
            return str(left) == str(right)
        return type(left) is type(right) and left == right

    def answer(self, connection: psycopg.Connection[Any], sql: str
               ) -> tuple[list[tuple[str, int]], list[tuple[Any, ...]]]:
        cursor = connection.execute(sql)
        assert cursor.description is not None
        return [(c.name, c.type_code) for c in cursor.description], cursor.fetchall()

    def compare(self, operator: psycopg.Connection[Any], template: str) -> None:
        sql = template.format(t=self.table)
        columns, rows = self.answer(operator, sql)
        wanted_columns, wanted = self.answer(self.oracle, sql)
        self.assertEqual(columns, wanted_columns, sql)
        self.assertEqual(len(rows), len(wanted), sql)
        if "ORDER BY" not in sql:
            rows, wanted = sorted(rows, key=repr), sorted(wanted, key=repr)
        for row, other in zip(rows, wanted, strict=True):
            self.assertTrue(all(self.same(a, b) for a, b in zip(row, other, strict=True)),
                            f"{sql}: {row} is not {other}")

    def test_equal(self) -> None:
        operator = self.operator()
        for template in QUERIES:
            with self.subTest(template):
                self.compare(operator, template)

    def test_equal_with_each_engine(self) -> None:
        operator = self.operator()
        operator.execute("SET pgreeve.combine = 'postgres'")
        for template in QUERIES:
            with self.subTest(template):
                self.compare(operator, template)

    def test_equal_in_extended_protocol(self) -> None:
        operator = self.operator(prepare_threshold=0)
        for template in QUERIES[:12]:
            with self.subTest(template):
                self.compare(operator, template)

    def test_parameters(self) -> None:
        operator = self.operator()
        sql = f"SELECT kind, count(*) FROM {self.table} WHERE id > %s GROUP BY kind ORDER BY kind"
        for least in (1, 50, 1000):
            self.assertEqual(self.rows(operator, sql, (least,)),
                             self.rows(self.oracle, sql, (least,)))

    def test_equal_or_refused(self) -> None:
        operator = self.operator()
        for template in PERHAPS:
            with self.subTest(template):
                try:
                    self.compare(operator, template)
                except psycopg.Error as error:
                    self.assertEqual(error.sqlstate, "0A000", f"{template}: {error}")
                self.assertEqual(self.one(operator, "SELECT 1"), 1)

    def test_error_of_a_shard_is_the_clients(self) -> None:
        operator = self.operator()
        self.refused(operator, "22012", f"SELECT sum(1 / (id - 1)) FROM {self.table}")
        self.refused(operator, "42703", f"SELECT sum(nothing) FROM {self.table}")
        self.assertEqual(self.one(operator, "SELECT 1"), 1)

    def test_application_may_not(self) -> None:
        self.refused(self.app(), "0A000", f"SELECT count(*) FROM {self.table}")

    def test_explain_route_names_all_shards(self) -> None:
        text = "\n".join(str(row[0]) for row in self.rows(
            self.operator(), f"EXPLAIN (ROUTE) SELECT count(*) FROM {self.table}"))
        for name in ("s1", "s2"):
            self.assertIn(name, text)


if __name__ == "__main__":
    harness.main()
