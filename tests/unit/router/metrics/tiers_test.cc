#include "router/metrics/tiers.h"

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

TEST(TierNames, KeepTheirNumbers) {
  TierNames tiers;
  EXPECT_EQ(tiers.IndexOf("enterprise"), 0u);
  EXPECT_EQ(tiers.IndexOf("starter"), 1u);
  EXPECT_EQ(tiers.IndexOf("enterprise"), 0u);
  EXPECT_EQ(tiers.NameOf(1), "starter");
  EXPECT_EQ(tiers.NameOf(2), "_other");
  EXPECT_EQ(tiers.IndexOf(""), kTierOther);
}

TEST(TierNames, TheEighthIsOther) {
  TierNames tiers;
  for (std::size_t i = 0; i < 7; ++i)
    EXPECT_EQ(tiers.IndexOf("t" + std::to_string(i)), i);
  EXPECT_EQ(tiers.IndexOf("t7"), kTierOther);
  EXPECT_EQ(tiers.NameOf(kTierOther), "_other");
  EXPECT_EQ(tiers.IndexOf("t6"), 6u);
}

}  // namespace
}  // namespace pgreeve::metrics
