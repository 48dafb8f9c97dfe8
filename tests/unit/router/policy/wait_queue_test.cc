#include "router/policy/wait_queue.h"

#include <deque>
#include <map>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::policy {
namespace {

using ::testing::ElementsAre;
using Ticket = WaitQueue::Ticket;

std::vector<uint64_t> ServeAll(WaitQueue& queue) {
  std::vector<uint64_t> bindings;
  while (!queue.empty()) {
    bindings.push_back(queue.binding(queue.Next()));
    queue.Serve(queue.Next());
  }
  EXPECT_EQ(queue.Next(), WaitQueue::kNone);
  EXPECT_EQ(queue.Oldest(), WaitQueue::kNone);
  return bindings;
}

TEST(WaitQueueTest, TenantsTakeTurnsAndKeepTheirOrder) {
  WaitQueue queue;
  for (const uint64_t binding : {11, 12, 13})
    queue.Push(1, binding, {});
  queue.Push(2, 21, {});
  queue.Push(3, 31, {});
  queue.Push(2, 22, {});
  EXPECT_THAT(ServeAll(queue), ElementsAre(11, 21, 31, 12, 22, 13));
}

TEST(WaitQueueTest, AWeightIsSoManyGrantsATurn) {
  WaitQueue queue;
  for (const uint64_t binding : {11, 12, 13})
    queue.Push(1, binding, {}, 2);
  for (const uint64_t binding : {21, 22})
    queue.Push(2, binding, {});
  EXPECT_THAT(ServeAll(queue), ElementsAre(11, 12, 21, 13, 22));
}

TEST(WaitQueueTest, ServingOutOfTurnLeavesTheTurnAlone) {
  WaitQueue queue;
  queue.Push(1, 11, {});
  queue.Push(2, 21, {});
  const Ticket second = queue.Push(2, 22, {});
  EXPECT_EQ(queue.NextOf(2, 22), second);
  EXPECT_EQ(queue.NextOf(2, 99), WaitQueue::kNone);
  EXPECT_EQ(queue.NextOf(9, 22), WaitQueue::kNone);
  queue.Serve(second);
  EXPECT_THAT(ServeAll(queue), ElementsAre(11, 21));
}

TEST(WaitQueueTest, NextOfLooksAtAFewOnly) {
  WaitQueue queue;
  for (int i = 0; i < WaitQueue::kLookahead; ++i)
    queue.Push(1, 10, {});
  queue.Push(1, 11, {});
  EXPECT_EQ(queue.NextOf(1, 11), WaitQueue::kNone);
  queue.Serve(queue.Next());
  EXPECT_NE(queue.NextOf(1, 11), WaitQueue::kNone);
}

TEST(WaitQueueTest, TicketsAreUsedAgain) {
  WaitQueue queue;
  for (int i = 0; i < 1000; ++i) {
    const Ticket ticket = queue.Push(static_cast<uint64_t>(i), 1, {});
    EXPECT_EQ(ticket, 0U);
    queue.Remove(ticket);
  }
}

// Against lists: order within a tenant, order of arrival, nobody lost, nobody starved.
TEST(WaitQueueTest, AgreesWithASimpleModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  WaitQueue queue;
  std::map<uint64_t, std::deque<Ticket>> by_tenant;
  std::deque<Ticket> arrivals;
  std::map<Ticket, uint64_t> tenant_of;
  const auto forget = [&](Ticket ticket) {
    auto& mine = by_tenant[tenant_of[ticket]];
    mine.erase(std::find(mine.begin(), mine.end(), ticket));
    if (mine.empty())
      by_tenant.erase(tenant_of[ticket]);
    arrivals.erase(std::find(arrivals.begin(), arrivals.end(), ticket));
  };
  for (int step = 0; step < 20000; ++step) {
    if (arrivals.size() < 50 && random() % 2 == 0) {
      const uint64_t tenant = random() % 7;
      const Ticket ticket = queue.Push(tenant, tenant, absl::Milliseconds(step));
      by_tenant[tenant].push_back(ticket);
      arrivals.push_back(ticket);
      tenant_of[ticket] = tenant;
    } else if (!arrivals.empty() && random() % 3 == 0) {
      const Ticket ticket = arrivals[random() % arrivals.size()];
      queue.Remove(ticket);
      forget(ticket);
    } else if (!arrivals.empty()) {
      const Ticket next = queue.Next();
      ASSERT_NE(next, WaitQueue::kNone);
      EXPECT_EQ(by_tenant[tenant_of[next]].front(), next);
      queue.Serve(next);
      forget(next);
    }
    ASSERT_EQ(queue.size(), arrivals.size());
    ASSERT_EQ(queue.Oldest(), arrivals.empty() ? WaitQueue::kNone : arrivals.front());
  }
}

}  // namespace
}  // namespace pgreeve::policy
