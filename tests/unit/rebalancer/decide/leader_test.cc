#include "rebalancer/decide/leader.h"

#include <string>

#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

constexpr absl::Duration kLease = absl::Seconds(15);

LeaderAct Act(const LeaderState& state, const LeaseRow& row) {
  return DecideLeader("rb1", state, row, kLease).act;
}

LeaderState Leading(int since_renewed_s) {
  return {7, absl::Seconds(since_renewed_s)};
}

TEST(Leader, TakesAFreeOrExpiredLease) {
  EXPECT_EQ(Act({}, {}), LeaderAct::kTake);
  EXPECT_EQ(Act({}, {"rb2", 6, false}), LeaderAct::kTake);
  EXPECT_EQ(Act({}, {"rb1", 6, false}), LeaderAct::kTake);
}

TEST(Leader, WaitsWhileAnotherHolds) {
  EXPECT_EQ(Act({}, {"rb2", 6, true}), LeaderAct::kWait);
}

TEST(Leader, ReplacesItsOwnRowAfterARestart) {
  EXPECT_EQ(Act({}, {"rb1", 6, true}), LeaderAct::kReplace);
}

TEST(Leader, RenewsAtAThird) {
  EXPECT_EQ(Act(Leading(0), {"rb1", 7, true}), LeaderAct::kWait);
  EXPECT_EQ(Act(Leading(4), {"rb1", 7, true}), LeaderAct::kWait);
  EXPECT_EQ(Act(Leading(5), {"rb1", 7, true}), LeaderAct::kRenew);
  EXPECT_EQ(Act(Leading(9), {"rb1", 7, true}), LeaderAct::kRenew);
}

TEST(Leader, StepsDownBeforeAnotherMayTakeIt) {
  EXPECT_EQ(Act(Leading(10), {"rb1", 7, true}), LeaderAct::kStepDown) << "its own clock";
  EXPECT_EQ(Act(Leading(1), {"rb2", 8, true}), LeaderAct::kStepDown) << "another holds it";
  EXPECT_EQ(Act(Leading(1), {"rb1", 8, true}), LeaderAct::kStepDown) << "a namesake holds it";
  EXPECT_EQ(Act(Leading(1), {}), LeaderAct::kStepDown) << "the row was cleared by hand";
}

TEST(Leader, WithoutCatalogLeadsOnlyWhileTheLeaseCannotBeTaken) {
  EXPECT_EQ(DecideWithoutCatalog(Leading(9), kLease).act, LeaderAct::kWait);
  EXPECT_EQ(DecideWithoutCatalog(Leading(10), kLease).act, LeaderAct::kStepDown);
  EXPECT_EQ(DecideWithoutCatalog({0, absl::Seconds(99)}, kLease).act, LeaderAct::kWait);
}

TEST(Leader, ActsOnlyWhileItsOwnClockAllows) {
  EXPECT_TRUE(MayAct(Leading(9), kLease));
  EXPECT_FALSE(MayAct(Leading(10), kLease));
  EXPECT_FALSE(MayAct({}, kLease));
}

// Three processes, two of one name, with one lease row; the catalog fails and processes stall at
// random: never two that may act.
TEST(Leader, NeverTwoLeadersWhateverFails) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    uint32_t random = seed * 2654435761U;
    LeaseRow row;
    int expires_at = 0;
    int64_t tokens = 0;

    struct Process {
      const char* name;
      int64_t token = 0;
      int renewed_at = 0;
      int stalled_until = 0;
    } processes[3] = {{"rb1"}, {"rb2"}, {"rb1"}};

    for (int now = 0; now < 600; ++now) {
      int acting = 0;
      for (Process& p : processes) {
        random = random * 1664525U + 1013904223U;
        const LeaderState state{p.token, absl::Seconds(now - p.renewed_at)};
        if (now >= p.stalled_until) {
          if ((random >> 20) % 40 == 0)
            p.stalled_until = now + 30;
          row.live = expires_at > now;
          const bool catalog_up = (random >> 16) % 3 != 0;
          const LeaderAct act = catalog_up ? DecideLeader(p.name, state, row, kLease).act
                                           : DecideWithoutCatalog(state, kLease).act;
          if (act == LeaderAct::kStepDown)
            p.token = 0;
          if (act == LeaderAct::kTake || act == LeaderAct::kReplace)
            p.token = ++tokens;
          if (act == LeaderAct::kTake || act == LeaderAct::kReplace || act == LeaderAct::kRenew) {
            row = {p.name, p.token, true};
            expires_at = now + 15;
            p.renewed_at = now;
          }
        }
      }
      for (const Process& p : processes) {
        if (!MayAct({p.token, absl::Seconds(now - p.renewed_at)}, kLease))
          continue;
        // Namesakes are a mistake of the operator: the token, not the clock, keeps them apart.
        if (p.token == row.token)
          ++acting;
        else
          ASSERT_STREQ(p.name, row.holder.c_str()) << "seed " << seed << " at second " << now;
      }
      ASSERT_LE(acting, 1) << "seed " << seed << " at second " << now;
    }
  }
}

}  // namespace
}  // namespace pgreeve::rebalancer
