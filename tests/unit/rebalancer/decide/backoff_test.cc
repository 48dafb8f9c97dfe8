#include "rebalancer/decide/backoff.h"

#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

TEST(Backoff, DoublesToALimitAndStartsAgain) {
  Backoff backoff(absl::Milliseconds(100), absl::Seconds(1));
  constexpr uint32_t kLowest = 0;
  EXPECT_EQ(backoff.Next(kLowest), absl::Milliseconds(50));
  EXPECT_EQ(backoff.Next(kLowest), absl::Milliseconds(100));
  for (int i = 0; i < 50; ++i)
    EXPECT_LE(backoff.Next(UINT32_MAX), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(kLowest), absl::Milliseconds(500));
  backoff.Succeeded();
  EXPECT_EQ(backoff.Next(kLowest), absl::Milliseconds(50));
}

}  // namespace
}  // namespace pgreeve::rebalancer
