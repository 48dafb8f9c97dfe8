#include "router/metastore/catalog_client.h"

#include <atomic>
#include <thread>

#include "router/catalog/rendezvous.h"
#include "router/metastore/embedded_sql.h"
#include "tests/unit/router/metastore/fixture.h"

namespace pgreeve::metastore {
namespace {

using catalog::LoginInfo;
using catalog::LoginScope;
using catalog::ShardState;

TEST_F(CatalogTest, InitOnceUpgradeAgain) {
  EXPECT_EQ(StateOf(client_->Init(TenantType::kUuid, "test")), "42P06");
  EXPECT_EQ(*client_->GetTenantType(), TenantType::kText);
  const auto last = Migrations().back().version;
  EXPECT_EQ(*client_->Version(), last);
  EXPECT_EQ(*client_->Upgrade(), last);
  const auto placement = client_->LoadPlacement();
  ASSERT_TRUE(placement.ok()) << placement.status();
  EXPECT_EQ((*placement)->timeline, 1u);
  EXPECT_EQ((*placement)->tiers.size(), 3u);
  EXPECT_EQ((*placement)->roles[0].user, "pgreeve_app");
  EXPECT_EQ((*placement)->roles[1].password.size(), 48u);
  EXPECT_EQ((*placement)->combiner.id.value, 0);
}

TEST_F(CatalogTest, MigrationsAreNumberedWithoutGaps) {
  int32_t number = 0;
  for (const Migration& migration : Migrations())
    EXPECT_EQ(migration.version, ++number) << migration.name;
  EXPECT_GE(number, 2);
}

// Each earlier version, with a tenant in it, reaches the newest one.
TEST_F(CatalogTest, UpgradesFromEveryEarlierVersion) {
  for (std::size_t from = 1; from < Migrations().size(); from++) {
    const std::string dsn = test::ScratchPostgres::Get()->NewDatabase();
    auto connection = *pqlink::Connection::Open(dsn);
    ASSERT_TRUE(connection
                    ->ExecScript("CREATE SCHEMA pgreeve; CREATE TABLE pgreeve.migrations"
                                 " (version int PRIMARY KEY, name text NOT NULL,"
                                 " applied_at timestamptz NOT NULL DEFAULT now())")
                    .ok());
    for (const Migration& migration : Migrations().first(from)) {
      ASSERT_TRUE(connection->ExecScript(migration.sql).ok());
      ASSERT_TRUE(connection
                      ->Exec("INSERT INTO pgreeve.migrations VALUES ($1, $2)",
                             {migration.version, migration.name})
                      .ok());
    }
    ASSERT_TRUE(
        connection
            ->ExecScript("INSERT INTO pgreeve.meta (tenant_type) VALUES ('text');"
                         "INSERT INTO pgreeve.regions VALUES ('local');"
                         "INSERT INTO pgreeve.tiers VALUES ('starter', false, 100, 0, 0);"
                         "INSERT INTO pgreeve.nodes (name, host, port, region, admin_dsn)"
                         " VALUES ('n', 'h', 1, 'local', '');"
                         "INSERT INTO pgreeve.shards (name, node, database, tier, region, state,"
                         " tenants, capacity, shard_epoch, token_key) VALUES ('s', 1, 'd',"
                         " 'starter', 'local', 'open', 1, 100, 1, sha256('k'));"
                         "INSERT INTO pgreeve.tenants (id, tier, shard, region, epoch)"
                         " VALUES ('old', 'starter', 1, 'local', 1)")
            .ok());
    CatalogClient client(std::move(connection));
    EXPECT_EQ(*client.Version(), static_cast<int32_t>(from));
    const auto reached = client.Upgrade();
    ASSERT_TRUE(reached.ok()) << reached.status();
    EXPECT_EQ(*reached, Migrations().back().version);
    const auto placed = client.CreateTenant({Id("new"), "", ""}, "test");
    ASSERT_TRUE(placed.ok()) << placed.status();
    const auto placement = client.LoadPlacement();
    ASSERT_TRUE(placement.ok()) << placement.status();
    EXPECT_EQ((*placement)->tenant_count(), 2u);
  }
}

TEST_F(CatalogTest, UpgradeNeedsACatalog) {
  auto client = *CatalogClient::Open(test::ScratchPostgres::Get()->NewDatabase());
  EXPECT_EQ(StateOf(client->Upgrade().status()), "42P01");
  EXPECT_EQ(StateOf(client->LoadPlacement().status()), "42P01");
}

TEST_F(CatalogTest, PlacesTenantsByRendezvousAmongShardsWithRoom) {
  const NodeId node = AddNode();
  std::vector<catalog::Candidate> all;
  for (int i = 0; i < 4; i++)
    all.push_back({AddShard(node), 0, 100});
  for (int i = 0; i < 20; i++) {
    const TenantId id = Id("t" + std::to_string(i));
    const auto placed = client_->CreateTenant({id, "starter", "local"}, "test");
    ASSERT_TRUE(placed.ok()) << placed.status();
    EXPECT_EQ(placed->shard, *catalog::PickShard(id, all));
    EXPECT_EQ(placed->epoch, client_->last_epoch());
  }
  int32_t counted = 0;
  const auto shards = *client_->ListShards();
  for (const ShardRow& shard : shards)
    counted += shard.tenants;
  EXPECT_EQ(counted, 20);
  EXPECT_EQ(StateOf(client_->CreateTenant({Id("t3"), "", ""}, "test").status()), "42710");
  const auto ensured = client_->EnsureTenant({Id("t3"), "enterprise", ""}, "test");
  ASSERT_TRUE(ensured.ok()) << ensured.status();
  EXPECT_EQ(ensured->tier, "starter");
}

TEST_F(CatalogTest, RefusesWhatDoesNotExist) {
  AddShard(AddNode());
  EXPECT_EQ(StateOf(client_->CreateTenant({Id("a"), "gold", ""}, "t").status()), "22023");
  EXPECT_EQ(StateOf(client_->CreateTenant({Id("a"), "", "mars"}, "t").status()), "22023");
  EXPECT_EQ(StateOf(client_->CreateTenant({TenantId::FromBigint(1), "", ""}, "t").status()),
            "22023");
  EXPECT_EQ(StateOf(client_->CreateTenant({TenantId(), "", ""}, "t").status()), "22023");
  ASSERT_TRUE(client_->AddRegion("eu", "t").ok());
  EXPECT_EQ(StateOf(client_->CreateTenant({Id("a"), "", ""}, "t").status()), "22023");
  ASSERT_TRUE(client_->SetSetting("placement.default_region", "local", "t").ok());
  EXPECT_EQ(StateOf(client_->CreateTenant({Id("a"), "", ""}, "t").status()), "00000");
}

TEST_F(CatalogTest, CapacityIsHeldAndAsksForAShard) {
  const NodeId node = AddNode();
  AddShard(node, "enterprise");
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "enterprise", ""}, "t").ok());
  const auto full = client_->CreateTenant({Id("b"), "enterprise", ""}, "t");
  EXPECT_EQ(StateOf(full.status()), "57P03");
  EXPECT_TRUE(CatalogClient::IsShardPending(full.status()));
  // An existing tenant is found although there is no room.
  EXPECT_TRUE(client_->EnsureTenant({Id("a"), "enterprise", ""}, "t").ok());
  EXPECT_FALSE(client_->CreateTenant({Id("c"), "enterprise", ""}, "t").ok());
  const auto requests = *client_->ListShardRequests();
  ASSERT_EQ(requests.size(), 1u);  // one open request per tier and region
  EXPECT_EQ(requests[0].tier, "enterprise");
  EXPECT_EQ(requests[0].state, "waiting");
  EXPECT_EQ(client_->ListTenants()->size(), 1u);  // nothing else was placed
  // All or none: the third of a batch does not fit.
  AddShard(node, "business", 2);
  const TenantSpec batch[] = {
      {Id("x"), "business", ""}, {Id("y"), "business", ""}, {Id("z"), "business", ""}};
  EXPECT_TRUE(CatalogClient::IsShardPending(client_->CreateTenants(batch, "t").status()));
  EXPECT_TRUE(client_->CreateTenants(std::span(batch).first(2), "t").ok());
}

TEST_F(CatalogTest, TwoClientsNeverOverfillAShard) {
  const NodeId node = AddNode();
  AddShard(node, "starter", 30);
  AddShard(node, "starter", 10);
  std::vector<std::thread> threads;
  std::atomic<int> placed = 0;
  for (int t = 0; t < 3; t++) {
    threads.emplace_back([&, t] {
      auto client = Open();
      for (int i = 0; i < 20; i++) {
        const TenantId id = Id(std::to_string(t) + "/" + std::to_string(i));
        placed += client->CreateTenant({id, "starter", ""}, "t").ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(placed, 40);
  const auto shards = *client_->ListShards();
  for (const ShardRow& shard : shards)
    EXPECT_EQ(shard.tenants, shard.capacity);
  EXPECT_EQ(*client_->VerifyAudit(), std::nullopt);
}

TEST_F(CatalogTest, ChangesAreADeltaOfThePrevious) {
  const NodeId node = AddNode();
  const ShardId shard = AddShard(node);
  auto first = *client_->LoadPlacement();
  EXPECT_EQ(*client_->LoadChanges(first), nullptr);
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "", ""}, "t").ok());
  LoginInfo login;
  login.name = "a_login";
  login.scope = LoginScope::kTenant;
  login.tenant = Id("a");
  login.verifier = kVerifier;
  ASSERT_TRUE(client_->CreateLogin(login, "t").ok());
  auto second = *client_->LoadChanges(first);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->epoch, client_->last_epoch());
  EXPECT_EQ(first->tenant_count(), 0u);
  ASSERT_NE(second->FindTenant(Id("a")), nullptr);
  EXPECT_EQ(second->FindTenant(Id("a"))->shard, shard);
  EXPECT_EQ(second->FindLogin("a_login")->tenant, Id("a"));
  EXPECT_EQ(second->schema_epoch, first->schema_epoch);

  ASSERT_TRUE(client_->DropLogin("a_login", "t").ok());
  ASSERT_TRUE(client_->SetTenantAccess(Id("a"), catalog::TenantAccess::kSuspended, "t").ok());
  ASSERT_TRUE(client_->SetShardState(shard, ShardState::kDraining, "t").ok());
  ASSERT_TRUE(client_
                  ->DeclareTable({"public",
                                  "events",
                                  TableKind::kSharded,
                                  "customer_id",
                                  {{"id", "uuid", true}, {"x y", "numeric(10,2)", false}}},
                                 "t")
                  .ok());
  ASSERT_TRUE(client_->SetCombiner(node, "combine", "t").ok());
  auto third = *client_->LoadChanges(second);
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(third->FindLogin("a_login"), nullptr);
  EXPECT_EQ(third->FindTenant(Id("a"))->access, catalog::TenantAccess::kSuspended);
  EXPECT_EQ(third->FindShard(shard)->state, ShardState::kDraining);
  EXPECT_EQ(third->FindShard(shard)->token_key.size(), 32u);
  EXPECT_GT(third->schema_epoch, second->schema_epoch);
  const TableFact* events = third->tables->Find("public", "events");
  ASSERT_NE(events, nullptr);
  ASSERT_EQ(events->columns.size(), 2u);
  EXPECT_EQ(events->columns[1].type, "numeric(10,2)");
  EXPECT_TRUE(events->columns[0].not_null);
  EXPECT_EQ(third->combiner.id, kCombinerShard);
  EXPECT_EQ(third->combiner.database, "combine");

  // What a full load says is what the deltas add up to.
  auto whole = *client_->LoadPlacement();
  EXPECT_EQ(whole->epoch, third->epoch);
  EXPECT_EQ(whole->tenant_count(), third->tenant_count());
  EXPECT_EQ(whole->logins.size(), third->logins.size());
}

TEST_F(CatalogTest, AnotherTimelineOrATrimmedLogLoadsEverything) {
  AddShard(AddNode());
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "", ""}, "t").ok());
  auto stale = std::make_shared<catalog::Placement>(**client_->LoadPlacement());
  stale->RemoveTenant(Id("a"));
  stale->timeline = 0;
  EXPECT_EQ((*client_->LoadChanges(stale))->tenant_count(), 1u);
  stale->timeline = 1;
  stale->epoch -= 1;
  ASSERT_TRUE(client_->connection()
                  .ExecScript("UPDATE pgreeve.meta SET change_log_from = epoch;"
                              "DELETE FROM pgreeve.change_log")
                  .ok());
  EXPECT_EQ((*client_->LoadChanges(stale))->tenant_count(), 1u);
}

TEST_F(CatalogTest, LoginsKeepToTheirScope) {
  LoginInfo login;
  login.name = "l";
  login.verifier = kVerifier;
  EXPECT_EQ(StateOf(client_->AlterLogin(login, "t")), "42704");
  ASSERT_TRUE(client_->CreateLogin(login, "t").ok());
  EXPECT_EQ(StateOf(client_->CreateLogin(login, "t")), "42710");
  login.superadmin = true;
  EXPECT_EQ(StateOf(client_->AlterLogin(login, "t")), "22023");
  login.scope = LoginScope::kOperator;
  EXPECT_EQ(StateOf(client_->AlterLogin(login, "t")), "00000");
  login.scope = LoginScope::kTenant;
  login.superadmin = false;
  EXPECT_EQ(StateOf(client_->AlterLogin(login, "t")), "22023");
  login.tenant = Id("nobody");
  EXPECT_EQ(StateOf(client_->AlterLogin(login, "t")), "22023");
  login = (*client_->ListLogins())[0];
  login.verifier = "clear text";
  EXPECT_EQ(StateOf(client_->AlterLogin(login, "t")), "22023");
  EXPECT_TRUE(client_->DropLogin("l", "t").ok());
  EXPECT_EQ(StateOf(client_->DropLogin("l", "t")), "42704");
}

TEST_F(CatalogTest, TopologyGuardsWhatIsUsed) {
  const NodeId node = AddNode();
  const ShardId shard = AddShard(node);
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "", ""}, "t").ok());
  EXPECT_EQ(StateOf(client_->DropNode(node, "t")), "2BP01");
  EXPECT_EQ(StateOf(client_->DropShard(shard, "t")), "2BP01");
  EXPECT_EQ(StateOf(client_->DropTier("starter", "t")), "2BP01");
  EXPECT_EQ(StateOf(client_->SetShardCapacity(shard, 0, "t")), "23514");
  EXPECT_EQ(StateOf(client_->SetShardState(ShardId{99}, ShardState::kOpen, "t")), "42704");
  EXPECT_EQ(StateOf(client_->DropTier("nope", "t")), "42704");
  EXPECT_TRUE(client_->PutTier({"gold", false, 7, 0, 0}, "t").ok());
  EXPECT_EQ(client_->ListTiers()->size(), 4u);
  NodeRow again;
  again.name = "n1";
  again.host = "h";
  again.region = "local";
  EXPECT_EQ(StateOf(client_->AddNode(again, "t").status()), "42710");
  EXPECT_EQ((*client_->ListNodes())[0].shards, 1);
}

TEST_F(CatalogTest, ARetiredShardGetsNoTenant) {
  const NodeId node = AddNode();
  for (const ShardState state :
       {ShardState::kDraining, ShardState::kCreating, ShardState::kRetired})
    ASSERT_TRUE(client_->SetShardState(AddShard(node), state, "t").ok());
  EXPECT_TRUE(
      CatalogClient::IsShardPending(client_->CreateTenant({Id("a"), "", ""}, "t").status()));
}

TEST_F(CatalogTest, LeasesOfRouters) {
  RouterRow router;
  router.name = "r1";
  router.incarnation = 10;
  router.address = "127.0.0.1:6432";
  EXPECT_FALSE(*client_->RenewLease(router, absl::Seconds(10)));
  ASSERT_TRUE(client_->RegisterRouter(router, absl::Seconds(10)).ok());
  router.acked = {1, 5};
  EXPECT_TRUE(*client_->RenewLease(router, absl::Seconds(10)));
  auto rows = *client_->ListRouters();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].live);
  EXPECT_EQ(rows[0].acked, (Epoch{1, 5}));
  RouterRow restarted = router;
  restarted.incarnation = 11;
  ASSERT_TRUE(client_->RegisterRouter(restarted, absl::ZeroDuration()).ok());
  EXPECT_FALSE(*client_->RenewLease(router, absl::Seconds(10)));
  EXPECT_EQ(StateOf(client_->RegisterRouter(router, absl::Seconds(10))), "55000");
  EXPECT_FALSE((*client_->ListRouters())[0].live);
  ASSERT_TRUE(client_->UnregisterRouter("r1", 10).ok());
  EXPECT_EQ(client_->ListRouters()->size(), 1u);
  ASSERT_TRUE(client_->UnregisterRouter("r1", 11).ok());
  EXPECT_EQ(client_->ListRouters()->size(), 0u);
}

TEST_F(CatalogTest, OneRebalancerLeads) {
  const auto first = *client_->TryLead("b1", "a:1", absl::Hours(1));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(*client_->TryLead("b2", "a:2", absl::Hours(1)), std::nullopt);
  EXPECT_EQ(*client_->TryLead("b1", "a:1", absl::Hours(1)), first);
  EXPECT_TRUE(*client_->RenewLead(*first, absl::Hours(1)));
  ASSERT_TRUE(client_->ResignLead(*first).ok());
  EXPECT_FALSE(*client_->RenewLead(*first, absl::Hours(1)));
  const auto second = *client_->TryLead("b2", "a:2", absl::Hours(1));
  ASSERT_TRUE(second.has_value());
  EXPECT_GT(*second, *first);
  EXPECT_FALSE(*client_->RenewLead(*first, absl::Hours(1)));
  EXPECT_EQ((*client_->Leader())->holder, "b2");
  // Requests heed the token, and a new leader takes over what an old one had begun.
  ASSERT_TRUE(client_->RequestShard("starter", "local", "t").ok());
  EXPECT_EQ(StateOf(client_->TakeShardRequest(*first).status()), "55000");
  const auto taken = *client_->TakeShardRequest(*second);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(*client_->TakeShardRequest(*second), std::nullopt);
  ASSERT_TRUE(client_->ResignLead(*second).ok());
  const auto third = **client_->TryLead("b1", "a:1", absl::Hours(1));
  EXPECT_EQ((*client_->TakeShardRequest(third))->id, taken->id);
  EXPECT_EQ(StateOf(client_->FinishShardRequest(*second, taken->id, ShardId{}, "x")), "55000");
  EXPECT_TRUE(client_->FinishShardRequest(third, taken->id, ShardId{}, "no room").ok());
  EXPECT_EQ((*client_->ListShardRequests())[0].error, "no room");
}

TEST_F(CatalogTest, SparesAreRequestedForTheNamedTiers) {
  AddShard(AddNode(), "starter");
  ASSERT_TRUE(client_->RequestSpares("t").ok());
  EXPECT_TRUE(client_->ListShardRequests()->empty());
  ASSERT_TRUE(client_->SetSetting("placement.spare_tiers", "starter, enterprise", "t").ok());
  ASSERT_TRUE(client_->RequestSpares("t").ok());
  ASSERT_TRUE(client_->RequestSpares("t").ok());
  const auto requests = *client_->ListShardRequests();
  ASSERT_EQ(requests.size(), 1u);  // starter has room
  EXPECT_EQ(requests[0].tier, "enterprise");
}

TEST_F(CatalogTest, ADecisionStands) {
  EXPECT_TRUE(*client_->RecordDecision("pgreeve:r1:1:1", true));
  EXPECT_TRUE(*client_->RecordDecision("pgreeve:r1:1:1", false));
  EXPECT_FALSE(*client_->RecordDecision("pgreeve:r1:1:2", false));
  EXPECT_FALSE(*client_->RecordDecision("pgreeve:r1:1:2", true));
  EXPECT_EQ(client_->ListDecisions()->size(), 2u);
  const std::string gids[] = {"pgreeve:r1:1:1"};
  ASSERT_TRUE(client_->ForgetDecisions(gids).ok());
  EXPECT_EQ(client_->ListDecisions()->size(), 1u);
}

TEST_F(CatalogTest, AShardOpensOnlyAtTheEndOfTheJournal) {
  const ShardId shard = AddShard(AddNode());
  ASSERT_TRUE(client_->SetShardState(shard, ShardState::kCreating, "t").ok());
  const auto one = *client_->AppendSchemaDdl("CREATE TABLE a (i int)", "t");
  const auto two = *client_->BeginSchemaDdl("CREATE TABLE b (i int)", "t");
  EXPECT_FALSE(*client_->OpenCreatedShard(shard, one, "t"));
  ASSERT_TRUE(client_->FinishSchemaDdl(two, true).ok());
  EXPECT_EQ(StateOf(client_->FinishSchemaDdl(two, false)), "55000");
  EXPECT_FALSE(*client_->OpenCreatedShard(shard, one, "t"));
  EXPECT_TRUE(*client_->OpenCreatedShard(shard, two, "t"));
  const auto failed = *client_->BeginSchemaDdl("CREATE TABLE c (i int)", "t");
  ASSERT_TRUE(client_->FinishSchemaDdl(failed, false).ok());
  EXPECT_EQ(client_->ListSchemaDdl()->size(), 2u);
}

TEST_F(CatalogTest, SizesAndLoadAddUp) {
  AddShard(AddNode());
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "", ""}, "t").ok());
  const TenantSize sizes[] = {{Id("a"), 100, 3}, {Id("gone"), 5, 1}};
  ASSERT_TRUE(client_->WriteTenantSizes(sizes).ok());
  EXPECT_EQ((*client_->ListTenants())[0].size_bytes, 100);
  const TenantLoad load[] = {{Id("a"), 1, 10, 100, 1000}, {Id("a"), 1, 10, 100, 1000}};
  ASSERT_TRUE(client_->AddTenantLoad("r1", load).ok());
  ASSERT_TRUE(client_->AddTenantLoad("r2", load).ok());
  const auto row =
      client_->connection().Exec("SELECT sum(queries), sum(bytes) FROM pgreeve.tenant_load");
  EXPECT_EQ(row->Int(0, 0), 4);
  EXPECT_EQ(row->Int(0, 1), 4000);
}

TEST_F(CatalogTest, EveryVerbIsAuditedAndTheChainShowsTampering) {
  const std::size_t before = client_->ListAudit(1000)->size();
  AddShard(AddNode());
  ASSERT_TRUE(client_->CreateTenant({Id("it's \"a\" \\ \n"), "", ""}, "o'actor").ok());
  ASSERT_TRUE(client_->AppendAudit("x", "scatter", "select", "{\"n\": 1}").ok());
  const auto rows = *client_->ListAudit(1000);
  ASSERT_EQ(rows.size(), before + 4);
  EXPECT_EQ(rows[1].verb, "create tenant");
  EXPECT_EQ(rows[1].actor, "o'actor");
  EXPECT_EQ(*client_->VerifyAudit(), std::nullopt);
  auto& connection = client_->connection();
  ASSERT_TRUE(connection.ExecScript("UPDATE pgreeve.audit SET actor = 'else' WHERE id = 2").ok());
  EXPECT_EQ(*client_->VerifyAudit(), 2);
  ASSERT_TRUE(connection.ExecScript("DELETE FROM pgreeve.audit WHERE id > 1").ok());
  EXPECT_EQ(*client_->VerifyAudit(), rows[0].id);
}

// A verb that fails leaves no epoch, no audit row, and a connection that can be used again.
TEST_F(CatalogTest, AFailedVerbChangesNothing) {
  const Epoch before = *client_->CurrentEpoch();
  const std::size_t audited = client_->ListAudit(1000)->size();
  EXPECT_FALSE(client_->DropLogin("nobody", "t").ok());
  EXPECT_EQ(*client_->CurrentEpoch(), before);
  EXPECT_EQ(client_->ListAudit(1000)->size(), audited);
  EXPECT_FALSE(client_->connection().in_transaction());
}

}  // namespace
}  // namespace pgreeve::metastore
