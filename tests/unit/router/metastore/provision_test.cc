#include "router/metastore/provision.h"

#include <absl/time/clock.h>

#include "router/catalog/tenant_token.h"
#include "tests/unit/router/metastore/fixture.h"

namespace pgreeve::metastore {
namespace {

// Database names are the cluster's, so each test takes its own.
std::string UniqueDatabase(const std::string& name) {
  return name + "_" + std::to_string(absl::ToUnixMicros(absl::Now()));
}

class ProvisionTest : public CatalogTest {
 protected:
  catalog::ShardInfo Provision(NodeId node, const std::string& tier = "starter") {
    ShardSpec spec;
    spec.node = node;
    spec.tier = tier;
    spec.database = UniqueDatabase("shard");
    const auto shard = ProvisionShard(*client_, spec, "test");
    EXPECT_TRUE(shard.ok()) << shard.status();
    return shard.ok() ? *shard : catalog::ShardInfo{};
  }

  static std::string ShardDsn(const catalog::ShardInfo& shard) {
    return *WithDatabase(test::ScratchPostgres::Get()->Dsn(), shard.database);
  }
};

TEST_F(ProvisionTest, ANewShardHasWhatTheOthersHave) {
  const NodeId node = AddNode();
  const catalog::ShardInfo first = Provision(node);
  auto client = *ShardClient::Open(ShardDsn(first));
  const std::string ddl =
      "CREATE TABLE events (customer_id text NOT NULL, n bigint, PRIMARY KEY (customer_id, n));"
      "CREATE TABLE countries (code text PRIMARY KEY)";
  ASSERT_TRUE(client->ApplyDdl(ddl).ok());
  ASSERT_TRUE(client_->AppendSchemaDdl(ddl, "test").ok());
  ASSERT_TRUE(
      client_->AppendSchemaDdl("CREATE INDEX CONCURRENTLY late ON events (n)", "test").ok());
  ASSERT_TRUE(client->connection().ExecScript("INSERT INTO countries VALUES ('pl'), ('fr')").ok());
  ASSERT_TRUE(
      client_->DeclareTable({"public", "events", TableKind::kSharded, "customer_id", {}}, "t")
          .ok());
  ASSERT_TRUE(
      client_->DeclareTable({"public", "countries", TableKind::kReference, "", {}}, "t").ok());

  const catalog::ShardInfo second = Provision(node);
  EXPECT_EQ(second.state, catalog::ShardState::kOpen);
  auto made = *ShardClient::Open(ShardDsn(second));
  EXPECT_EQ(made->connection().Exec("SELECT count(*) FROM countries")->Int(0, 0), 2);
  EXPECT_TRUE(made->connection().Exec("SELECT to_regclass('public.late') IS NOT NULL")->Bool(0, 0));
  EXPECT_TRUE(made->connection().Exec("SELECT pgreeve.is_protected('events')")->Bool(0, 0));
  EXPECT_TRUE(made->Check()->empty());
  // Again, as after a crash: nothing is replayed twice.
  const absl::Status again = CreateShard(*client_, second.id, "test");
  EXPECT_TRUE(again.ok()) << again;
  EXPECT_EQ(made->connection().Exec("SELECT count(*) FROM countries")->Int(0, 0), 2);
}

// The token that a router mints is the token that the shard accepts.
TEST_F(ProvisionTest, TheShardAcceptsTheRoutersToken) {
  const catalog::ShardInfo shard = Provision(AddNode());
  auto owner = *ShardClient::Open(ShardDsn(shard));
  ASSERT_TRUE(owner->ApplyDdl("CREATE TABLE notes (owner text NOT NULL, note text)").ok());
  const absl::Status protect =
      owner->ProtectTable({"public", "notes", TableKind::kSharded, "owner", {}});
  ASSERT_TRUE(protect.ok()) << protect;
  const auto placement = *client_->LoadPlacement();
  const auto& app_role = placement->roles[0];
  const std::string dsn = "postgresql://" + app_role.user + ":" + app_role.password +
                          "@127.0.0.1:" + std::to_string(shard.port) + "/" + shard.database;
  auto app = *pqlink::Connection::Open(dsn);
  ASSERT_TRUE(app->Exec("SELECT pgreeve.attach('r1', 1, 5)").ok());
  const auto bind = [&](const std::string& id, const std::string& key) {
    catalog::TokenFields fields;
    fields.kid = shard.token_kid;
    fields.epoch = 5;
    fields.expiry_unix = absl::ToUnixSeconds(absl::Now()) + 300;
    fields.pid = static_cast<uint32_t>(app->backend_pid());
    const std::string token = catalog::MintToken(key, Id(id), fields);
    return app->ExecScript("SET pgreeve.token = '" + token + "'");
  };
  for (const std::string id : {"a", "a:1:9", "o'neill \\ é"}) {
    ASSERT_TRUE(bind(id, shard.token_key).ok());
    ASSERT_TRUE(app->ExecScript("INSERT INTO notes (note) VALUES ('mine')").ok());
    EXPECT_EQ(app->Exec("SELECT string_agg(owner, ',') FROM notes")->Text(0, 0), id);
  }
  ASSERT_TRUE(bind("a", std::string(32, 'x')).ok());
  EXPECT_EQ(StateOf(app->Exec("SELECT * FROM notes").status()), "PR002");
  // The unbind of the pool works for this role, and leaves nothing bound.
  ASSERT_TRUE(app->ExecScript("CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *;"
                              "SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP")
                  .ok());
  EXPECT_EQ(StateOf(app->Exec("SELECT * FROM notes").status()), "PR001");
}

TEST_F(ProvisionTest, ARequestBecomesAShardOnTheEmptiestNodeOfItsRegion) {
  ASSERT_TRUE(client_->AddRegion("eu", "t").ok());
  AddNode("far", "eu");
  const NodeId busy = AddNode("busy");
  AddShard(busy, "business");
  const NodeId idle = AddNode("idle");
  ASSERT_FALSE(client_->CreateTenant({Id("a"), "starter", "local"}, "t").ok());
  const int64_t token = **client_->TryLead("b1", "a", absl::Hours(1));
  const auto served = ServeShardRequest(*client_, token, "rebalancer:b1");
  ASSERT_TRUE(served.ok()) << served.status();
  EXPECT_TRUE(*served);
  EXPECT_FALSE(*ServeShardRequest(*client_, token, "rebalancer:b1"));
  const auto placed = client_->CreateTenant({Id("a"), "starter", "local"}, "t");
  ASSERT_TRUE(placed.ok()) << placed.status();
  const auto placement = *client_->LoadPlacement();
  EXPECT_EQ(placement->FindShard(placed->shard)->node, idle);
  EXPECT_EQ((*client_->ListShardRequests())[0].state, "done");
}

TEST_F(ProvisionTest, ARequestWithoutANodeFailsAloud) {
  ASSERT_TRUE(client_->RequestShard("starter", "local", "t").ok());
  const int64_t token = **client_->TryLead("b1", "a", absl::Hours(1));
  EXPECT_EQ(StateOf(ServeShardRequest(*client_, token, "t").status()), "53400");
  EXPECT_EQ((*client_->ListShardRequests())[0].state, "failed");
}

TEST_F(ProvisionTest, ADatabaseBelongsToOneShard) {
  const NodeId node = AddNode();
  const catalog::ShardInfo shard = Provision(node);
  auto client = *ShardClient::Open(ShardDsn(shard));
  ShardInstall other;
  other.shard.value = shard.id.value + 1;
  other.tenant_type = TenantType::kText;
  EXPECT_EQ(StateOf(client->InstallShardSchema(other)), "55000");
}

TEST_F(ProvisionTest, TheCombinerCanBeAttachedTo) {
  const absl::Status made =
      ProvisionCombiner(*client_, AddNode(), UniqueDatabase("combiner"), "test");
  ASSERT_TRUE(made.ok()) << made;
  const auto placement = *client_->LoadPlacement();
  ASSERT_EQ(placement->combiner.id, kCombinerShard);
  const auto& role = placement->roles[1];
  auto operator_link =
      *pqlink::Connection::Open("postgresql://" + role.user + ":" + role.password +
                                "@127.0.0.1:" + std::to_string(placement->combiner.port) + "/" +
                                placement->combiner.database);
  EXPECT_TRUE(operator_link->Exec("SELECT pgreeve.attach('r1', 1, 5)").ok());
  EXPECT_TRUE(operator_link->ExecScript("CREATE TEMP TABLE part (i int)").ok());
}

}  // namespace
}  // namespace pgreeve::metastore
