#include "router/catalog/snapshot.h"

#include <random>

#include <gtest/gtest.h>

#include "router/base/status.h"
#include "router/catalog/seal.h"

namespace pgreeve::catalog {
namespace {

constexpr std::size_t kChecksumBytes = 8;

const std::string kKey = SealKeyFromText("a settings value");

Placement Sample(TenantType type) {
  Placement placement;
  placement.timeline = 3;
  placement.epoch = 118;
  placement.schema_epoch = 40;
  placement.tenant_type = type;
  placement.roles = {BackendRole{"pgreeve_app", "app secret"},
                     BackendRole{"pgreeve_operator", "operator secret"},
                     BackendRole{"pgreeve_ddl", "ddl secret"}};
  placement.tiers = {{"starter", false, 100, 0, 1000}, {"enterprise", true, 1, 1000, 0}};
  for (int32_t i = 1; i <= 3; i++) {
    ShardInfo shard;
    shard.id.value = i;
    shard.name = "s" + std::to_string(i);
    shard.node.value = 7;
    shard.host = "/run/socket";
    shard.port = 65535;
    shard.database = "app";
    shard.tier = "starter";
    shard.region = "eu";
    shard.state = static_cast<ShardState>(i);
    shard.shard_epoch = 99;
    shard.token_kid = 2;
    shard.token_key = std::string(32, static_cast<char>(i));
    placement.shards[shard.id] = shard;
  }
  placement.combiner.id.value = -1;
  placement.combiner.database = "combine";
  const char* ids[] = {"11111111-1111-1111-1111-111111111111", "-5", "a:b \xC5\x81"};
  const TenantId id = *TenantId::FromText(type, ids[static_cast<int>(type)]);
  placement.PutTenant({id, ShardId{2}, "starter", TenantAccess::kReadOnly, 17});
  LoginInfo bound;
  bound.name = "t";
  bound.scope = LoginScope::kTenant;
  bound.verifier = "SCRAM-SHA-256$1:a$b:c";
  bound.tenant = id;
  placement.logins["t"] = bound;
  LoginInfo app;
  app.name = "app";
  app.isolated = false;
  app.provision = true;
  app.provision_tier = "starter";
  app.connections_max = 5;
  placement.logins["app"] = app;
  auto tables = std::make_shared<TableSet>();
  tables->Add({"public",
               "events",
               TableKind::kSharded,
               "customer_id",
               {{"id", "uuid", true}, {"payload", "jsonb", false}}});
  tables->Add({"public", "countries", TableKind::kReference, "", {}});
  placement.tables = tables;
  return placement;
}

std::string Bytes(TenantType type = TenantType::kUuid) {
  return *SerialiseSnapshot(Sample(type), kKey, 1700000000);
}

TEST(Snapshot, ComesBackAsItWas) {
  for (const TenantType type : {TenantType::kUuid, TenantType::kBigint, TenantType::kText}) {
    const Placement sample = Sample(type);
    const auto parsed = ParseSnapshot(Bytes(type), kKey);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->written_at_unix, 1700000000);
    const Placement& read = *parsed->placement;
    EXPECT_EQ(read.timeline, 3u);
    EXPECT_EQ(read.epoch, 118u);
    EXPECT_EQ(read.schema_epoch, 40u);
    EXPECT_EQ(read.roles[1].user, "pgreeve_operator");
    EXPECT_EQ(read.roles[2].password, "ddl secret");
    ASSERT_EQ(read.tiers.size(), 2u);
    EXPECT_TRUE(read.tiers[1].dedicated);
    EXPECT_EQ(read.tiers[0].size_bytes_max, 1000);
    ASSERT_EQ(read.shards.size(), 3u);
    const ShardInfo* shard = read.FindShard(ShardId{2});
    EXPECT_EQ(shard->token_key, std::string(32, '\2'));
    EXPECT_EQ(shard->state, ShardState::kCreating);
    EXPECT_EQ(shard->port, 65535);
    EXPECT_EQ(read.combiner.id.value, -1);
    EXPECT_EQ(read.tenant_count(), 1u);
    sample.ForEachTenant([&](const TenantInfo& tenant) {
      const TenantInfo* found = read.FindTenant(tenant.id);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->access, TenantAccess::kReadOnly);
      EXPECT_EQ(found->epoch, 17u);
      EXPECT_EQ(read.FindLogin("t")->tenant, tenant.id);
    });
    EXPECT_TRUE(read.FindLogin("app")->provision);
    EXPECT_FALSE(read.FindLogin("app")->isolated);
    EXPECT_TRUE(read.FindLogin("app")->tenant.empty());
    const TableFact* events = read.tables->Find("public", "events");
    ASSERT_NE(events, nullptr);
    EXPECT_EQ(events->columns[1].type, "jsonb");
    EXPECT_EQ(read.tables->Find("public", "countries")->kind, TableKind::kReference);
  }
}

TEST(Snapshot, AnEmptyPlacementIsOne) {
  const auto bytes = SerialiseSnapshot(Placement(), kKey, 0);
  ASSERT_TRUE(bytes.ok());
  EXPECT_TRUE(ParseSnapshot(*bytes, kKey).ok());
}

TEST(Snapshot, SecretsAreNotReadable) {
  const std::string bytes = Bytes();
  EXPECT_EQ(bytes.find("secret"), bytes.npos);
  EXPECT_EQ(bytes.find(std::string(32, '\2')), bytes.npos);
  EXPECT_NE(bytes.find("SCRAM-SHA-256$"), bytes.npos);  // a verifier is no secret of that kind
  const auto other = ParseSnapshot(bytes, SealKeyFromText("another"));
  EXPECT_EQ(ToSqlError(other.status()).sqlstate, "28000");
  EXPECT_EQ(ToSqlError(ParseSnapshot(bytes, "short").status()).sqlstate, "22023");
}

TEST(Snapshot, EveryCutAndEveryChangedByteIsRefused) {
  const std::string bytes = Bytes();
  for (std::size_t i = 0; i < bytes.size(); i++) {
    EXPECT_FALSE(ParseSnapshot(bytes.substr(0, i), kKey).ok()) << i;
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    EXPECT_FALSE(ParseSnapshot(changed, kKey).ok()) << i;
  }
  EXPECT_FALSE(ParseSnapshot(bytes + "x", kKey).ok());
}

// Behind the checksum: the head is authenticated by the seal; the rest must only never crash.
TEST(Snapshot, HostileBodies) {
  const std::string bytes = Bytes(TenantType::kText);
  const std::string body = bytes.substr(0, bytes.size() - kChecksumBytes);
  for (std::size_t i = 0; i < body.size(); i++) {
    EXPECT_FALSE(ParseSnapshotBody(body.substr(0, i), kKey).ok()) << i;
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string changed = body;
      changed[i] = value;
      ParseSnapshotBody(changed, kKey).status().IgnoreError();
    }
  }
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 5000; round++) {
    std::string changed = body;
    for (int edits = 0; edits < 4; edits++)
      changed[random() % changed.size()] = static_cast<char>(random());
    ParseSnapshotBody(changed, kKey).status().IgnoreError();
  }
}

TEST(Seal, OpensOnlyWithKeyAndContext) {
  const std::string sealed = *Seal(kKey, "plain", "context");
  EXPECT_EQ(*Unseal(kKey, sealed, "context"), "plain");
  EXPECT_NE(sealed, *Seal(kKey, "plain", "context"));  // a new nonce each time
  EXPECT_FALSE(Unseal(kKey, sealed, "Context").ok());
  EXPECT_FALSE(Unseal(SealKeyFromText("x"), sealed, "context").ok());
  EXPECT_FALSE(Unseal(kKey, sealed.substr(1), "context").ok());
  EXPECT_FALSE(Unseal(kKey, "", "context").ok());
  EXPECT_EQ(*Unseal(kKey, *Seal(kKey, "", ""), ""), "");
}

}  // namespace
}  // namespace pgreeve::catalog
