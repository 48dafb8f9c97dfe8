#include "router/metrics/tenant_tally.h"

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

TEST(TenantTally, OffersWholeBatches) {
  TenantTally tally;
  EXPECT_EQ(tally.Take(), nullptr);
  tally.Add(TenantId::FromBigint(1), 3, 10);
  tally.Add(TenantId::FromBigint(1), 3, 5);
  EXPECT_EQ(tally.Take(), nullptr) << "nothing was offered";
  tally.Offer();
  tally.Add(TenantId::FromBigint(2), 0, 1);
  tally.Offer();  // the first batch still waits: keeps counting
  auto batch = tally.Take();
  ASSERT_NE(batch, nullptr);
  ASSERT_EQ(batch->by_tenant.size(), 1u);
  EXPECT_EQ(batch->by_tenant.begin()->second.queries, 2u);
  EXPECT_EQ(batch->by_tenant.begin()->second.microseconds, 15u);
  EXPECT_EQ(batch->by_tenant.begin()->second.tier, 3u);
  EXPECT_EQ(tally.Take(), nullptr);
  tally.Offer();
  batch = tally.Take();
  ASSERT_NE(batch, nullptr);
  EXPECT_TRUE(batch->by_tenant.contains(TenantId::FromBigint(2)));
}

TEST(TenantTally, IsBounded) {
  TenantTally tally;
  for (int i = 0; i < 5000; ++i)
    tally.Add(TenantId::FromBigint(i), 1, 1);
  tally.Add(TenantId::FromBigint(0), 1, 1);
  tally.Offer();
  const auto batch = tally.Take();
  EXPECT_EQ(batch->by_tenant.size(), TenantTally::kTenantsMax);
  EXPECT_EQ(batch->unnamed[1].queries, 5000 - TenantTally::kTenantsMax);
  EXPECT_EQ(batch->by_tenant.at(TenantId::FromBigint(0)).queries, 2u);
}

}  // namespace
}  // namespace pgreeve::metrics
