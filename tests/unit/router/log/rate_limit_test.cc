#include "router/log/rate_limit.h"

#include <gtest/gtest.h>

namespace pgreeve::log {
namespace {

absl::Time At(int second) {
  return absl::FromUnixSeconds(1700000000 + second);
}

TEST(RateLimit, CountsWhatIsLeftOut) {
  RateLimit limit(2, absl::Seconds(10));
  EXPECT_EQ(limit.Admit("a", At(0)), 0u);
  EXPECT_EQ(limit.Admit("a", At(1)), 0u);
  EXPECT_EQ(limit.Admit("a", At(2)), std::nullopt);
  EXPECT_EQ(limit.Admit("a", At(9)), std::nullopt);
  EXPECT_EQ(limit.Admit("b", At(9)), 0u) << "events do not share a window";
  EXPECT_EQ(limit.Admit("a", At(10)), 2u);
  EXPECT_EQ(limit.Admit("a", At(10)), 0u);
}

TEST(RateLimit, AClockThatGoesBackOpensANewWindow) {
  RateLimit limit(1, absl::Seconds(10));
  EXPECT_EQ(limit.Admit("a", At(100)), 0u);
  EXPECT_EQ(limit.Admit("a", At(50)), 0u);
}

TEST(RateLimit, RemembersABoundedNumberOfEvents) {
  RateLimit limit(1, absl::Seconds(10));
  for (std::size_t i = 0; i < RateLimit::kEventsMax + 10; ++i)
    EXPECT_EQ(limit.Admit("event" + std::to_string(i), At(0)), 0u);
}

}  // namespace
}  // namespace pgreeve::log
