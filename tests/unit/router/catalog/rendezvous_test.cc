#include "router/catalog/rendezvous.h"

#include <algorithm>
#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace pgreeve::catalog {
namespace {

TenantId Id(TenantType type, std::string_view text) {
  return *TenantId::FromText(type, text);
}

std::vector<Candidate> Shards(int32_t count, int32_t capacity = 1000000) {
  std::vector<Candidate> shards;
  for (int32_t i = 1; i <= count; i++)
    shards.push_back({ShardId{i}, 0, capacity});
  return shards;
}

// Frozen: these numbers decide where tenants of existing fleets were placed.
TEST(Rendezvous, GoldenVectors) {
  struct Golden {
    TenantType type;
    const char* id;
    uint64_t score_1;
    uint64_t score_2;
    int32_t of_10;
  };

  const Golden vectors[] = {
      {TenantType::kUuid,
       "00000000-0000-0000-0000-000000000000",
       0x416805fca4ca5e1b,
       0x892d6ae346d9f759,
       4},
      {TenantType::kUuid,
       "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
       0x999e49a4995d33aa,
       0x94ea9728084dc057,
       6},
      {TenantType::kUuid,
       "ffffffff-ffff-ffff-ffff-ffffffffffff",
       0xbd660b692698ae41,
       0x01d4a508f8f559af,
       10},
      {TenantType::kBigint, "0", 0x9e51ad6d2f3e695c, 0x13c3c355e8ded66a, 3},
      {TenantType::kBigint, "1", 0x85671091eda75eb5, 0x40ec3339838d6d11, 3},
      {TenantType::kBigint, "-1", 0x7b016d4ccc01c9bf, 0x69ac43b1fe168c79, 10},
      {TenantType::kBigint, "9223372036854775807", 0x081aedd03dcfab63, 0x826a9ba2806cee57, 4},
      {TenantType::kText, "a", 0xd2f6d0996f37a720, 0xaa71cee2aadfd727, 4},
      {TenantType::kText, "acme:1:9999999999", 0x29e7b209a22bca07, 0xb53d1f17eed4b888, 7},
      {TenantType::kText, "Łódź", 0x43fba04f96530449, 0x7c5c0af0d2e96297, 4},
  };
  for (const Golden& golden : vectors) {
    const TenantId id = Id(golden.type, golden.id);
    EXPECT_EQ(RendezvousScore(id, ShardId{1}), golden.score_1) << golden.id;
    EXPECT_EQ(RendezvousScore(id, ShardId{2}), golden.score_2) << golden.id;
    EXPECT_EQ(PickShard(id, Shards(10))->value, golden.of_10) << golden.id;
  }
}

TEST(Rendezvous, SpellingsOfOneIdAgree) {
  const auto shards = Shards(50);
  EXPECT_EQ(PickShard(Id(TenantType::kUuid, "{6BA7B811-9DAD-11D1-80B4-00C04FD430C8}"), shards),
            PickShard(Id(TenantType::kUuid, "6ba7b8119dad11d180b400c04fd430c8"), shards));
  EXPECT_EQ(PickShard(Id(TenantType::kBigint, " +7 "), shards),
            PickShard(TenantId::FromBigint(7), shards));
}

TEST(Rendezvous, FullShardsAreSkippedAndMoveNobodyElse) {
  auto shards = Shards(10);
  std::map<int64_t, ShardId> before;
  for (int64_t i = 0; i < 1000; i++)
    before[i] = *PickShard(TenantId::FromBigint(i), shards);
  shards[3].tenants = shards[3].capacity;
  for (int64_t i = 0; i < 1000; i++) {
    const ShardId now = *PickShard(TenantId::FromBigint(i), shards);
    EXPECT_NE(now.value, 4);
    if (before[i].value != 4) {
      EXPECT_EQ(now, before[i]);
    }
  }
}

TEST(Rendezvous, SpreadsEvenly) {
  const auto shards = Shards(8);
  std::map<int32_t, int> count;
  for (int64_t i = 0; i < 16000; i++)
    count[PickShard(TenantId::FromBigint(i), shards)->value]++;
  for (const auto& [shard, tenants] : count)
    EXPECT_NEAR(tenants, 2000, 250) << shard;
}

TEST(Rendezvous, NoRoomAnywhere) {
  EXPECT_EQ(PickShard(TenantId::FromBigint(1), {}), std::nullopt);
  EXPECT_EQ(PickShard(TenantId::FromBigint(1), Shards(3, 0)), std::nullopt);
}

TEST(Rendezvous, OrderOfCandidatesDoesNotMatterAndTiesGoToTheLowerNumber) {
  auto shards = Shards(10);
  const auto forward = PickShard(TenantId::FromBigint(99), shards);
  std::reverse(shards.begin(), shards.end());
  EXPECT_EQ(PickShard(TenantId::FromBigint(99), shards), forward);
  // A shard named twice ties with itself.
  const Candidate twice[] = {{ShardId{2}, 0, 1}, {ShardId{2}, 0, 1}};
  EXPECT_EQ(PickShard(TenantId::FromBigint(99), twice)->value, 2);
}

}  // namespace
}  // namespace pgreeve::catalog
