#include "router/plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/plan/hint.h"
#include "router/plan/reject.h"
#include "tests/unit/router/plan/plan_fixture.h"

namespace pgreeve::plan {
namespace {

using testing::Contains;
using testing::HasSubstr;

class PlannerTest : public testing::Test {
 protected:
  PlannerTest() { planner_.SetPlacement(placement_); }

  std::string Plan(std::string_view sql) {
    return Summary(planner_.Plan(sql, nullptr, {}, session_));
  }

  void BindTo(int64_t id) { session_.tenant = placement_->FindTenant(TenantId::FromBigint(id)); }

  std::shared_ptr<const catalog::Placement> placement_ = TestPlacement(TenantType::kBigint);
  Planner planner_;
  SessionView session_;
};

TEST_F(PlannerTest, CachesByShape) {
  EXPECT_EQ(Plan("select * from events where customer_id = 2"), "single 2");
  EXPECT_EQ(Plan("SELECT * FROM events WHERE customer_id=3"), "single 3");
  EXPECT_EQ(planner_.Stats().misses, 1u);
  EXPECT_EQ(planner_.Stats().hits, 1u);
  EXPECT_EQ(planner_.Stats().entries, 1u);
}

TEST_F(PlannerTest, ForgetsWhenTablesChange) {
  EXPECT_EQ(Plan("select * from fresh where customer_id = 2"), "PR-114");
  const auto prepared = planner_.Analyze("select * from fresh where customer_id = 2", session_);
  auto next = std::make_shared<catalog::Placement>(*placement_);
  next->schema_epoch = 2;
  auto tables = std::make_shared<TableSet>(*placement_->tables);
  tables->Add(Sharded("fresh", "customer_id", {"id", "customer_id"}));
  next->tables = tables;
  placement_ = next;
  planner_.SetPlacement(next);
  EXPECT_EQ(planner_.Stats().entries, 0u);
  EXPECT_EQ(Plan("select * from fresh where customer_id = 2"), "single 2");
  EXPECT_EQ(Summary(planner_.Plan(
                "select * from fresh where customer_id = 2", prepared.get(), {}, session_)),
            "single 2");
}

TEST_F(PlannerTest, SearchPathIsPartOfTheKey) {
  const std::string sql = "select * from events where customer_id = 2";
  const auto prepared = planner_.Analyze(sql, session_);
  EXPECT_EQ(Plan(sql), "single 2");
  session_.search_path = {"billing"};
  EXPECT_EQ(Plan(sql), "PR-114");
  EXPECT_EQ(Summary(planner_.Plan(sql, prepared.get(), {}, session_)), "PR-114");
  session_.search_path = {"billing", "public"};
  EXPECT_EQ(Plan(sql), "single 2");
}

TEST_F(PlannerTest, StringsAreReadAsTheSessionReadsThem) {
  const std::string sql = "select * from events where kind = 'x\\' and customer_id = 2 or kind = '";
  session_.standard_conforming_strings = false;
  EXPECT_NE(Plan(sql), "single 2");
}

TEST_F(PlannerTest, CacheIsBounded) {
  PlanCacheOptions options;
  options.entries_max = 10;
  Planner planner(options);
  planner.SetPlacement(placement_);
  std::string sql = "select 1";
  for (int i = 0; i < 100; ++i)
    planner.Plan(sql += ", 1", nullptr, {}, session_);
  EXPECT_EQ(planner.Stats().entries, 10u);
  EXPECT_EQ(planner.Stats().evictions, 90u);
  options.entries_max = 1000;
  options.bytes_max = 20'000;
  Planner small(options);
  small.SetPlacement(placement_);
  for (int i = 0; i < 100; ++i)
    small.Plan(sql += ", 1", nullptr, {}, session_);
  EXPECT_LE(small.Stats().bytes, 20'000u);
  EXPECT_GT(small.Stats().entries, 0u);
}

TEST_F(PlannerTest, ManySettingsDoNotPileUp) {
  for (int i = 0; i < 1000; ++i) {
    session_.search_path = {"s" + std::to_string(i), "public"};
    EXPECT_EQ(Plan("select * from events where customer_id = 2"), "single 2");
  }
  EXPECT_LE(planner_.Stats().entries, 256u);
}

TEST_F(PlannerTest, PlainNeedsAnOpenBoundIsolatedTenant) {
  const std::string sql = "select * from events";
  EXPECT_FALSE(planner_.IsPlain(sql, session_));
  BindTo(2);
  EXPECT_TRUE(planner_.IsPlain(sql, session_));
  EXPECT_TRUE(planner_.IsPlain(sql, session_));
  EXPECT_FALSE(planner_.IsPlain("begin", session_));
  EXPECT_FALSE(planner_.IsPlain("select 1; set a = 1", session_));
  EXPECT_FALSE(planner_.IsPlain("", session_));
  session_.isolated = false;
  EXPECT_FALSE(planner_.IsPlain(sql, session_));
  session_.isolated = true;
  BindTo(8);
  EXPECT_FALSE(planner_.IsPlain(sql, session_));
  BindTo(9);
  EXPECT_TRUE(planner_.IsPlain(sql, session_));
  EXPECT_FALSE(planner_.IsPlain("delete from events", session_));
}

TEST_F(PlannerTest, SlicesAndPositionsAreTheTexts) {
  const std::string sql = " /* \u00e4 */ select 1 ; \n select * from \"events\" -- x\n";
  const Plans plans = planner_.Plan(sql, nullptr, {}, session_);
  ASSERT_EQ(plans.size(), 2u);
  EXPECT_EQ(sql.substr(plans[0].begin, plans[0].length), "select 1");
  EXPECT_THAT(sql.substr(plans[1].begin, plans[1].length), HasSubstr("select * from \"events\""));
  EXPECT_EQ(plans[1].reject.code, 101);
  EXPECT_EQ(plans[1].reject.error.position, 37);  // characters, not bytes
}

TEST_F(PlannerTest, PreparedTextKeepsItsArguments) {
  const std::string sql = "PREPARE \"p q\" (int, text) AS SELECT $1";
  const Plans plans = planner_.Plan(sql, nullptr, {}, session_);
  EXPECT_EQ(plans[0].name, "p q");
  EXPECT_EQ(sql.substr(plans[0].argument_begin, plans[0].argument_length),
            "(int, text) AS SELECT $1");
  const std::string execute = "execute p(1, 'a');";
  const Plans executed = planner_.Plan(execute, nullptr, {}, session_);
  EXPECT_EQ(execute.substr(executed[0].argument_begin, executed[0].argument_length), "(1, 'a')");
}

TEST_F(PlannerTest, ExplainSaysWhereTheTenantWasFound) {
  const Plans plans = planner_.Plan(
      "explain (route) select * from events e where e.customer_id = '2'", nullptr, {}, session_);
  EXPECT_EQ(plans[0].name, "text");
  const auto lines = ExplainText(plans, *placement_);
  EXPECT_THAT(lines, Contains("plan: single"));
  EXPECT_THAT(lines, Contains("  found: events.customer_id = '2' \u2192 2"));
  EXPECT_THAT(lines, Contains("  tier: starter"));
  EXPECT_THAT(lines, Contains("  shards (1): s1"));
  EXPECT_THAT(lines, Contains("  epoch: 3.118"));
  EXPECT_THAT(lines, Contains("  sql per shard: select * from events e where e.customer_id = '2'"));
}

TEST_F(PlannerTest, ExplainOfARefusalIsJsonToo) {
  const Plans plans = planner_.Plan(
      "explain (route, format json) select '\"\n' from events", nullptr, {}, session_);
  EXPECT_EQ(plans[0].name, "json");
  const std::string json = ExplainJson(plans, *placement_);
  EXPECT_THAT(json, HasSubstr("\"plan\": \"reject\""));
  EXPECT_THAT(json, HasSubstr("PR-101"));
  EXPECT_THAT(json, testing::StartsWith("[{"));
}

TEST_F(PlannerTest, HostileTextsEndInBoundedTime) {
  const auto repeat = [](std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i)
      text += part;
    return text;
  };
  const std::string texts[] = {
      "select 1" + repeat("+1", 10'000) + " from events where customer_id = 2",
      "select " + repeat("not ", 5'000) + "true from events where customer_id = 2",
      "select 1" + repeat("::int", 5'000) + " from events where customer_id = 2",
      "select 1 from events where customer_id = 2" + repeat(" union all select 1", 20'000),
      "select * from events where customer_id in (2" + repeat(",2", 100'000) + ")",
      "select * from events where customer_id in (2" + repeat(",2", 200'000) + ")",
      "select " + repeat("(", 20'000) + "1" + repeat(")", 20'000),
      "select * from " + repeat("(select * from ", 2'000) + "events" + repeat(") x", 2'000),
      "select * from events where customer_id = 2" + repeat(" and customer_id = 2", 20'000),
      "select * from events where customer_id = 2" + repeat(" or kind = 'x'", 20'000),
      "select * from events e0" + repeat(", events e", 3'000),
      "select * from events where kind = '" + repeat("x", 900'000) + "' and customer_id = 2",
      "insert into events (id, customer_id) values (1, 2)" + repeat(", (1, 2)", 50'000),
      "with " + repeat("a as (select 1), ", 3'000) + "b as (select 1) select * from b",
      repeat("select 1;", 20'000),
      repeat("x", 3 << 20),
      "select 1" + repeat(" limit (select 1", 500) + repeat(")", 500),
      "select * from events where customer_id = " + repeat("- ", 10'000) + "2",
      "select (select " + repeat("f(", 3'000) + "1" + repeat(")", 3'000) + ")",
      repeat("/*", 100'000),
      "select " + repeat("+", 200'000) + "1",
      "select " + repeat("1,", 1'000) + "1" +
          repeat(" union select " + repeat("1,", 100) + "1", 300),
  };
  for (const std::string& sql : texts) {
    SCOPED_TRACE(sql.substr(0, 60));
    for (const bool bound : {false, true}) {
      session_.tenant = nullptr;
      if (bound)
        BindTo(2);
      const Plans plans = planner_.Plan(sql, nullptr, {}, session_);
      ASSERT_FALSE(plans.empty());
      EXPECT_TRUE(!bound || plans.size() > 1 || Summary(plans) == "single 2") << Summary(plans);
    }
  }
}

TEST(Rejects, EveryCodeHasItsTexts) {
  for (std::size_t i = 0; i < kRejectCount; ++i) {
    const RejectText& text = kRejects[i];
    EXPECT_EQ(text.sqlstate.size(), 5u);
    EXPECT_FALSE(text.message.empty());
    EXPECT_FALSE(text.detail.empty());
    EXPECT_TRUE(text.doc.ends_with("."));
    EXPECT_EQ(TextOf(text.code).code, text.code);
    EXPECT_EQ(MakeReject(text.code, "x").code, static_cast<int>(text.code));
  }
}

TEST(Rejects, LongNamesAreCutBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 150; ++i)
    name += "\u00e4";
  const Reject reject = MakeReject(RejectCode::kUndeclared, "x" + name);
  EXPECT_LT(reject.error.message.size(), 260u);
  EXPECT_EQ(reject.error.message.find("\xc3\""), std::string::npos);
}

TEST(Hints, AreReadOrRefused) {
  EXPECT_EQ(ParseHint(" tenant=5 ").tenant, "5");
  EXPECT_EQ(ParseHint("tenant = 'a b'").tenant, "a b");
  EXPECT_EQ(ParseHint("tenant=\"it's\",").tenant, "it's");
  EXPECT_EQ(ParseHint("tenant='a''b'").tenant, "a'b");
  EXPECT_EQ(ParseHint("tenant=5").unknown, "");
  for (const char* wrong : {"",
                            " ",
                            "tenant",
                            "tenant=",
                            "tenant='a",
                            "x=1",
                            "tenant=1 tenant=2",
                            "tenant=1, x=2",
                            "=1",
                            "Tenant=1"})
    EXPECT_FALSE(ParseHint(wrong).unknown.empty()) << wrong;
}

}  // namespace
}  // namespace pgreeve::plan
