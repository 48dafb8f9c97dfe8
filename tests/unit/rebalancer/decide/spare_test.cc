#include "rebalancer/decide/spare.h"

#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

const std::vector<NodeRoom> kNodes = {
    {{1}, "n1", "eu", 3, true}, {{2}, "n2", "eu", 0, true}, {{3}, "n3", "us", 0, true}};

TEST(Spare, NothingToDoWhileOneIsEmpty) {
  const SparePlan plan =
      PlanSpares({{"starter", "eu", 1}}, {{{1}, "starter", "eu", true, 0, 100}}, kNodes);
  EXPECT_TRUE(plan.create.empty());
  EXPECT_TRUE(plan.unserved.empty());
}

TEST(Spare, CreatesOnTheNodeWithFewestShards) {
  const std::vector<ShardUse> shards = {{{1}, "starter", "eu", true, 5, 100},
                                        {{1}, "business", "eu", true, 1, 10}};
  const SparePlan plan = PlanSpares({{"starter", "eu", 2}}, shards, kNodes);
  EXPECT_EQ(plan.create,
            (std::vector<SpareRequest>{{"starter", "eu", {2}}, {"starter", "eu", {2}}}));
}

TEST(Spare, DrainingAndOtherRegionsDoNotCount) {
  const std::vector<ShardUse> shards = {{{1}, "starter", "eu", false, 0, 100},
                                        {{3}, "starter", "us", true, 0, 100}};
  EXPECT_EQ(PlanSpares({{"starter", "eu", 1}}, shards, kNodes).create.size(), 1U);
}

TEST(Spare, HeedsLimitsAndNamesWhatCannotBeServed) {
  const std::vector<NodeRoom> full = {{{1}, "n1", "eu", 1, true}, {{2}, "n2", "eu", 0, false}};
  const SparePlan plan =
      PlanSpares({{"starter", "eu", 3}}, {{{1}, "business", "eu", true, 1, 10}}, full);
  EXPECT_TRUE(plan.create.empty());
  ASSERT_EQ(plan.unserved.size(), 1U);
  EXPECT_EQ(plan.unserved[0].region, "eu");
}

}  // namespace
}  // namespace pgreeve::rebalancer
