#include "router/catalog/placement.h"

#include <gtest/gtest.h>

namespace pgreeve::catalog {
namespace {

TenantInfo Tenant(int64_t id, int32_t shard) {
  return {TenantId::FromBigint(id), ShardId{shard}, "starter", TenantAccess::kOpen, 1};
}

TEST(Placement, FindsWhatWasPut) {
  Placement placement;
  EXPECT_EQ(placement.FindTenant(TenantId::FromBigint(1)), nullptr);
  placement.PutTenant(Tenant(1, 3));
  placement.PutTenant(Tenant(1, 4));
  ASSERT_NE(placement.FindTenant(TenantId::FromBigint(1)), nullptr);
  EXPECT_EQ(placement.FindTenant(TenantId::FromBigint(1))->shard.value, 4);
  EXPECT_EQ(placement.tenant_count(), 1u);
  placement.RemoveTenant(TenantId::FromBigint(1));
  placement.RemoveTenant(TenantId::FromBigint(2));
  EXPECT_EQ(placement.tenant_count(), 0u);
}

TEST(Placement, ACopyAndItsOriginalDoNotShareChanges) {
  Placement first;
  for (int64_t i = 0; i < 2000; i++)
    first.PutTenant(Tenant(i, 1));
  Placement second = first;
  for (int64_t i = 0; i < 2000; i += 2)
    second.PutTenant(Tenant(i, 2));
  second.RemoveTenant(TenantId::FromBigint(1));
  first.PutTenant(Tenant(3, 9));
  std::size_t seen = 0;
  first.ForEachTenant([&](const TenantInfo& tenant) {
    seen++;
    EXPECT_NE(tenant.shard.value, 2);
  });
  EXPECT_EQ(seen, 2000u);
  EXPECT_EQ(second.tenant_count(), 1999u);
  EXPECT_EQ(second.FindTenant(TenantId::FromBigint(3))->shard.value, 1);
  EXPECT_EQ(second.FindTenant(TenantId::FromBigint(4))->shard.value, 2);
}

TEST(Placement, ServingShardsAreOpenOrDraining) {
  Placement placement;
  int32_t id = 9;
  for (const ShardState state : {ShardState::kOpen,
                                 ShardState::kDraining,
                                 ShardState::kCreating,
                                 ShardState::kRetired,
                                 ShardState::kOpen}) {
    ShardInfo shard;
    shard.id.value = id--;
    shard.state = state;
    placement.shards[shard.id] = shard;
  }
  const std::vector<ShardId> serving = {ShardId{5}, ShardId{8}, ShardId{9}};
  EXPECT_EQ(placement.ServingShards(), serving);
}

}  // namespace
}  // namespace pgreeve::catalog
