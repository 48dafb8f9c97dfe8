// A fresh catalog on the scratch cluster for each test.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "router/base/status.h"
#include "router/metastore/catalog_client.h"
#include "tests/support/scratch_postgres.h"

namespace pgreeve::metastore {

constexpr char kVerifier[] = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy";

inline std::string StateOf(const absl::Status& status) {
  return status.ok() ? "00000" : ToSqlError(status).sqlstate;
}

class CatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_POSTGRES();
    dsn_ = test::ScratchPostgres::Get()->NewDatabase();
    client_ = Open();
    ASSERT_NE(client_, nullptr);
    const absl::Status made = client_->Init(TenantType::kText, "test");
    ASSERT_TRUE(made.ok()) << made;
  }

  std::unique_ptr<CatalogClient> Open() const {
    auto client = CatalogClient::Open(dsn_);
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  static TenantId Id(std::string_view text) { return *TenantId::FromText(TenantType::kText, text); }

  // A node that is the scratch cluster itself.
  NodeId AddNode(const std::string& name = "n1", const std::string& region = "local") {
    const auto* cluster = test::ScratchPostgres::Get();
    NodeRow node;
    node.name = name;
    node.host = "127.0.0.1";
    node.port = static_cast<uint16_t>(cluster->port());
    node.region = region;
    node.admin_dsn = cluster->Dsn();
    const auto id = client_->AddNode(node, "test");
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : NodeId{};
  }

  // A shard row only; no database stands behind it.
  ShardId AddShard(NodeId node, const std::string& tier = "starter", int32_t capacity = 0) {
    ShardSpec spec;
    spec.node = node;
    spec.tier = tier;
    spec.capacity = capacity;
    const auto shard = client_->AddShard(spec, "test");
    EXPECT_TRUE(shard.ok()) << shard.status();
    return shard.ok() ? shard->id : ShardId{};
  }

  std::string dsn_;
  std::unique_ptr<CatalogClient> client_;
};

}  // namespace pgreeve::metastore
