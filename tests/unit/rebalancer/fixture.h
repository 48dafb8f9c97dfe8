// A catalog, one node and one shard with the sharded table public.t on the scratch cluster.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include "rebalancer/leader.h"
#include "rebalancer/meters.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/provision.h"
#include "router/metastore/shard_client.h"
#include "tests/support/scratch_postgres.h"

namespace pgreeve::rebalancer {

class RebalancerTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_POSTGRES();
    auto* cluster = test::ScratchPostgres::Get();
    catalog_dsn_ = cluster->NewDatabase();
    catalog_ = *metastore::CatalogClient::Open(catalog_dsn_);
    ASSERT_TRUE(catalog_->Init(TenantType::kBigint, "test").ok());
    metastore::NodeRow node;
    node.name = "n1";
    node.host = "127.0.0.1";
    node.port = static_cast<uint16_t>(cluster->port());
    node.region = "local";
    node.admin_dsn = cluster->Dsn();
    node_ = *catalog_->AddNode(node, "test");
  }

  void MakeShard(const std::string& tier = "starter") {
    metastore::ShardSpec spec;
    spec.node = node_;
    spec.tier = tier;
    spec.database = "rb_" + std::to_string(absl::ToUnixMicros(absl::Now()));
    const auto made = metastore::ProvisionShard(*catalog_, spec, "test");
    ASSERT_TRUE(made.ok()) << made.status();
    database_ = made->database;
    auto client = *metastore::ShardClient::Open(ShardDsn());
    ASSERT_TRUE(client->ApplyDdl("CREATE TABLE t (c bigint NOT NULL, n int)").ok());
    ASSERT_TRUE(catalog_->DeclareTable({"public", "t", TableKind::kSharded, "c", {}}, "test").ok());
  }

  std::string ShardDsn() const {
    return *metastore::WithDatabase(test::ScratchPostgres::Get()->Dsn(), database_);
  }

  void OnShard(const std::string& sql) const {
    auto link = *pqlink::Connection::Open(ShardDsn());
    const absl::Status done = link->ExecScript(sql);
    ASSERT_TRUE(done.ok()) << done;
  }

  std::string AskCatalog(std::string_view sql) const {
    const auto answer = catalog_->connection().Exec(sql);
    return answer.ok() && answer->rows() > 0 ? std::string(answer->Text(0, 0)) : "";
  }

  void CreateTenant(int64_t id, const std::string& tier = "starter") {
    metastore::TenantSpec spec;
    spec.id = TenantId::FromBigint(id);
    spec.tier = tier;
    const auto made = catalog_->CreateTenant(spec, "test");
    ASSERT_TRUE(made.ok()) << made.status();
  }

  // A leader whose lease nobody else wants.
  std::unique_ptr<Leader> Lead(const std::string& id = "rb1") {
    LeaderOptions options;
    options.catalog_dsn = catalog_dsn_;
    options.id = id;
    options.lease = absl::Seconds(60);
    auto leader = std::make_unique<Leader>(options, meters_);
    leader->Start();
    EXPECT_TRUE(Eventually([&] { return leader->Token() != 0; }));
    return leader;
  }

  // Waits for something that other threads bring about.
  static bool Eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  std::string catalog_dsn_;
  std::string database_;
  std::unique_ptr<metastore::CatalogClient> catalog_;
  NodeId node_;
  Meters meters_{"rb1"};
};

}  // namespace pgreeve::rebalancer
