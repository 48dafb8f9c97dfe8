#include "router/metrics/collect.h"

#include <memory>
#include <set>
#include <sstream>
#include <string>

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/metrics/catalogue.h"

namespace pgreeve::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

class CollectTest : public testing::Test {
 protected:
  std::string Text() { return ExpositionText({&collector_}); }

  Slots one_;
  Slots two_;
  ProcessSlots process_;
  TierNames tiers_;
  RouterCollector collector_{RouterSources{
      {&one_, &two_},
      &process_,
      &tiers_,
      [](ShardId id) { return id.value == 2 ? std::string() : "s\"" + std::to_string(id.value); },
      2}};
};

TEST_F(CollectTest, SumsWorkers) {
  const TierIndex starter = tiers_.IndexOf("starter");
  const Query query{Route::kSingle, Kind::kRead, ShardId{1}, starter, absl::Microseconds(200)};
  one_.QueryFinished(query);
  two_.QueryFinished(query);
  one_.ClientMoved(ClientState::kNone, ClientState::kIdle);
  two_.ClientMoved(ClientState::kNone, ClientState::kIdle);
  const std::string text = Text();
  EXPECT_THAT(text,
              HasSubstr("pgreeve_queries_total{shard=\"s\\\"1\",tier=\"starter\",kind=\"read\","
                        "route=\"single\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_client_connections{state=\"idle\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("pgreeve_query_duration_seconds_bucket{tier=\"starter\",route=\"single\","
                        "le=\"0.0001\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr("pgreeve_query_duration_seconds_bucket{tier=\"starter\",route=\"single\","
                        "le=\"0.00025\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("pgreeve_query_duration_seconds_bucket{tier=\"starter\",route=\"single\","
                        "le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("pgreeve_query_duration_seconds_sum{tier=\"starter\",route=\"single\"} "
                        "0.0004"));
}

TEST_F(CollectTest, ShardLabels) {
  one_.QueryFinished({Route::kScatter, Kind::kRead, ShardId{0}, kTierOther, absl::Seconds(1)});
  one_.BackendMoved(ShardId{2}, BackendState::kNone, BackendState::kOpening);
  one_.BackendMoved(ShardId{99999}, BackendState::kNone, BackendState::kIdle);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("pgreeve_queries_total{shard=\"_none\",tier=\"_other\""));
  EXPECT_THAT(text, HasSubstr("pgreeve_server_connections{shard=\"2\",state=\"login\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_server_connections{shard=\"_other\",state=\"idle\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("pgreeve_server_connections{shard=\"_none\"")));
}

TEST_F(CollectTest, ErrorsAndRejections) {
  one_.ErrorSent("42P01", Origin::kShard);
  one_.StatementRejected(101);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("pgreeve_errors_total{sqlstate_class=\"42\",origin=\"shard\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_rejected_statements_total{reason=\"PR-101\"} 1\n"));
}

TEST_F(CollectTest, ProcessGauges) {
  EXPECT_THAT(Text(), Not(HasSubstr("pgreeve_catalog_age_seconds")));
  process_.CatalogAt({3, 118});
  process_.CatalogAnswered(absl::Now());
  process_.LeaseUntil(absl::Now() - absl::Seconds(5));
  process_.ShardIs(ShardId{1}, true);
  process_.ShardIs(ShardId{3}, false);
  process_.ShardIs(ShardId{100000}, false);
  process_.PoolSizeIs(ShardId{3}, 20);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("pgreeve_catalog_epoch 118\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_catalog_up 1\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_lease_remaining_seconds -5."));
  EXPECT_THAT(text, HasSubstr("pgreeve_shard_up{shard=\"s\\\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_shard_up{shard=\"s\\\"3\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_pool_size{shard=\"s\\\"3\"} 20\n"));
  process_.ShardGone(ShardId{3});
  EXPECT_THAT(Text(), Not(HasSubstr("s\\\"3")));
}

TEST_F(CollectTest, TopTenantsAndTheOthers) {
  const TierIndex starter = tiers_.IndexOf("starter");
  for (int tenant = 1; tenant <= 4; ++tenant) {
    for (int i = 0; i < tenant; ++i)
      one_.TenantQueried(TenantId::FromBigint(tenant), starter, absl::Milliseconds(1));
  }
  one_.Tick();
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("pgreeve_tenant_queries_total{tenant=\"4\",tier=\"starter\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("pgreeve_tenant_queries_total{tenant=\"3\",tier=\"starter\"} 3\n"));
  EXPECT_THAT(text,
              HasSubstr("pgreeve_tenant_queries_total{tenant=\"_other\",tier=\"starter\"} 3\n"));
  EXPECT_THAT(Text(), HasSubstr("{tenant=\"4\",tier=\"starter\"} 4\n")) << "not counted twice";
}

// Every line is a comment or a sample; every sample's family was declared; no series twice.
TEST_F(CollectTest, IsWellFormed) {
  one_.QueryFinished({Route::kSingle, Kind::kRead, ShardId{1}, 0, absl::Microseconds(200)});
  one_.ScatterFinished(4, 1000, Engine::kPostgres);
  one_.Pinned(PinReason::kListen);
  process_.CatalogAnswered(absl::Now());
  const ProcessCollector process;
  const BuildCollector build("0.1.0", "abc");
  const std::string text = ExpositionText({&build, &collector_, &process});
  const std::string value = R"("([^"\\]|\\.)*")";
  const auto sample = testing::MatchesRegex("[a-z_]+([{][a-z_]+=" + value + "(,[a-z_]+=" + value +
                                            ")*[}])? [-+0-9.e]+");
  std::set<std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE "))
      continue;
    ASSERT_THAT(line, sample);
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_THAT(text, HasSubstr("pgreeve_build_info{version=\"0.1.0\",revision=\"abc\""));
  EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(text, HasSubstr("process_start_time_seconds "));
}

}  // namespace
}  // namespace pgreeve::metrics
