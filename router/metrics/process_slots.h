// Numbers of the whole process that no worker owns: the catalog link, the lease, the shards as the
// control plane sees them. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <absl/time/time.h>

#include "router/base/ids.h"

namespace pgreeve::metrics {

class ProcessSlots {
 public:
  static constexpr std::size_t kShardsMax = 1024;

  void CatalogAt(Epoch at) {
    timeline.store(at.timeline, std::memory_order_relaxed);
    epoch.store(at.n, std::memory_order_relaxed);
  }

  void CatalogAnswered(absl::Time now) {
    catalog_up.store(true, std::memory_order_relaxed);
    answered_unix_us.store(absl::ToUnixMicros(now), std::memory_order_relaxed);
  }

  void CatalogFailed() { catalog_up.store(false, std::memory_order_relaxed); }

  void LeaseUntil(absl::Time until) {
    lease_until_unix_us.store(absl::ToUnixMicros(until), std::memory_order_relaxed);
  }

  void ShardIs(ShardId shard, bool up) {
    if (InRange(shard))
      shard_up[static_cast<std::size_t>(shard.value)].store(up ? 1 : 0, std::memory_order_relaxed);
  }

  void PoolSizeIs(ShardId shard, int32_t backends) {
    if (InRange(shard))
      pool_size[static_cast<std::size_t>(shard.value)].store(backends, std::memory_order_relaxed);
  }

  // The shard is no longer in the catalog: its series end.
  void ShardGone(ShardId shard) {
    if (InRange(shard)) {
      shard_up[static_cast<std::size_t>(shard.value)].store(kUnknown, std::memory_order_relaxed);
      pool_size[static_cast<std::size_t>(shard.value)].store(0, std::memory_order_relaxed);
    }
  }

  static constexpr int8_t kUnknown = -1;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  ProcessSlots() {
    for (auto& up : shard_up)
      up.store(kUnknown, std::memory_order_relaxed);
  }

  // For the exporter.
  std::atomic<uint32_t> timeline{0};
  std::atomic<uint64_t> epoch{0};
  std::atomic<bool> catalog_up{false};
  std::atomic<int64_t> answered_unix_us{kNever};
  std::atomic<int64_t> lease_until_unix_us{kNever};
  std::array<std::atomic<int8_t>, kShardsMax> shard_up;
  std::array<std::atomic<int32_t>, kShardsMax> pool_size{};

 private:
  static bool InRange(ShardId shard) {
    return shard.value > 0 && shard.value < static_cast<int32_t>(kShardsMax);
  }
};

}  // namespace pgreeve::metrics
