#include "router/metrics/top_tenants.h"

#include <random>

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

TenantId Id(int n) {
  return TenantId::FromBigint(n);
}

TenantBatch Batch(std::initializer_list<std::pair<int, uint64_t>> counts) {
  TenantBatch batch;
  for (const auto& [tenant, queries] : counts)
    batch.by_tenant[Id(tenant)] = {0, queries, queries * 10};
  return batch;
}

absl::Time At(int minute) {
  return absl::FromUnixSeconds(1700000000) + absl::Minutes(minute);
}

TEST(TopTenants, TheBusiestAreNamed) {
  TopTenants top(2);
  top.Add(Batch({{1, 5}, {2, 50}, {3, 20}}), At(0));
  EXPECT_EQ(top.shown().size(), 2u);
  EXPECT_EQ(top.shown().at(Id(2)).queries, 50u);
  EXPECT_EQ(top.shown().at(Id(3)).microseconds, 200u);
  EXPECT_EQ(top.other()[0].queries, 5u);
}

TEST(TopTenants, ANameStaysTenMinutes) {
  TopTenants top(1);
  top.Add(Batch({{1, 10}}), At(0));
  top.Add(Batch({{2, 100000}}), At(9));
  EXPECT_TRUE(top.shown().contains(Id(1)));
  EXPECT_EQ(top.other()[0].queries, 100000u);
  top.Add(Batch({{2, 1}}), At(11));
  EXPECT_TRUE(top.shown().contains(Id(2)));
  EXPECT_EQ(top.shown().at(Id(2)).queries, 1u) << "counts from when it was named";
  EXPECT_FALSE(top.shown().contains(Id(1)));
}

TEST(TopTenants, ALighterOneTakesNoPlace) {
  TopTenants top(1);
  top.Add(Batch({{1, 1000}}), At(0));
  top.Add(Batch({{1, 1000}, {2, 999}}), At(20));
  EXPECT_TRUE(top.shown().contains(Id(1)));
}

TEST(TopTenants, NoneMayBeNamed) {
  TopTenants top(0);
  top.Add(Batch({{1, 7}}), At(0));
  EXPECT_TRUE(top.shown().empty());
  EXPECT_EQ(top.other()[0].queries, 7u);
}

// While names stay, nothing is lost and nothing counted twice; the table never grows beyond its
// bound.
TEST(TopTenants, SumsStayRight) {
  constexpr unsigned kSeed = 4711;
  std::mt19937 random(kSeed);
  TopTenants top(20);
  uint64_t added = 0;
  for (int round = 0; round < 20; ++round) {
    TenantBatch batch;
    for (int i = 0; i < 1000; ++i) {
      const uint64_t queries = random() % 100 + 1;
      TenantCount& count = batch.by_tenant[Id(static_cast<int>(random() % 20000))];
      count.tier = 1;
      count.queries += queries;
      added += queries;
    }
    batch.unnamed[1].queries = 3;
    added += 3;
    top.Add(batch, At(0));
    ASSERT_LE(top.shown().size(), 20u) << "seed " << kSeed;
  }
  uint64_t sum = top.other()[1].queries;
  for (const auto& [tenant, count] : top.shown())
    sum += count.queries;
  EXPECT_EQ(sum, added) << "seed " << kSeed;
}

}  // namespace
}  // namespace pgreeve::metrics
