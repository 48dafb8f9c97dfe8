#include "router/metrics/slots.h"

#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

TEST(Slots, ShardsBeyondTheLastShareOnePlace) {
  Slots slots;
  const auto count = [&](int32_t shard) {
    slots.QueryFinished({Route::kSingle, Kind::kRead, ShardId{shard}, 0, absl::Microseconds(3)});
  };
  count(0);
  count(1);
  count(Slots::kShardsMax - 1);
  count(Slots::kShardsMax);
  count(INT32_MAX);
  count(-5);
  const auto at = [&](int32_t index) { return slots.shard(index)->queries[0][0][0].value(); };
  EXPECT_EQ(at(0), 1u);
  EXPECT_EQ(at(1), 1u);
  EXPECT_EQ(at(Slots::kShardsMax - 1), 1u);
  EXPECT_EQ(at(Slots::kShardsMax), 3u);
  EXPECT_EQ(slots.shard(2), nullptr);
}

TEST(Slots, SqlstateClasses) {
  const auto text = [](std::string_view sqlstate) {
    char out[3];
    Slots::SqlstateText(Slots::SqlstateClass(sqlstate), out);
    return std::string(out);
  };
  EXPECT_EQ(text("42P01"), "42");
  EXPECT_EQ(text("PR001"), "PR");
  EXPECT_EQ(text("ZZ999"), "ZZ");
  for (const char* bad : {"",
                          "4",
                          "42",
                          "42P0",
                          "42P011",
                          "aa000",
                          "4\xff"
                          "000",
                          "[]000"})
    EXPECT_EQ(text(bad), "XX") << bad;
}

TEST(Slots, RejectCodesOutOfRangeAreOther) {
  Slots slots;
  slots.StatementRejected(101);
  slots.StatementRejected(-1);
  slots.StatementRejected(1000);
  EXPECT_EQ(slots.rejected[101].value(), 1u);
  EXPECT_EQ(slots.rejected[0].value(), 2u);
}

TEST(Slots, StatesMoveAndEnd) {
  Slots slots;
  slots.ClientMoved(ClientState::kNone, ClientState::kLogin);
  slots.ClientMoved(ClientState::kLogin, ClientState::kIdle);
  EXPECT_EQ(slots.clients[0].value(), 0);
  EXPECT_EQ(slots.clients[1].value(), 1);
  slots.ClientMoved(ClientState::kIdle, ClientState::kNone);
  EXPECT_EQ(slots.clients[1].value(), 0);
  slots.BackendMoved(ShardId{3}, BackendState::kNone, BackendState::kOpening);
  slots.BackendMoved(ShardId{3}, BackendState::kOpening, BackendState::kNone);
  for (const Gauge& gauge : slots.shard(3)->backends)
    EXPECT_EQ(gauge.value(), 0);
}

TEST(Slots, NegativeDurationsCountAsZero) {
  Slots slots;
  slots.LeaseWaited(ShardId{1}, absl::Seconds(-1));
  EXPECT_EQ(slots.shard(1)->pool_wait_microseconds.get()->count_in(0), 1u);
}

TEST(Slots, LagIsTheLongestTurnSinceTheTick) {
  Slots slots;
  slots.LoopTurn(absl::Microseconds(5));
  slots.LoopTurn(absl::Microseconds(50));
  slots.LoopTurn(absl::Microseconds(7));
  slots.Tick();
  EXPECT_EQ(slots.loop_lag_microseconds.value(), 50);
  slots.Tick();
  EXPECT_EQ(slots.loop_lag_microseconds.value(), 0);
}

// For ThreadSanitizer: a reader goes over everything while the worker counts.
TEST(Slots, ReadWhileCounting) {
  Slots slots;
  std::atomic<bool> done{false};
  std::thread worker([&] {
    const TenantId tenant = TenantId::FromBigint(7);
    for (int i = 0; i < 20000; ++i) {
      slots.QueryFinished(
          {Route::kSingle, Kind::kWrite, ShardId{i % 50}, 2, absl::Microseconds(i)});
      slots.TenantQueried(tenant, 2, absl::Microseconds(1));
      slots.Tick();
    }
    done = true;
  });
  uint64_t taken = 0;
  const auto take = [&] {
    if (const auto batch = slots.tenants.Take()) {
      for (const auto& [id, count] : batch->by_tenant)
        taken += count.queries;
    }
  };
  while (!done) {
    for (int32_t i = 0; i < 50; ++i) {
      const ShardSlots* shard = slots.shard(i);
      if (shard != nullptr) {
        EXPECT_LE(shard->queries[2][1][0].value(), 20000u);
      }
    }
    take();
  }
  worker.join();
  take();
  slots.Tick();
  take();
  EXPECT_EQ(taken, 20000u);
}

}  // namespace
}  // namespace pgreeve::metrics
