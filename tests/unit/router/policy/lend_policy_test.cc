#include "router/policy/lend_policy.h"

#include <gtest/gtest.h>

#include "router/policy/backoff.h"
#include "router/policy/free_set.h"

namespace pgreeve::policy {
namespace {

TEST(DecideReturnedTest, WhatMustBeDoneComesFirst) {
  EXPECT_EQ(DecideReturned({.must_close = true, .must_reset = true, .waiting = 1}),
            ReturnedStep::kClose);
  EXPECT_EQ(DecideReturned({.must_reset = true, .same_waits = true, .waiting = 1}),
            ReturnedStep::kUnbind);
}

TEST(DecideReturnedTest, NobodyWaits) {
  EXPECT_EQ(DecideReturned({}), ReturnedStep::kKeep);
  EXPECT_EQ(DecideReturned({.blank = true}), ReturnedStep::kKeep);
}

TEST(DecideReturnedTest, ABlankOneGoesToWhoseTurnItIs) {
  EXPECT_EQ(DecideReturned({.blank = true, .waiting = 1, .coming = 5}), ReturnedStep::kLendNext);
}

TEST(DecideReturnedTest, StaysWithItsTenantForAWhileOnly) {
  Returned returned{.same_waits = true, .waiting = 2};
  EXPECT_EQ(DecideReturned(returned), ReturnedStep::kLendSame);
  returned.streak = kStreakMax;
  EXPECT_EQ(DecideReturned(returned), ReturnedStep::kUnbind);
  returned.streak = 0;
  returned.next_waited = kTurnPatience;
  EXPECT_EQ(DecideReturned(returned), ReturnedStep::kUnbind);
  returned.same_is_next = true;
  EXPECT_EQ(DecideReturned(returned), ReturnedStep::kLendSame);
}

TEST(DecideReturnedTest, NoMoreUnbindsThanWaiters) {
  EXPECT_EQ(DecideReturned({.waiting = 2, .coming = 1}), ReturnedStep::kUnbind);
  EXPECT_EQ(DecideReturned({.waiting = 2, .coming = 2}), ReturnedStep::kKeep);
}

TEST(DecideQueuedTest, BlankThenIdleThenNewThenWait) {
  Queued queued{.waiting = 1, .free_blank = 1, .free_bound = 1, .total = 2, .limit = 3};
  EXPECT_EQ(DecideQueued(queued), QueuedStep::kLendBlank);
  queued.free_blank = 0;
  EXPECT_EQ(DecideQueued(queued), QueuedStep::kUnbindIdle);
  queued.free_bound = 0;
  EXPECT_EQ(DecideQueued(queued), QueuedStep::kOpen);
  queued.total = 3;
  EXPECT_EQ(DecideQueued(queued), QueuedStep::kWait);
}

TEST(DecideQueuedTest, OneOnItsWayForEachWaiterIsEnough) {
  EXPECT_EQ(DecideQueued({.waiting = 2, .opening = 1, .unbinding = 1, .limit = 9}),
            QueuedStep::kWait);
  EXPECT_EQ(DecideQueued({.waiting = 3, .opening = 1, .unbinding = 1, .limit = 9}),
            QueuedStep::kOpen);
}

TEST(DecideQueuedTest, OpensFewSideBySideAndNoneInTheBackOff) {
  EXPECT_EQ(DecideQueued({.waiting = 99, .opening = kOpeningMax, .limit = 99}), QueuedStep::kWait);
  EXPECT_EQ(DecideQueued({.waiting = 1, .limit = 9, .may_open = false}), QueuedStep::kWait);
  EXPECT_EQ(DecideQueued({}), QueuedStep::kWait);
}

TEST(MustYieldTest, DownToTheShareAndRoundWhereThereAreTooFew) {
  EXPECT_TRUE(MustYield(20, 20, 2));
  EXPECT_FALSE(MustYield(10, 20, 2));
  EXPECT_FALSE(MustYield(2, 3, 2)) << "shares of 2 and 1: no going back and forth";
  EXPECT_TRUE(MustYield(3, 3, 2));
  EXPECT_TRUE(MustYield(1, 1, 2));
  EXPECT_FALSE(MustYield(1, 1, 1));
  EXPECT_FALSE(MustYield(0, 5, 0));
}

TEST(BackoffTest, DoublesUpToTwoSeconds) {
  Backoff backoff;
  absl::Duration now;
  EXPECT_TRUE(backoff.MayTry(now));
  backoff.OnFailure(now);
  EXPECT_EQ(backoff.Remaining(now), Backoff::kFirst);
  backoff.OnFailure(now + absl::Milliseconds(1));  // the same outage
  EXPECT_EQ(backoff.Remaining(now), Backoff::kFirst);
  for (int i = 0; i < 10; ++i) {
    now += backoff.Remaining(now);
    EXPECT_TRUE(backoff.MayTry(now));
    backoff.OnFailure(now);
    EXPECT_FALSE(backoff.MayTry(now));
  }
  EXPECT_EQ(backoff.Remaining(now), Backoff::kLast);
  backoff.OnSuccess();
  EXPECT_TRUE(backoff.MayTry(now));
  backoff.OnFailure(now);
  EXPECT_EQ(backoff.Remaining(now), Backoff::kFirst);
}

TEST(FreeSetTest, NewestOfABindingOldestAsVictim) {
  FreeSet<int> set;
  int a = 1, b = 2, c = 3, d = 4;
  set.Add(&a, 0, absl::Seconds(1));
  set.Add(&b, 7, absl::Seconds(2));
  set.Add(&c, 7, absl::Seconds(3));
  set.Add(&d, 8, absl::Seconds(4));
  EXPECT_EQ(set.bound(), 3U);
  EXPECT_EQ(set.Take(7, [](int item) { return item != 3; }), &b) << "numbers may collide";
  EXPECT_EQ(set.Take(9, [](int) { return true; }), nullptr);
  EXPECT_EQ(set.TakeOldestBound(), &c);
  EXPECT_EQ(set.TakeBlank(), &a);
  EXPECT_EQ(set.TakeBlank(), nullptr);
  EXPECT_FALSE(set.Remove(&a));
  EXPECT_TRUE(set.Remove(&d));
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.bound(), 0U);
  EXPECT_EQ(set.TakeOldest(), nullptr);
  EXPECT_EQ(set.TakeOldestBound(), nullptr);
}

}  // namespace
}  // namespace pgreeve::policy
