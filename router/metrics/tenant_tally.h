// How many statements each tenant ran on one worker since the last hand-over. Bounded: what finds
// no room is counted per tier without a name. The worker adds and offers; the exporter takes whole
// batches without making the worker wait.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <absl/container/flat_hash_map.h>

#include "router/base/tenant_id.h"
#include "router/metrics/tiers.h"

namespace pgreeve::metrics {

struct TenantCount {
  TierIndex tier = kTierOther;
  uint64_t queries = 0;
  uint64_t microseconds = 0;
};

struct TenantBatch {
  absl::flat_hash_map<TenantId, TenantCount> by_tenant;
  std::array<TenantCount, kTiersMax> unnamed;
};

class TenantTally {
 public:
  static constexpr std::size_t kTenantsMax = 4096;

  TenantTally();
  ~TenantTally();
  TenantTally(const TenantTally&) = delete;
  TenantTally& operator=(const TenantTally&) = delete;

  // Worker thread. `tier` < kTiersMax.
  void Add(const TenantId& tenant, TierIndex tier, uint64_t microseconds);
  // Worker thread. Gives the counts away if the exporter has taken the previous ones.
  void Offer();
  // Exporter. Null: nothing new.
  std::unique_ptr<TenantBatch> Take();

 private:
  std::unique_ptr<TenantBatch> filling_;
  std::atomic<TenantBatch*> offered_{nullptr};
};

}  // namespace pgreeve::metrics
