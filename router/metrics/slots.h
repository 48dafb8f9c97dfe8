// The numbers of one worker: counted by that worker with plain additions, read by the exporter at
// any time (collect.h). Code says what happened; label words exist only in the exporter.
// All functions but the const ones: worker thread only. No lock; memory is taken only when a shard
// or a histogram is used for the first time. Labels and help texts: catalogue.cc.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <absl/time/time.h>

#include "router/base/ids.h"
#include "router/base/tenant_id.h"
#include "router/metrics/cell.h"
#include "router/metrics/histogram.h"
#include "router/metrics/labels.h"
#include "router/metrics/tenant_tally.h"
#include "router/metrics/tiers.h"

namespace pgreeve::metrics {

// Numbers kept for each shard. Shard 0 ("none") is a place of its own.
struct ShardSlots {
  std::array<std::array<std::array<Counter, kCountOf<Route>>, kCountOf<Kind>>, kTiersMax> queries;
  std::array<Gauge, kCountOf<BackendState>> backends;
  LazyHistogram connect_microseconds;
  LazyHistogram pool_wait_microseconds;
  Gauge pool_longest_wait_microseconds;
  Gauge pool_waiting;
};

struct CacheTotals {
  uint64_t hits = 0, misses = 0, evictions = 0, entries = 0, bytes = 0;
};

struct Query {
  Route route = Route::kSingle;
  Kind kind = Kind::kRead;
  ShardId shard;  // none for kScatter, kBroadcast, kLocal
  TierIndex tier = kTierOther;
  absl::Duration duration;  // from the first byte of the request to ReadyForQuery
};

class Slots {
 public:
  // Shards with greater numbers are counted together as "_other".
  static constexpr int32_t kShardsMax = 1024;
  static constexpr std::size_t kRejectCodesMax = 1000;
  static constexpr std::size_t kSqlstateClasses = 36 * 36;

  Slots();
  ~Slots();
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // --- statements. QueryFinished costs 6 ns.
  void QueryFinished(const Query& query) {
    Shard(query.shard)
        .queries[query.tier][static_cast<std::size_t>(query.kind)]
                [static_cast<std::size_t>(query.route)]
        .Add();
    query_microseconds[query.tier][static_cast<std::size_t>(query.route)].Record(
        Microseconds(query.duration));
  }

  // Beside QueryFinished, for statements of one tenant. One hash look-up.
  void TenantQueried(const TenantId& tenant, TierIndex tier, absl::Duration duration) {
    tenants.Add(tenant, tier, Microseconds(duration));
  }

  void TransactionFinished(Outcome outcome, Width width) {
    transactions[static_cast<std::size_t>(outcome)][static_cast<std::size_t>(width)].Add();
  }

  // `sqlstate` has 5 characters; anything else is counted as XX.
  void ErrorSent(std::string_view sqlstate, Origin origin) {
    errors[SqlstateClass(sqlstate)][static_cast<std::size_t>(origin)].Add();
  }

  // `code` is the number of PR-nnn.
  void StatementRejected(int code) {
    rejected[code > 0 && static_cast<std::size_t>(code) < kRejectCodesMax
                 ? static_cast<std::size_t>(code)
                 : 0]
        .Add();
  }

  void ScatterFinished(std::size_t shards, std::size_t rows, Engine engine) {
    scatter_shards.Record(shards);
    merge_rows[static_cast<std::size_t>(engine)].Record(rows);
  }

  void Pinned(PinReason reason) { pins[static_cast<std::size_t>(reason)].Add(); }

  void PreparedStatements(int delta) { prepared_statements.Add(delta); }

  // Totals of this worker's plan cache; from the worker's tick.
  void ParseCache(const CacheTotals& totals);

  // --- connections. Every change of state is one call; kNone where there is no state yet or more.
  void ClientMoved(ClientState from, ClientState to) { Move(clients, from, to); }

  void ClientAccepted() { clients_total.Add(); }

  void ClientRefused(Refusal reason) { refused[static_cast<std::size_t>(reason)].Add(); }

  void BackendMoved(ShardId shard, BackendState from, BackendState to) {
    Move(Shard(shard).backends, from, to);
  }

  void BackendConnected(ShardId shard, absl::Duration took) {
    Shard(shard).connect_microseconds.Record(Microseconds(took));
  }

  // Also for a lease that did not wait (zero).
  void LeaseWaited(ShardId shard, absl::Duration waited) {
    Shard(shard).pool_wait_microseconds.Record(Microseconds(waited));
  }

  // What the pool of this worker looks like now; from the worker's tick.
  void PoolState(ShardId shard, int64_t waiting, absl::Duration longest_wait) {
    Shard(shard).pool_waiting.Set(waiting);
    Shard(shard).pool_longest_wait_microseconds.Set(
        static_cast<int64_t>(Microseconds(longest_wait)));
  }

  void Bytes(Side side, Direction direction, std::size_t n) {
    bytes[static_cast<std::size_t>(side)][static_cast<std::size_t>(direction)].Add(n);
  }

  // --- the loop. `busy`: how long one turn kept the loop from its sockets.
  void LoopTurn(absl::Duration busy) {
    if (busy > longest_turn_)
      longest_turn_ = busy;
  }

  // About once a second: hands the tenant tally to the exporter, renews the loop's lag.
  void Tick();

  // --- for the exporter; any thread.
  // Null: nothing counted for it. `index` 0 is no shard, kShardsMax all beyond.
  const ShardSlots* shard(int32_t index) const {
    return shards_[static_cast<std::size_t>(index)].load(std::memory_order_acquire);
  }

  // "42", as the class of a SQLSTATE is written; the reverse of SqlstateClass.
  static void SqlstateText(std::size_t index, char (&out)[3]);
  static std::size_t SqlstateClass(std::string_view sqlstate);

  std::array<std::array<LazyHistogram, kCountOf<Route>>, kTiersMax> query_microseconds;
  std::array<std::array<Counter, kCountOf<Width>>, kCountOf<Outcome>> transactions;
  std::array<std::array<Counter, kCountOf<Origin>>, kSqlstateClasses> errors;
  std::array<Counter, kRejectCodesMax> rejected;
  LazyHistogram scatter_shards;
  std::array<LazyHistogram, kCountOf<Engine>> merge_rows;
  std::array<Counter, kCountOf<PinReason>> pins;
  Gauge prepared_statements;
  Counter cache_hits, cache_misses, cache_evictions;
  Gauge cache_entries, cache_bytes;
  std::array<Gauge, kCountOf<ClientState>> clients;
  Counter clients_total;
  std::array<Counter, kCountOf<Refusal>> refused;
  std::array<std::array<Counter, kCountOf<Direction>>, kCountOf<Side>> bytes;
  Gauge loop_lag_microseconds;
  TenantTally tenants;

 private:
  static uint64_t Microseconds(absl::Duration d) {
    return d <= absl::ZeroDuration() ? 0 : static_cast<uint64_t>(absl::ToInt64Microseconds(d));
  }

  template <class States, class State>
  static void Move(States& states, State from, State to) {
    if (from < State::kCount_)
      states[static_cast<std::size_t>(from)].Add(-1);
    if (to < State::kCount_)
      states[static_cast<std::size_t>(to)].Add(1);
  }

  ShardSlots& Shard(ShardId id) {
    const std::size_t index = id.value < 0 || id.value >= kShardsMax
                                  ? static_cast<std::size_t>(kShardsMax)
                                  : static_cast<std::size_t>(id.value);
    ShardSlots* slots = shards_[index].load(std::memory_order_relaxed);
    return slots != nullptr ? *slots : NewShard(index);
  }

  ShardSlots& NewShard(std::size_t index);

  std::array<std::atomic<ShardSlots*>, kShardsMax + 1> shards_{};
  absl::Duration longest_turn_;
};

}  // namespace pgreeve::metrics
