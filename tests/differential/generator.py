"""Analytic queries over customers and events, from a seed and weights.json.

Each query says what may be compared: `keys` are the output columns (from 0) by which its rows are
ordered, `total` that this order has no ties, `count_only` that Postgres itself may pick any rows.
"""
import dataclasses
import json
import pathlib
import random


# Expressions over events, by type. Each is written as a person would, with {e} for an alias.
EXPRESSIONS = {
    "int": [
        "({e}payload->>'delta')::int", "({e}payload->>'added')::bigint",
        "length({e}payload->>'page')", "extract(hour from {e}created_at)::int",
        "({e}payload->>'delta')::int % 7", "abs(({e}payload->>'delta')::int)",
        "char_length({e}event_type)", "({e}payload->>'deleted')::smallint / 10 * 10",
        "coalesce(({e}payload->>'delta')::bigint, 0)", "(({e}payload->>'delta')::int > 0)::int",
        "width_bucket(({e}payload->>'added')::float8, 0, 500, 5)",
    ],
    "numeric": [
        "({e}payload->>'delta')::numeric", "({e}payload->>'delta')::numeric(12, 3)",
        "round(({e}payload->>'delta')::numeric / 3, 2)", "extract(dow from {e}created_at)",
        "({e}payload->>'added')::numeric / 7", "extract(epoch from {e}created_at)",
        "({e}payload->>'wild')::numeric", "trunc(({e}payload->>'wild')::numeric, -3)",
    ],
    "float": [
        "({e}payload->>'added')::float8", "sqrt(({e}payload->>'added')::float8)",
        "({e}payload->>'deleted')::double precision * 0.1", "({e}payload->>'ratio')::float8",
        "date_part('minute', {e}created_at)",
    ],
    "real": ["({e}payload->>'added')::real"],
    "text": [
        "{e}event_type", "{e}payload->>'namespace'", "{e}payload->>'user'",
        "left({e}payload->>'page', 1)", "upper({e}payload->>'namespace')",
        "split_part({e}event_type, '.', 2)", "coalesce({e}payload->>'missing', 'none')",
        "concat({e}event_type, '/', {e}payload->>'namespace')",
        "CASE WHEN ({e}payload->>'isRobot')::bool THEN 'robot' ELSE 'human' END",
        "to_char({e}created_at, 'YYYY-MM-DD')", "substring({e}event_type from 2 for 2)",
        "regexp_replace({e}payload->>'page', '[^a-zA-Z].*', '')", "{e}event_type || '!'",
        "({e}event_type)::varchar(4)", "trim(both '#' from {e}event_type)",
        "jsonb_typeof({e}payload->'delta')", "nullif({e}payload->>'namespace', 'Main')",
    ],
    "bool": [
        "({e}payload->>'isRobot')::bool", "({e}payload->>'delta')::int > 0",
        "({e}payload->>'delta') IS NULL", "{e}payload @> '{{\"isNew\": true}}'",
        "{e}event_type LIKE '#e%'", "{e}payload ? 'ratio'",
        "({e}payload->>'isMinor')::boolean AND NOT ({e}payload->>'isRobot')::boolean",
        "({e}payload->>'delta')::int BETWEEN -10 AND 50", "({e}payload->>'isNew') IS DISTINCT FROM 'true'",
        "{e}payload->>'namespace' IN ('Main', 'User', 'Talk')",
    ],
    "date": [
        "{e}created_at::date", "({e}created_at at time zone 'Europe/Berlin')::date",
        "date_trunc('month', {e}created_at)::date",
    ],
    "moment": [
        "date_trunc('day', {e}created_at)", "date_trunc('hour', {e}created_at)",
        "date_trunc('day', {e}created_at at time zone 'America/New_York')", "{e}created_at",
        "date_bin('6 hours', {e}created_at, timestamptz '2015-01-01 00:00+00')",
    ],
    "interval": ["{e}created_at - timestamptz '2015-09-01 00:00+00'",
                 "make_interval(0, 0, 0, 0, 0, 0, ({e}payload->>'added')::int)"],
    "uuid": ["{e}id", "{e}customer_id"],
    "jsonb": ["{e}payload->'delta'", "{e}payload->'namespace'", "{e}payload->'isRobot'"],
}

CONDITIONS = [
    "{e}event_type = '#en.wikipedia'", "({e}payload->>'delta')::int > 10", "{e}event_type LIKE '%.wikipedia'",
    "{e}created_at >= '2015-09-12 06:00+00'", "({e}payload->>'isRobot')::bool", "{e}payload ? 'delta'",
    "NOT ({e}payload->>'isMinor')::bool", "{e}payload->>'namespace' IN ('Main', 'Talk')",
    "({e}payload->>'delta')::int < 0 OR ({e}payload->>'added')::int > 100",
    "{e}created_at BETWEEN '2015-09-11' AND '2015-09-13'", "({e}payload->>'user') ~* '^[a-k]'",
    "extract(dow from {e}created_at) IN (1, 2, 6)", "({e}payload->>'missing') IS NULL",
    "({e}payload->>'delta')::int = ANY (ARRAY[1, 2, 3, 17, -5])", "false",
    "length({e}payload->>'page') > 12 AND ({e}payload->>'isNew')::bool IS NOT TRUE",
    "{e}payload @> '{{\"isRobot\": true}}'", "({e}payload->>'comment') ILIKE '%a%'",
]
NOW_CONDITIONS = ["{e}created_at < now() - interval '1 hour'", "{e}created_at::date < current_date",
                  "{e}created_at > localtimestamp - interval '200 years'"]
PARAMETERS = [("{e}event_type = ${n}", "#en.wikipedia"), ("({e}payload->>'delta')::int > ${n}", "5"),
              ("{e}created_at >= ${n}", "2015-09-12 03:00:00+00"),
              ("({e}payload->>'namespace') <> ${n}", "Main"), ("length({e}event_type) > ${n}", "8"),
              ("({e}payload->>'added')::numeric > ${n}::numeric", "12.5")]



@dataclasses.dataclass
class Query:
    sql: str
    params: list
    keys: list
    total: bool = False
    count_only: bool = False


class Generator:
    def __init__(self, seed, weights_path=None):
        path = weights_path or pathlib.Path(__file__).with_name("weights.json")
        self.weights = json.loads(pathlib.Path(path).read_text())
        self.random = random.Random(seed)
        self.params = []

    def pick(self, table):
        names = list(self.weights[table])
        return self.random.choices(names, [self.weights[table][name] for name in names])[0]

    def chance(self, name):
        return self.random.uniform(0, 100) < self.weights["chance"][name]

    def next(self):
        self.params = []
        return getattr(self, "shape_" + self.pick("shape"))()

    # ---- pieces

    def expression(self, kind, e=""):
        return self.random.choice(EXPRESSIONS[kind]).format(e=e)

    def where(self, e=""):
        conditions = []
        if self.chance("where"):
            for _ in range(self.random.choice([1, 1, 2])):
                conditions.append("(" + self.random.choice(CONDITIONS).format(e=e) + ")")
        if self.chance("now"):
            conditions.append(self.random.choice(NOW_CONDITIONS).format(e=e))
        if self.chance("parameter"):
            text, value = self.random.choice(PARAMETERS)
            self.params.append(value)
            conditions.append(text.format(e=e, n=len(self.params)))
        return conditions

    def aggregate(self, e=""):
        """(SQL, kind): kind "float" when its last bits depend on the order of rows."""
        what = self.pick("aggregate")
        kind = "int"
        if what == "count_star":
            sql = "count(*)"
        elif what == "count":
            sql = "count(%s)" % self.expression(self.random.choice(["int", "text", "bool", "float", "jsonb"]), e)
        elif what in ("sum", "avg"):
            kind = self.random.choices(["int", "numeric", "float", "interval", "real"], [45, 25, 18, 8, 2])[0]
            sql = "%s(%s)" % (what, self.expression(kind, e))
        elif what in ("min", "max"):
            kind = self.random.choice(["int", "numeric", "float", "text", "date", "moment", "interval", "real"])
            argument = self.expression(kind, e)
            if kind == "text" and self.chance("collate"):
                argument = '(%s) COLLATE "C"' % argument
            sql = "%s(%s)" % (what, argument)
        elif what == "bool":
            kind = "bool"
            sql = "%s(%s)" % (self.random.choice(["bool_and", "bool_or", "every"]), self.expression("bool", e))
        elif what == "bit":
            sql = "%s(%s)" % (self.random.choice(["bit_and", "bit_or", "bit_xor"]), EXPRESSIONS["int"][0].format(e=e))
        elif what == "count_distinct":
            sql = "count(DISTINCT %s)" % self.expression(self.random.choice(["int", "text", "date"]), e)
        elif what == "sum_distinct":
            sql = "%s(DISTINCT %s)" % (self.random.choice(["sum", "avg"]), self.expression("int", e))
        elif what == "count_tenants":
            sql = "count(DISTINCT %scustomer_id)" % e
        else:
            kind = "float"
            sql = "%s(%s)" % (self.random.choice(["stddev", "variance"]), self.expression("int", e))
        if self.chance("filter"):
            sql += " FILTER (WHERE %s)" % self.expression("bool", e)
        return sql, kind

    def value(self, e=""):
        """An output made of aggregates, perhaps under functions and operators."""
        sql, kind = self.aggregate(e)
        if not self.chance("over_aggregate"):
            return sql, kind
        choice = self.random.randrange(6)
        if choice == 0 and kind in ("int", "numeric"):
            return "round((%s)::numeric, 2)" % sql, "numeric"
        if choice == 1 and kind in ("int", "numeric"):
            return "%s * 2 + 1" % sql, kind
        if choice == 2 and kind in ("int", "numeric"):
            return "%s / nullif(count(*), 0)" % sql, kind
        if choice == 3 and kind not in ("float", "real"):
            return "(%s)::text" % sql, "text"
        if choice == 4 and kind in ("int", "numeric", "float"):
            return "coalesce(%s, 0)" % sql, kind
        return "CASE WHEN count(*) > 3 THEN %s END" % sql, kind

    def direction(self):
        text = self.random.choice(["", "", " ASC", " DESC", " DESC"])
        if self.chance("nulls"):
            text += self.random.choice([" NULLS FIRST", " NULLS LAST"])
        return text

    def limit(self):
        text = ""
        if not self.chance("limit"):
            return text
        values = [str(self.random.choice([0, 1, 3, 5, 10, 50]))]
        if self.chance("offset"):
            values.append(str(self.random.choice([0, 1, 2, 7])))
        for keyword, value in zip(("LIMIT", "OFFSET"), values):
            if self.chance("parameter"):
                self.params.append(value)
                value = "$%d" % len(self.params)
            text += " %s %s" % (keyword, value)
        return text

    def finish(self, select, outputs, source, conditions, tail="", **facts):
        sql = "%s %s FROM %s" % (select, ", ".join(outputs), source)
        if conditions:
            sql += " WHERE " + " AND ".join(conditions)
        return Query(sql + tail, self.params, facts.pop("keys", []), **facts)

    # ---- shapes

    def shape_scalar(self):
        e, source = self.events()
        conditions = self.where(e)
        outputs = [self.alias(self.value(e)[0], i) for i in range(self.random.choice([1, 1, 2, 3]))]
        tail = ""
        if self.random.random() < 0.1:
            tail = " HAVING count(*) > %d" % self.random.choice([0, 10, 100000])
        return self.finish("SELECT", outputs, source, conditions, tail)

    def alias(self, sql, i):
        return "%s AS v%d" % (sql, i) if self.chance("alias") else sql

    def events(self):
        if self.chance("qualified"):
            return "e.", "events e"
        return "", "events"

    def group_keys(self, e):
        """Distinct (SQL, kind) of grouping expressions."""
        count = self.random.choice([1, 1, 1, 2, 2, 3])
        keys = {}
        for _ in range(count):
            kind = self.pick("key")
            keys[self.expression(kind, e)] = kind
        return list(keys.items())

    def shape_grouped(self, e=None, source=None, extra=None, joined=()):
        if e is None:
            e, source = self.events()
        conditions = list(joined) + self.where(e)
        keys = extra if extra is not None else self.group_keys(e)
        return self.grouped(e, source, conditions, keys)

    def grouped(self, e, source, conditions, keys):
        outputs, group_by, names, kinds = [], [], [], []
        for i, (sql, kind) in enumerate(keys):
            hidden = len(keys) > 1 and self.random.random() < 0.1
            if hidden:
                group_by.append(sql)
                names.append(sql)
                kinds.append(None)
                continue
            outputs.append("%s AS k%d" % (sql, i) if self.chance("alias") else sql)
            position, named = str(len(outputs)), outputs[-1].endswith(" AS k%d" % i)
            if self.chance("group_by_position"):
                group_by.append(position)
            elif named and self.chance("group_by_alias"):
                group_by.append("k%d" % i)
            else:
                group_by.append(sql)
            names.append(self.random.choice([position, sql] + (["k%d" % i] if named else [])))
            kinds.append(len(outputs) - 1)
        exact = []
        for i in range(self.random.choice([1, 1, 2, 3])):
            sql, kind = self.value(e)
            outputs.append(self.alias(sql, i))
            if kind not in ("float", "real"):
                named = outputs[-1].endswith(" AS v%d" % i)
                exact.append((self.random.choice([str(len(outputs)), sql] + (["v%d" % i] if named else [])),
                              len(outputs) - 1))
        tail = " GROUP BY " + ", ".join(group_by)
        if self.chance("having"):
            tail += " HAVING " + self.random.choice([
                "count(*) > %d" % self.random.choice([1, 5, 40]), "count(*) BETWEEN 2 AND 200",
                "sum(({e}payload->>'delta')::int) > 0".format(e=e),
                "avg(({e}payload->>'added')::int) < 150 OR count(*) = 1".format(e=e)])
        order, order_keys, total = self.order(list(zip(names, kinds)), exact)
        tail += order
        if total:
            tail += self.limit()
        return self.finish("SELECT", outputs, source, conditions, tail, keys=order_keys, total=total)

    def order(self, keys, exact):
        if not self.chance("order"):
            return "", [], False
        parts, order_keys, hidden = [], [], False
        chosen = [self.random.choice(exact)] if exact and self.random.random() < 0.6 else []
        total = self.random.random() < 0.8
        chosen += keys if total else keys[:1]
        for name, column in chosen:
            parts.append(name + self.direction())
            hidden = hidden or column is None
            if not hidden:
                order_keys.append(column)
        return " ORDER BY " + ", ".join(parts), order_keys, total

    def shape_tenant_grouped(self):
        e, source = self.events()
        keys = [("%scustomer_id" % e, "uuid")]
        if self.random.random() < 0.4:
            keys += self.group_keys(e)[:1]
        if keys[-1][0] == keys[0][0]:
            keys = keys[:1]
        self.random.shuffle(keys)
        return self.grouped(e, source, self.where(e), keys)

    def shape_listing(self, e=None, source=None, joined=(), prefix=""):
        if e is None:
            e, source = self.events()
        conditions = list(joined) + self.where(e)
        outputs = [e + "id"]
        if not prefix and self.random.random() < 0.25:
            outputs = ["*"]
        else:
            for i in range(self.random.choice([1, 2, 3])):
                kind = self.random.choice(["int", "numeric", "float", "text", "bool", "date", "moment", "jsonb", "real"])
                outputs.append(self.alias(self.expression(kind, e), i))
        if prefix:
            outputs.append(prefix)
        if not self.chance("order"):
            limit = self.limit()
            return self.finish("SELECT", outputs, source, conditions, limit, count_only=bool(limit))
        parts = []
        for _ in range(self.random.choice([0, 1, 1, 2])):
            kind = self.random.choice(["int", "numeric", "float", "text", "bool", "date", "moment"])
            key = self.expression(kind, e)
            if kind == "text" and self.random.random() < 0.4:
                key = '(%s) COLLATE "C"' % key
            parts.append(key + self.direction())
        parts.append(e + "id" + self.direction())
        tail = " ORDER BY " + ", ".join(parts) + self.limit()
        return self.finish("SELECT", outputs, source, conditions, tail, total=True)

    def shape_distinct(self):
        e, source = self.events()
        keys = self.group_keys(e)
        outputs = ["%s AS k%d" % (sql, i) for i, (sql, _) in enumerate(keys)]
        conditions = self.where(e)
        tail, facts = "", {}
        if self.chance("order"):
            tail = " ORDER BY " + ", ".join("%d%s" % (i + 1, self.direction()) for i in range(len(keys)))
            tail += self.limit()
            facts = {"keys": list(range(len(keys))), "total": True}
        return self.finish("SELECT DISTINCT", outputs, source, conditions, tail, **facts)

    JOINS = [("customers c JOIN events e ON e.customer_id = c.id", []),
             ("events e INNER JOIN customers c ON c.id = e.customer_id AND c.tier <> 'none'", []),
             ("customers c, events e", ["c.id = e.customer_id"])]

    def shape_join_grouped(self):
        source, joined = self.random.choice(self.JOINS)
        keys = [(self.random.choice(["c.tier", "left(c.name, 1)", "c.tier = 'starter'", "c.name",
                                     "date_trunc('month', c.created_at)", "c.id"]), "text")]
        if self.random.random() < 0.4:
            keys += [key for key in self.group_keys("e.")[:1] if key[0] not in ("e.id",)]
        return self.shape_grouped("e.", source, keys, joined)

    def shape_join_listing(self):
        source, joined = self.random.choice(self.JOINS)
        return self.shape_listing("e.", source, joined, self.random.choice(["c.name", "c.tier", "upper(c.name)"]))

    def shape_customers(self):
        choice = self.random.randrange(5)
        if choice == 0:
            return Query("SELECT tier, count(*), min(name), max(created_at) FROM customers GROUP BY tier"
                         " ORDER BY tier", [], [0], True)
        if choice == 1:
            return Query("SELECT name, count(*) AS n FROM customers GROUP BY name ORDER BY n DESC, name"
                         + self.limit(), self.params, [1, 0], True)
        if choice == 2:
            return Query("SELECT * FROM customers ORDER BY name%s, id%s" % (self.direction(), self.limit()),
                         self.params, [], True)
        if choice == 3:
            return Query("SELECT DISTINCT tier, left(name, 2) FROM customers ORDER BY 1, 2", [], [0, 1], True)
        return Query("SELECT c.id, c.name AS id2, lower(name) FROM customers c WHERE tier = $1 ORDER BY"
                     " lower(name) COLLATE \"C\" DESC, c.id", ["starter"], [], True)

    def shape_unsupported(self):
        self.params = []
        return Query({
            "sub_select": "SELECT count(*) FROM events WHERE customer_id IN (SELECT id FROM customers WHERE tier = 'x')",
            "window": "SELECT event_type, rank() OVER (ORDER BY count(*)) FROM events GROUP BY event_type",
            "union": "SELECT tier FROM customers UNION SELECT event_type FROM events",
            "with": "WITH t AS (SELECT * FROM events) SELECT count(*) FROM t",
            "outer_join": "SELECT count(*) FROM customers c LEFT JOIN events e ON e.customer_id = c.id",
            "string_agg": "SELECT string_agg(name, ',' ORDER BY name) FROM customers",
            "percentile": "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(event_type)) FROM events",
            "distinct_on": "SELECT DISTINCT ON (tier) tier, name FROM customers ORDER BY tier, name, id",
            "grouping_sets": "SELECT tier, count(*) FROM customers GROUP BY ROLLUP (tier) ORDER BY 1",
            "volatile": "SELECT count(*) FROM events WHERE random() < 2",
            "for_update": "SELECT id FROM customers ORDER BY id LIMIT 1 FOR UPDATE",
        }[self.pick("unsupported")], [], [], True)
