#include "router/plan/scatter.h"

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/status.h"

namespace pgreeve::plan {

namespace {

using sql::ScatterRefusal;
using testing::HasSubstr;

TableSet Tables() {
  TableSet tables;
  tables.Add({"public",
              "events",
              TableKind::kSharded,
              "customer_id",
              {{"id", "uuid", true},
               {"customer_id", "uuid", true},
               {"event_type", "text", true},
               {"payload", "jsonb", false},
               {"created_at", "timestamp with time zone", true}}});
  tables.Add({"public",
              "customers",
              TableKind::kSharded,
              "id",
              {{"id", "uuid", true},
               {"name", "text", true},
               {"tier", "text", true},
               {"created_at", "timestamp with time zone", true}}});
  tables.Add({"public",
              "regions",
              TableKind::kReference,
              "",
              {{"code", "text", true}, {"label", "text", true}}});
  tables.Add({"public", "logs", TableKind::kSharded, "customer_id", {}});
  return tables;
}

absl::StatusOr<std::shared_ptr<const ScatterPlan>> Plan(std::string_view sql) {
  return PlanScatter(sql, Tables(), {"public"}, {ShardId{1}, ShardId{2}});
}

// One line that says how rows are merged, in the words of scatter_golden.txt.
std::string MergeLine(const ScatterPlan& plan) {
  static constexpr std::string_view kKinds[] = {"concat", "ordered", "group"};
  static constexpr std::string_view kCombines[] = {
      "key", "count", "sum", "min", "max", "expression"};
  std::string line = "M: " + std::string(kKinds[static_cast<int>(plan.kind)]);
  if (plan.hidden_columns > 0)
    line += " hidden " + std::to_string(plan.hidden_columns);
  if (plan.key_columns > 0)
    line += " keys " + std::to_string(plan.key_columns);
  if (plan.native_possible)
    line += " native";
  if (plan.limit >= 0 || plan.offset > 0)
    line += " limit " + std::to_string(plan.limit) + "+" + std::to_string(plan.offset);
  if (!plan.output.empty())
    line += " output";
  for (const OutputColumn& output : plan.output) {
    line += " " + std::string(kCombines[static_cast<int>(output.combine)]) + ":" +
            std::to_string(output.partial);
  }
  if (!plan.order.empty())
    line += " order";
  for (const OrderKey& key : plan.order) {
    line += " " + std::to_string(key.column) + (key.descending ? "d" : "a") +
            (key.nulls_first ? "f" : "l") + (key.bytewise ? "b" : "");
  }
  return line + (plan.pins_now ? " now" : "");
}

int CodeOf(const absl::Status& status) {
  const SqlError error = ToSqlError(status);
  if (error.sqlstate != "0A000" || error.detail.substr(0, 3) != "PR-" || error.hint.empty())
    return -1;
  return std::stoi(error.detail.substr(3));
}

TEST(ScatterPlanTest, GoldenStatements) {
  std::ifstream file(PGREEVE_SOURCE_DIR "/tests/unit/router/plan/scatter_golden.txt");
  ASSERT_TRUE(file.is_open());
  int statements = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.substr(0, 2) != "> ")
      continue;
    ++statements;
    std::string expected[3];
    for (std::string& part : expected)
      std::getline(file, part);
    const auto plan = Plan(line.substr(2));
    ASSERT_TRUE(plan.ok()) << line << "\n" << plan.status();
    EXPECT_EQ("P: " + (*plan)->partial_sql, expected[0]) << line;
    EXPECT_EQ("C: " + (*plan)->combine_sql, expected[1]) << line;
    EXPECT_EQ(MergeLine(**plan), expected[2]) << line;
    EXPECT_EQ((*plan)->shards.size(), 2U);
  }
  EXPECT_GE(statements, 60);
}

struct Refused {
  ScatterRefusal code;
  std::string_view sql;
};

constexpr Refused kRefused[] = {
    {ScatterRefusal::kNotSelect, "UPDATE events SET payload = NULL"},
    {ScatterRefusal::kNotSelect, "SELECT count(*) INTO t FROM events"},
    {ScatterRefusal::kNotSelect, "SELECT 1 FROM events; SELECT 2 FROM events"},
    {ScatterRefusal::kNotSelect, ""},
    {ScatterRefusal::kSetOperation, "SELECT id FROM customers UNION ALL SELECT id FROM events"},
    {ScatterRefusal::kWith, "WITH t AS (SELECT 1) SELECT count(*) FROM events"},
    {ScatterRefusal::kDistinctOn, "SELECT DISTINCT ON (tier) tier, name FROM customers"},
    {ScatterRefusal::kGroupingSets, "SELECT tier FROM customers GROUP BY ROLLUP (tier)"},
    {ScatterRefusal::kGroupingSets, "SELECT count(*) FROM customers GROUP BY ()"},
    {ScatterRefusal::kGroupingSets, "SELECT GROUPING(tier) FROM customers GROUP BY tier"},
    {ScatterRefusal::kGroupingSets, "SELECT tier FROM customers GROUP BY DISTINCT tier"},
    {ScatterRefusal::kWindow, "SELECT rank() OVER (ORDER BY name) FROM customers"},
    {ScatterRefusal::kWindow, "SELECT name FROM customers WINDOW w AS (ORDER BY name)"},
    {ScatterRefusal::kLocking, "SELECT id FROM customers FOR UPDATE"},
    {ScatterRefusal::kLimitForm, "SELECT id FROM customers LIMIT 1 + 1"},
    {ScatterRefusal::kLimitForm, "SELECT id FROM customers LIMIT 2.5"},
    {ScatterRefusal::kLimitForm, "SELECT id FROM customers LIMIT -1"},
    {ScatterRefusal::kLimitForm, "SELECT id FROM customers OFFSET length('x')"},
    {ScatterRefusal::kLimitForm,
     "SELECT id FROM customers ORDER BY id FETCH FIRST 3 ROWS WITH TIES"},
    {ScatterRefusal::kOrderUsing, "SELECT id FROM customers ORDER BY id USING <"},
    {ScatterRefusal::kNoFrom, "SELECT 1"},
    {ScatterRefusal::kNoFrom, "VALUES (1)"},
    {ScatterRefusal::kSubSelect, "SELECT count(*) FROM events WHERE EXISTS (SELECT 1)"},
    {ScatterRefusal::kSubSelect, "SELECT (SELECT max(id) FROM logs) FROM events"},
    {ScatterRefusal::kSubSelect, "SELECT count(*) FROM (SELECT * FROM events) e"},
    {ScatterRefusal::kSubSelect,
     "SELECT tier FROM customers GROUP BY tier HAVING count(*) > (SELECT 1)"},
    {ScatterRefusal::kFromItem, "SELECT * FROM events, generate_series(1, 2)"},
    {ScatterRefusal::kFromItem, "SELECT * FROM events AS e (a, b)"},
    {ScatterRefusal::kFromItem, "SELECT * FROM events TABLESAMPLE system (10)"},
    {ScatterRefusal::kFromItem, "SELECT * FROM other.public.events"},
    {ScatterRefusal::kOuterJoin,
     "SELECT * FROM customers c LEFT JOIN events e ON e.customer_id = c.id"},
    {ScatterRefusal::kOuterJoin, "SELECT * FROM events NATURAL JOIN logs"},
    {ScatterRefusal::kJoinNotOnTenant, "SELECT * FROM customers c, events e"},
    {ScatterRefusal::kJoinNotOnTenant, "SELECT * FROM customers c JOIN events e ON e.id = c.id"},
    {ScatterRefusal::kJoinNotOnTenant,
     "SELECT * FROM customers c JOIN events e ON e.customer_id = c.id OR true"},
    {ScatterRefusal::kJoinNotOnTenant,
     "SELECT * FROM customers c JOIN events e ON NOT e.customer_id = c.id"},
    {ScatterRefusal::kJoinNotOnTenant, "SELECT * FROM events JOIN logs USING (id)"},
    {ScatterRefusal::kUndeclared, "SELECT * FROM pg_class"},
    {ScatterRefusal::kUndeclared, "SELECT * FROM secret.events"},
    {ScatterRefusal::kNoSharded, "SELECT * FROM regions"},
    {ScatterRefusal::kSystemColumn, "SELECT ctid FROM events"},
    {ScatterRefusal::kSystemColumn, "SELECT e.tableoid::int FROM events e"},
    {ScatterRefusal::kAggregate, "SELECT string_agg(name, ',') FROM customers"},
    {ScatterRefusal::kAggregate, "SELECT tier, stddev(length(name)) FROM customers GROUP BY tier"},
    {ScatterRefusal::kAggregateForm, "SELECT sum(length(name) ORDER BY name) FROM customers"},
    {ScatterRefusal::kAggregateForm, "SELECT sum(count(*)) FROM customers"},
    {ScatterRefusal::kDistinctAggregate,
     "SELECT count(DISTINCT tier), count(DISTINCT name) FROM customers"},
    {ScatterRefusal::kDistinctAggregate,
     "SELECT count(DISTINCT id), count(DISTINCT name) FROM customers"},
    {ScatterRefusal::kUngrouped,
     "SELECT lower(name), count(*) FROM customers GROUP BY upper(name)"},
    {ScatterRefusal::kUngrouped, "SELECT name, count(*) FROM customers"},
    {ScatterRefusal::kUngrouped, "SELECT c.*::text, count(*) FROM customers c GROUP BY tier"},
    {ScatterRefusal::kStar, "SELECT *, count(*) FROM logs GROUP BY a"},
    {ScatterRefusal::kStar, "SELECT * FROM logs ORDER BY 1"},
    {ScatterRefusal::kAmbiguousName, "SELECT lower(a) AS a, count(*) FROM logs GROUP BY a"},
    {ScatterRefusal::kAmbiguousName, "SELECT 1 AS a, 2 AS a FROM logs ORDER BY a"},
    {ScatterRefusal::kCollation, "SELECT name FROM customers ORDER BY lower(name COLLATE \"C\")"},
    {ScatterRefusal::kCollation, "SELECT min(lower(name COLLATE \"C\")) FROM customers"},
    {ScatterRefusal::kCollation,
     "SELECT lower(name COLLATE \"C\"), count(*) FROM customers GROUP BY 1"},
    {ScatterRefusal::kFunction, "SELECT my_function(name) FROM customers"},
    {ScatterRefusal::kFunction, "SELECT public.lower(name) FROM customers"},
    {ScatterRefusal::kFunction, "SELECT name OPERATOR(public.+) 1 FROM customers"},
    {ScatterRefusal::kVolatile, "SELECT random() FROM customers"},
    {ScatterRefusal::kVolatile, "SELECT id FROM customers WHERE clock_timestamp() > created_at"},
    {ScatterRefusal::kVolatile, "SELECT nextval('s') FROM customers"},
    {ScatterRefusal::kVolatile, "SELECT age(created_at) FROM customers"},
    {ScatterRefusal::kPerShard, "SELECT current_user FROM customers"},
    {ScatterRefusal::kPerShard, "SELECT current_database() FROM customers"},
    {ScatterRefusal::kPerShard, "SELECT 'events'::regclass FROM customers"},
    {ScatterRefusal::kExpression, "SELECT xmlelement(name a) FROM customers"},
    {ScatterRefusal::kExpression, "SELECT make_interval(secs => 1) FROM customers"},
    {ScatterRefusal::kExpression, "SELECT FROM customers"},
    {ScatterRefusal::kReservedName, "SELECT 'pgreeve_now' FROM customers"},
    {ScatterRefusal::kReservedName, "SELECT U&'pgreeve\\005fnow' FROM customers"},
    {ScatterRefusal::kReservedName, "SELECT id AS pgreeve_c0 FROM customers"},
    {ScatterRefusal::kReservedName, "SELECT id FROM customers pgreeve_partial"},
    {ScatterRefusal::kReservedName, "SELECT id::pgreeve_t0 FROM customers"},
    {ScatterRefusal::kRewrite, "SELECT (ARRAY[1, 2])[1] FROM customers"},
    {ScatterRefusal::kNowLiteral, "SELECT id FROM customers WHERE created_at > ' Today'"},
    {ScatterRefusal::kNowLiteral, "SELECT timestamptz 'now' FROM customers"},
};

TEST(ScatterPlanTest, RefusesWithItsCode) {
  for (const Refused& refused : kRefused) {
    const auto plan = Plan(refused.sql);
    ASSERT_FALSE(plan.ok()) << refused.sql << "\n" << (*plan)->partial_sql;
    EXPECT_EQ(CodeOf(plan.status()), static_cast<int>(refused.code)) << refused.sql << "\n"
                                                                     << plan.status();
  }
}

TEST(ScatterPlanTest, RefusalsAreATableInOrder) {
  std::set<ScatterRefusal> tested = {ScatterRefusal::kColumnCollation,  // CollatedColumns
                                     ScatterRefusal::kTooDeep,
                                     ScatterRefusal::kRealSum,
                                     ScatterRefusal::kTypeName,
                                     ScatterRefusal::kNativeImpossible};
  for (const Refused& refused : kRefused)
    tested.insert(refused.code);
  int last = 199;
  for (const sql::ScatterRefusalText& text : sql::kScatterRefusals) {
    EXPECT_GT(static_cast<int>(text.code), last);
    last = static_cast<int>(text.code);
    EXPECT_LT(last, 300);
    EXPECT_FALSE(text.message.empty() || text.hint.empty() || text.doc.empty()) << last;
    EXPECT_EQ(text.doc.back(), '.') << last;
    EXPECT_EQ(tested.count(text.code), 1U) << "no statement shows PR-" << last;
  }
}

TEST(ScatterPlanTest, SyntaxErrorsAreNotRefusals) {
  const auto plan = Plan("SELECT count(* FROM events");
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(ToSqlError(plan.status()).sqlstate, "42601");
}

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i)
    all += text;
  return all;
}

TEST(ScatterPlanTest, DeepStatementsAreRefusedNotFatal) {
  const std::string deep[] = {
      "SELECT 1" + Repeat("+1", 50000) + " FROM events",
      "SELECT a" + Repeat("::int", 50000) + " FROM logs",
      "SELECT " + Repeat("not ", 9000) + "true FROM events",
      "SELECT count(*) FROM events WHERE id = 1" + Repeat(" || 'x'", 5000),
      "SELECT * FROM events" + Repeat(" CROSS JOIN regions", 3000),
  };
  for (const std::string& sql : deep)
    EXPECT_FALSE(Plan(sql).ok()) << sql.substr(0, 60);
  EXPECT_EQ(CodeOf(Plan(deep[0]).status()), static_cast<int>(ScatterRefusal::kTooDeep));
  EXPECT_FALSE(Plan("SELECT id FROM events" + Repeat(" UNION SELECT id FROM events", 20000)).ok());
}

TEST(ScatterPlanTest, WideStatementsArePlanned) {
  EXPECT_TRUE(
      Plan("SELECT count(*) FROM events WHERE event_type IN ('a'" + Repeat(", 'b'", 5000) + ")")
          .ok());
  EXPECT_TRUE(
      Plan("SELECT count(*) FROM events WHERE true" + Repeat(" AND event_type <> 'b'", 1000)).ok());
}

TEST(ScatterPlanTest, PinsNowToOneLiteral) {
  const auto plan =
      Plan("SELECT current_date, now(), count(*) FROM events WHERE created_at < now()");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_TRUE((*plan)->pins_now);
  const std::string pinned = PinNow(**plan, (*plan)->partial_sql, "2026-01-02 03:04:05+00");
  EXPECT_THAT(pinned, HasSubstr("'2026-01-02 03:04:05+00'::timestamp with time zone"));
  EXPECT_THAT(pinned, testing::Not(HasSubstr("pgreeve_now")));
  const auto plain = Plan("SELECT count(*) FROM events");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(PinNow(**plain, "'pgreeve_now'", "x"), "'pgreeve_now'");
}

TEST(ScatterPlanTest, SumsAreNamedForTheirTypes) {
  const auto plan =
      Plan("SELECT tier, sum(1), avg(2), count(*), sum(DISTINCT 3) FROM customers GROUP BY 1");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ((*plan)->sum_columns, (std::vector<int>{2, 3}));
  EXPECT_EQ((*plan)->tenant_column, "\"customers\".\"id\"");
}

TEST(ScatterPlanTest, FindsTablesAlongTheSearchPath) {
  TableSet tables;
  tables.Add({"app", "t", TableKind::kSharded, "k", {}});
  EXPECT_TRUE(PlanScatter("SELECT count(*) FROM t", tables, {"public", "app"}, {}).ok());
  EXPECT_FALSE(PlanScatter("SELECT count(*) FROM t", tables, {"public"}, {}).ok());
  EXPECT_TRUE(PlanScatter("SELECT count(*) FROM app.t", tables, {}, {}).ok());
  EXPECT_FALSE(PlanScatter("SELECT count(*) FROM t", tables, {}, {}).ok());
  EXPECT_TRUE(PlanScatter("SELECT count(*) FROM events", Tables(), {}, {}).ok());
}

}  // namespace

TEST(ScatterTest, CollatedColumnsAreListedButNotCompared) {
  TableSet tables = Tables();
  tables.Add({"public",
              "labels",
              TableKind::kSharded,
              "customer_id",
              {{"customer_id", "uuid", true}, {"label", "text COLLATE \"de-x-icu\"", true}}});
  const auto plan = [&](std::string_view sql) {
    return PlanScatter(sql, tables, {"public"}, {ShardId{1}, ShardId{2}});
  };
  for (const char* refused : {"SELECT label FROM labels ORDER BY label",
                              "SELECT * FROM Labels order by 2",
                              "SELECT min(label) FROM public.labels",
                              "SELECT label, count(*) FROM labels GROUP BY 1",
                              "SELECT label FROM \"labels\" ORDER BY 1"}) {
    EXPECT_EQ(CodeOf(plan(refused).status()), static_cast<int>(ScatterRefusal::kColumnCollation))
        << refused;
  }
  EXPECT_TRUE(plan("SELECT label FROM labels WHERE label > 'a'").ok());
  EXPECT_TRUE(plan("SELECT count(*) FROM labels").ok());
  EXPECT_TRUE(plan("SELECT name FROM customers ORDER BY name").ok());
}

}  // namespace pgreeve::plan
