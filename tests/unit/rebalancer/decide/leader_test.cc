#include "rebalancer/decide/leader.h"

#include <string>

#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

constexpr absl::Duration kLease = absl::Seconds(15);

LeaderAct Act(bool leading, int since_renewed_s, const char* holder, int expires_in_s) {
  return DecideLeader("rb1",
                      {leading, absl::Seconds(since_renewed_s)},
                      {holder, absl::Seconds(expires_in_s)},
                      kLease)
      .act;
}

TEST(Leader, TakesAFreeOrExpiredLease) {
  EXPECT_EQ(Act(false, 0, "", 0), LeaderAct::kTake);
  EXPECT_EQ(Act(false, 0, "rb2", 0), LeaderAct::kTake);
  EXPECT_EQ(Act(false, 0, "rb2", -5), LeaderAct::kTake);
}

TEST(Leader, WaitsWhileAnotherHolds) {
  EXPECT_EQ(Act(false, 0, "rb2", 1), LeaderAct::kWait);
  const LeaderDecision soon = DecideLeader("rb1", {}, {"rb2", absl::Milliseconds(300)}, kLease);
  EXPECT_EQ(soon.again_in, absl::Milliseconds(300)) << "asks again when it may be free";
}

TEST(Leader, TakesItsOwnRowAfterARestart) {
  EXPECT_EQ(Act(false, 0, "rb1", 10), LeaderAct::kTake);
}

TEST(Leader, RenewsAtAThird) {
  EXPECT_EQ(Act(true, 0, "rb1", 15), LeaderAct::kWait);
  EXPECT_EQ(Act(true, 4, "rb1", 11), LeaderAct::kWait);
  EXPECT_EQ(Act(true, 5, "rb1", 10), LeaderAct::kRenew);
  EXPECT_EQ(Act(true, 9, "rb1", 6), LeaderAct::kRenew);
}

TEST(Leader, StepsDownBeforeAnotherMayTakeIt) {
  EXPECT_EQ(Act(true, 10, "rb1", 5), LeaderAct::kStepDown) << "its own clock says too late";
  EXPECT_EQ(Act(true, 1, "rb2", 14), LeaderAct::kStepDown) << "another holds it";
  EXPECT_EQ(Act(true, 1, "", 0), LeaderAct::kStepDown) << "the row was cleared by hand";
}

TEST(Leader, WithoutCatalogLeadsOnlyWhileTheLeaseCannotBeTaken) {
  EXPECT_EQ(DecideWithoutCatalog({true, absl::Seconds(9)}, kLease).act, LeaderAct::kWait);
  EXPECT_EQ(DecideWithoutCatalog({true, absl::Seconds(10)}, kLease).act, LeaderAct::kStepDown);
  EXPECT_EQ(DecideWithoutCatalog({false, absl::Seconds(99)}, kLease).act, LeaderAct::kWait);
}

// Two processes with one lease row, the catalog failing at random moments: never two leaders.
TEST(Leader, NeverTwoLeadersWhateverFails) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    uint32_t random = seed * 2654435761U;
    std::string holder;
    int expires_at = 0;

    struct Process {
      const char* name;
      bool leading = false;
      int renewed_at = 0;
    } processes[2] = {{"rb1"}, {"rb2"}};

    for (int now = 0; now < 600; ++now) {
      for (Process& p : processes) {
        random = random * 1664525U + 1013904223U;
        const LeaderState state{p.leading, absl::Seconds(now - p.renewed_at)};
        const bool catalog_up = (random >> 16) % 3 != 0;
        const LeaderAct act =
            catalog_up
                ? DecideLeader(p.name, state, {holder, absl::Seconds(expires_at - now)}, kLease).act
                : DecideWithoutCatalog(state, kLease).act;
        if (act == LeaderAct::kStepDown)
          p.leading = false;
        if (act == LeaderAct::kTake || act == LeaderAct::kRenew) {
          holder = p.name;
          expires_at = now + 15;
          p.renewed_at = now;
          p.leading = true;
        }
      }
      ASSERT_FALSE(processes[0].leading && processes[1].leading)
          << "seed " << seed << " at second " << now;
    }
  }
}

}  // namespace
}  // namespace pgreeve::rebalancer
