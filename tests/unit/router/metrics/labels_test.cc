#include "router/metrics/labels.h"

#include <set>

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

template <class E>
void CheckWords() {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kCountOf<E>; ++i)
    EXPECT_TRUE(words.insert(ToString(static_cast<E>(i))).second);
  EXPECT_EQ(ToString(E::kCount_), "none");
}

TEST(Labels, EveryValueHasItsOwnWord) {
  CheckWords<Route>();
  CheckWords<Kind>();
  CheckWords<Outcome>();
  CheckWords<Width>();
  CheckWords<Origin>();
  CheckWords<Side>();
  CheckWords<Direction>();
  CheckWords<Engine>();
  CheckWords<ClientState>();
  CheckWords<BackendState>();
  CheckWords<Refusal>();
  CheckWords<PinReason>();
}

}  // namespace
}  // namespace pgreeve::metrics
