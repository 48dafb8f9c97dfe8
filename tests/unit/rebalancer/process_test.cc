// The whole rebalancer in one process: leadership, duties, HTTP, the catalog going away.
#include "rebalancer/process.h"

#include <gtest/gtest.h>

#include "admin/http/probe.h"
#include "tests/unit/rebalancer/fixture.h"

namespace pgreeve::rebalancer {
namespace {

class ProcessTest : public RebalancerTest {
 protected:
  ProcessOptions Options(const std::string& id) const {
    ProcessOptions options;
    options.id = id;
    options.catalog_dsn = catalog_dsn_;
    options.lease = absl::Seconds(2);
    options.poll = absl::Milliseconds(100);
    return options;
  }

  std::string Holder() const {
    return AskCatalog("SELECT holder FROM pgreeve.leader WHERE lease_until > clock_timestamp()");
  }

  static bool Ready(const Process& process) {
    return http::Probe("127.0.0.1", process.http_port(), "/readyz").ok();
  }
};

TEST_F(ProcessTest, LeadsAnswersAndServesRequests) {
  auto process = *Process::Start(Options("rb1"));
  EXPECT_TRUE(Eventually([&] { return Holder() == "rb1" && Ready(*process); }));
  EXPECT_TRUE(http::Probe("127.0.0.1", process->http_port(), "/livez").ok());
  EXPECT_TRUE(http::Probe("127.0.0.1", process->http_port(), "/metrics").ok());
  ASSERT_TRUE(catalog_->RequestShard("enterprise", "local", "test").ok());
  EXPECT_TRUE(Eventually([&] {
    return AskCatalog(
               "SELECT count(*) FROM pgreeve.shards WHERE tier = 'enterprise'"
               " AND state = 'open'") == "1";
  }));
  EXPECT_TRUE(
      Eventually([&] { return AskCatalog("SELECT state FROM pgreeve.shard_requests") == "done"; }));
}

TEST_F(ProcessTest, KeepsTheSparesThatTheSettingsAskFor) {
  ASSERT_TRUE(catalog_->SetSetting("placement.spare_tiers", "business", "test").ok());
  auto process = *Process::Start(Options("rb1"));
  EXPECT_TRUE(Eventually([&] {
    return AskCatalog(
               "SELECT count(*) FROM pgreeve.shards WHERE tier = 'business'"
               " AND state = 'open'") == "1";
  }));
}

TEST_F(ProcessTest, TheNextOneLeadsWhenTheLeaderEnds) {
  auto first = *Process::Start(Options("rb1"));
  ASSERT_TRUE(Eventually([&] { return Holder() == "rb1"; }));
  auto second = *Process::Start(Options("rb2"));
  ASSERT_TRUE(Eventually([&] { return Ready(*second); })) << "a follower is ready";
  EXPECT_EQ(Holder(), "rb1");
  const std::string token = AskCatalog("SELECT token FROM pgreeve.leader");
  first.reset();
  EXPECT_TRUE(Eventually([&] { return Holder() == "rb2"; }));
  EXPECT_NE(AskCatalog("SELECT token FROM pgreeve.leader"), token);
}

TEST_F(ProcessTest, ANamesakeRaisesTheToken) {
  auto first = *Process::Start(Options("rb1"));
  ASSERT_TRUE(Eventually([&] { return Holder() == "rb1"; }));
  const std::string token = AskCatalog("SELECT token FROM pgreeve.leader");
  auto restarted = *Process::Start(Options("rb1"));
  EXPECT_TRUE(Eventually([&] { return AskCatalog("SELECT token FROM pgreeve.leader") != token; }));
}

TEST_F(ProcessTest, SurvivesTheCatalog) {
  auto process = *Process::Start(Options("rb1"));
  ASSERT_TRUE(Eventually([&] { return Holder() == "rb1"; }));
  auto* cluster = test::ScratchPostgres::Get();
  catalog_.reset();
  cluster->Stop();
  EXPECT_TRUE(Eventually([&] { return !Ready(*process); }));
  EXPECT_TRUE(http::Probe("127.0.0.1", process->http_port(), "/livez").ok());
  ASSERT_TRUE(cluster->Start());
  EXPECT_TRUE(Eventually([&] { return Ready(*process); }));
  catalog_ = *metastore::CatalogClient::Open(catalog_dsn_);
  EXPECT_TRUE(Eventually([&] { return Holder() == "rb1"; }));
}

TEST_F(ProcessTest, StartsWithoutACatalogAndEndsQuickly) {
  ProcessOptions options = Options("rb1");
  options.catalog_dsn = "postgresql://postgres@127.0.0.1:1/none";
  auto process = *Process::Start(options);
  EXPECT_FALSE(Ready(*process));
  process.reset();
}

}  // namespace
}  // namespace pgreeve::rebalancer
