#include "rebalancer/decide/tenant_share.h"

#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

LeafFacts Leaf(int64_t bytes, int64_t rows, bool analyzed) {
  LeafFacts leaf{"events_2015_09", bytes, rows, {}};
  leaf.statistics.known = analyzed;
  return leaf;
}

TEST(TenantShare, CountsWhatIsSmallOrUnknown) {
  EXPECT_EQ(ChooseMethod(Leaf(0, 0, true), 100), MeasureMethod::kSkip);
  EXPECT_EQ(ChooseMethod(Leaf(100, 10, true), 100), MeasureMethod::kCount);
  EXPECT_EQ(ChooseMethod(Leaf(101, 10, false), 100), MeasureMethod::kCount);
  EXPECT_EQ(ChooseMethod(Leaf(101, -1, true), 100), MeasureMethod::kCount);
  EXPECT_EQ(ChooseMethod(Leaf(101, 10, true), 100), MeasureMethod::kEstimate);
}

TEST(TenantShare, EstimateFollowsMostCommonValues) {
  LeafFacts leaf = Leaf(1000, 100, true);
  leaf.statistics.most_common = {{"a", 0.5}, {"gone", 0.1}};
  UseByTenant use;
  AddEstimate(leaf, {"a", "b", "c"}, use);
  EXPECT_EQ(use["a"].rows, 50);
  EXPECT_EQ(use["a"].bytes, 500);
  EXPECT_EQ(use["b"].rows, 20) << "b and c share the 40 % that is left";
  EXPECT_EQ(use["c"].bytes, 200);
  EXPECT_FALSE(use.contains("gone"));
}

TEST(TenantShare, EstimateAddsUpOverLeaves) {
  LeafFacts leaf = Leaf(1000, 100, true);
  leaf.statistics.most_common = {{"a", 1.0}};
  UseByTenant use;
  AddEstimate(leaf, {"a"}, use);
  AddEstimate(leaf, {"a"}, use);
  EXPECT_EQ(use["a"].rows, 200);
}

TEST(TenantShare, StatisticsThatSayMoreThanAllGiveNothingToOthers) {
  LeafFacts leaf = Leaf(1000, 100, true);
  leaf.statistics.most_common = {{"a", 0.9}, {"b", 0.2}};
  UseByTenant use;
  AddEstimate(leaf, {"a", "b", "c"}, use);
  EXPECT_FALSE(use.contains("c"));
}

TEST(TenantShare, CountsSplitTheBytes) {
  UseByTenant use;
  AddCounts(Leaf(900, -1, false), {{"a", 2}, {"b", 1}}, use);
  EXPECT_EQ(use["a"].rows, 2);
  EXPECT_EQ(use["a"].bytes, 600);
  EXPECT_EQ(use["b"].bytes, 300);
  AddCounts(Leaf(900, -1, false), {}, use);
  EXPECT_EQ(use.size(), 2U);
}

TEST(TenantShare, ReadsPostgresArrays) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(ParseArray("{}"), Strings{});
  EXPECT_EQ(ParseArray("{a,b}"), (Strings{"a", "b"}));
  EXPECT_EQ(ParseArray(R"({"a,b","c\"d","e\\f",NULL,"NULL"})"),
            (Strings{"a,b", "c\"d", "e\\f", "", "NULL"}));
  EXPECT_EQ(ParseArray("{0.5,0.25}"), (Strings{"0.5", "0.25"}));
  for (const char* bad : {"", "{", "a,b", "{\"a\"b}"})
    EXPECT_EQ(ParseArray(bad), Strings{}) << bad;
  EXPECT_EQ(ParseArray("{\"open}").size(), 1U) << "ends at the end of the text";
}

}  // namespace
}  // namespace pgreeve::rebalancer
