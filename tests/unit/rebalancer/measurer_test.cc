#include "rebalancer/measurer.h"

#include <gtest/gtest.h>

#include "tests/unit/rebalancer/fixture.h"

namespace pgreeve::rebalancer {
namespace {

using MeasurerTest = RebalancerTest;

TEST_F(MeasurerTest, WritesRowsAndBytesOfResidents) {
  MakeShard();
  for (const int64_t id : {1, 2, 3})
    CreateTenant(id);
  OnShard(
      "INSERT INTO t SELECT 1, g FROM generate_series(1, 300) g;"
      " INSERT INTO t SELECT 2, g FROM generate_series(1, 100) g;"
      " INSERT INTO t VALUES (99, 1)");
  const auto leader = Lead();
  Measurer measurer(*leader, meters_);
  const absl::Status done = measurer.Round(*catalog_, leader->Token());
  ASSERT_TRUE(done.ok()) << done;
  EXPECT_EQ(AskCatalog("SELECT string_agg(tenant || '=' || rows, ' ' ORDER BY tenant)"
                       " FROM pgreeve.tenant_sizes"),
            "1=300 2=100 3=0")
      << "strangers are not measured, residents without rows are";
  EXPECT_EQ(AskCatalog("SELECT (SELECT bytes FROM pgreeve.tenant_sizes WHERE tenant = '1') >"
                       " 2 * (SELECT bytes FROM pgreeve.tenant_sizes WHERE tenant = '2')"),
            "t");
}

TEST_F(MeasurerTest, AShardThatIsAwayDoesNotStopTheOthers) {
  MakeShard();
  CreateTenant(1);
  // A second node that does not answer, with a shard and a tenant on it.
  metastore::NodeRow dead;
  dead.name = "dead";
  dead.host = "127.0.0.1";
  dead.port = 1;
  dead.region = "local";
  dead.admin_dsn = "postgresql://postgres@127.0.0.1:1/postgres";
  metastore::ShardSpec spec;
  spec.node = *catalog_->AddNode(dead, "test");
  spec.tier = "business";
  ASSERT_TRUE(catalog_->AddShard(spec, "test").ok());
  CreateTenant(2, "business");
  const auto leader = Lead();
  Measurer measurer(*leader, meters_);
  EXPECT_TRUE(measurer.Round(*catalog_, leader->Token()).ok());
  EXPECT_EQ(AskCatalog("SELECT string_agg(tenant, ' ') FROM pgreeve.tenant_sizes"), "1");
  EXPECT_NE(meters_.Page().find("rebalancer_measure_failures_total 1"), std::string::npos);
}

TEST_F(MeasurerTest, StopsWhenTheLeadIsLost) {
  MakeShard();
  CreateTenant(1);
  const auto leader = Lead();
  Measurer measurer(*leader, meters_);
  EXPECT_TRUE(measurer.Round(*catalog_, leader->Token() + 1).ok());
  EXPECT_EQ(AskCatalog("SELECT count(*) FROM pgreeve.tenant_sizes"), "0");
}

}  // namespace
}  // namespace pgreeve::rebalancer
