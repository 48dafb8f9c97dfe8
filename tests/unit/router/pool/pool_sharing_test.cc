// When connections end, and how pools share their number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/router/pool/pool_fixture.h"

namespace pgreeve::pool {
namespace {

PoolOptions Limited(int32_t limit) {
  PoolOptions options;
  options.backends_per_shard_max = limit;
  return options;
}

TEST_F(PoolTest, AChangedPlacementRetiresConnections) {
  Client busy(*pool);
  Client idle(*pool);
  busy.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return busy.backend != nullptr; }));
  ASSERT_TRUE(RunOnce(idle, For(bob)));
  pool->SetPlacement(MakePlacement());
  EXPECT_EQ(pool->Stats()[0].idle, 1) << "nothing changed";
  auto changed = MakePlacement();
  changed->roles[0].user = "other";
  pool->SetPlacement(changed);
  EXPECT_EQ(pool->Stats()[0].idle, 0);
  busy.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return busy.answered(); })) << "a lease lasts";
  busy.Release();
  ASSERT_TRUE(Until([&] { return server.Open().empty(); }));
  ASSERT_TRUE(RunOnce(idle, For(alice)));
  EXPECT_THAT(server.Open().at(0)->startup, ::testing::Contains(::testing::Pair("user", "other")));
  auto removed = MakePlacement();
  removed->shards.clear();
  pool->SetPlacement(removed);
  idle.Acquire(For(alice));
  worker.Turn(absl::ZeroDuration());
  ASSERT_EQ(idle.failed.size(), 1U);
  EXPECT_EQ(idle.failed[0].sqlstate, "08001");
}

TEST_F(PoolTest, OldConnectionsAreClosedWhenFree) {
  PoolOptions options;
  options.server_lifetime = absl::Milliseconds(1);
  MakePool(options);
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  ASSERT_TRUE(Until([&] { return server.Open().empty(); }));
  EXPECT_EQ(server.sessions.at(0)->terminates, 1);
}

TEST_F(PoolTest, CloseAllClosesTheIdleNowAndTheLentLater) {
  Client busy(*pool);
  Client idle(*pool);
  busy.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return busy.backend != nullptr; }));
  ASSERT_TRUE(RunOnce(idle, For(alice)));
  pool->CloseAll();
  ASSERT_TRUE(Until([&] { return server.Open().size() == 1; }));
  busy.Release();
  ASSERT_TRUE(Until([&] { return server.Open().empty(); }));
}

TEST_F(PoolTest, TwoPoolsShareABudget) {
  // Both pools on one worker stand for two workers: they speak through Post alike.
  MakePool(Limited(2));
  Pool other(worker, budget, Limited(2));
  other.SetPlacement(MakePlacement());
  Client a(*pool);
  Client b(*pool);
  a.Acquire(For(alice));
  b.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return a.backend != nullptr && b.backend != nullptr; }));
  Client c(other);
  c.Acquire(For(alice));
  for (int i = 0; i < 5; ++i)
    worker.Turn(absl::Milliseconds(1));
  EXPECT_EQ(c.backend, nullptr);
  EXPECT_EQ(server.Open().size(), 2U);
  // More than its share: the one that comes back goes to the other pool.
  a.Release();
  ASSERT_TRUE(Until([&] { return c.backend != nullptr; }));
  EXPECT_EQ(server.Open().size(), 2U);
  c.Release();
  // An idle one is given up as well.
  b.Release();
  Client d(other);
  Client e(other);
  d.Acquire(For(alice));
  e.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return d.backend != nullptr && e.backend != nullptr; }));
  EXPECT_LE(server.Open().size(), 2U);
  d.Release();
  e.Release();
}

TEST_F(PoolTest, OneConnectionGoesRoundBetweenTwoBusyPools) {
  MakePool(Limited(1));
  Pool other(worker, budget, Limited(1));
  other.SetPlacement(MakePlacement());
  int done_here = 0;
  int done_there = 0;
  const auto drive = [&](Client& client, int& done) {
    client.on_lease = [&client] { client.Query("SELECT 1"); };
    client.on_bytes = [this, &client, &done] {
      if (!client.answered())
        return;
      ++done;
      client.Release();
      client.Acquire(For(alice));
      if (client.backend != nullptr)
        client.Query("SELECT 1");
    };
    client.Acquire(For(alice));
  };
  Client here(*pool);
  Client there(other);
  drive(here, done_here);
  drive(there, done_there);
  EXPECT_TRUE(Until([&] { return done_here >= 3 && done_there >= 3; }));
  here.on_bytes = there.on_bytes = nullptr;
}

TEST_F(PoolTest, DestroyedInTheMiddleOfEverything) {
  server.script.auth = support::FakeAuth::kScram;
  for (int turns = 0; turns < 12; ++turns) {
    MakePool({});
    Client a(*pool);
    Client b(*pool);
    a.Acquire(For(alice));
    b.Acquire(For(bob));
    for (int i = 0; i < turns; ++i)
      worker.Turn(absl::Milliseconds(1));
    pool.reset();
    worker.Turn(absl::ZeroDuration());
    worker.Turn(absl::ZeroDuration());
    EXPECT_LE(a.leases + b.leases, 2);
  }
}

}  // namespace
}  // namespace pgreeve::pool
