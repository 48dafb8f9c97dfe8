#include "router/metrics/histogram.h"

#include <random>

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

TEST(Histogram, BucketsAreContiguousAndOrdered) {
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    EXPECT_EQ(Histogram::BucketOf(Histogram::LowerBound(i)), i);
    if (i > 0) {
      EXPECT_EQ(Histogram::BucketOf(Histogram::LowerBound(i) - 1), i - 1);
    }
  }
}

TEST(Histogram, TheEndsAreSafe) {
  EXPECT_EQ(Histogram::BucketOf(0), 0u);
  EXPECT_EQ(Histogram::BucketOf(UINT64_MAX), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::BucketOf((uint64_t{1} << Histogram::kBitsMax) - 1), Histogram::kBuckets - 1);
}

TEST(Histogram, AValueIsKnownToThreePercent) {
  std::mt19937_64 random(20151);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t value = random() >> (32 + random() % 32);
    const uint64_t lower = Histogram::LowerBound(Histogram::BucketOf(value));
    ASSERT_LE(lower, value);
    ASSERT_LE(static_cast<double>(value - lower), static_cast<double>(value) / 31) << value;
  }
}

TEST(Histogram, RecordsCountAndSum) {
  LazyHistogram lazy;
  EXPECT_EQ(lazy.get(), nullptr);
  lazy.Record(5);
  lazy.Record(5);
  lazy.Record(1000);
  ASSERT_NE(lazy.get(), nullptr);
  EXPECT_EQ(lazy.get()->count_in(5), 2u);
  EXPECT_EQ(lazy.get()->count_in(Histogram::BucketOf(1000)), 1u);
  EXPECT_EQ(lazy.get()->sum(), 1010u);
}

}  // namespace
}  // namespace pgreeve::metrics
