#include "router/metrics/families.h"

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

TEST(Families, BoundsHoldTheirOwnValue) {
  Histogram histogram;
  for (const uint64_t microseconds : {99, 100, 120, 1000000, 30000000, 40000000})
    histogram.Record(microseconds);
  Families families;
  families.Add(Metric::kPoolWaitSeconds, {"s1"}, {&histogram, nullptr});
  const auto made = families.Take();
  ASSERT_EQ(made.size(), 1u);
  const auto& out = made[0].metric.at(0).histogram;
  EXPECT_EQ(out.bucket.at(0).upper_bound, 0.0001);
  EXPECT_EQ(out.bucket.at(0).cumulative_count, 2u);
  EXPECT_EQ(out.bucket.at(1).cumulative_count, 3u);
  EXPECT_EQ(out.bucket.back().upper_bound, 30);
  EXPECT_EQ(out.bucket.back().cumulative_count, 5u) << "40 s are beyond the last bound";
  EXPECT_EQ(out.sample_count, 6u);
  EXPECT_DOUBLE_EQ(out.sample_sum, 71.000319);
}

TEST(Families, NothingRecordedIsNoFamily) {
  const Histogram empty;
  Families families;
  families.Add(Metric::kPoolWaitSeconds, {"s1"}, {nullptr, &empty});
  EXPECT_TRUE(families.Take().empty());
}

TEST(Families, LabelsFollowTheCatalogue) {
  Families families;
  families.Add(Metric::kBytes, {"received", "client"}, 7);
  families.Add(Metric::kShardUp, {"s1"}, 1);
  const auto made = families.Take();
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].metric[0].label[0].name, "direction");
  EXPECT_EQ(made[0].metric[0].label[1].value, "client");
  EXPECT_EQ(made[0].metric[0].counter.value, 7);
  EXPECT_EQ(made[1].metric[0].gauge.value, 1);
}

}  // namespace
}  // namespace pgreeve::metrics
