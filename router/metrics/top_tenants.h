// Which tenants have series of their own, and what they sum to. At most `shown_max` tenants are
// named; everything else goes to "_other" of its tier, so sums stay right. A named tenant stays for
// ten minutes at least: series that come and go look like counter resets.
// Pure: the time is passed in. Not thread-safe; the exporter holds its mutex.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include "router/base/tenant_id.h"
#include "router/metrics/tenant_tally.h"
#include "router/metrics/tiers.h"

namespace pgreeve::metrics {

class TopTenants {
 public:
  static constexpr absl::Duration kShownLeast = absl::Minutes(10);
  static constexpr absl::Duration kHalfLife = absl::Minutes(5);
  // Tenants whose recent load is remembered, named or not.
  static constexpr std::size_t kCandidatesMax = 4096;

  explicit TopTenants(std::size_t shown_max) : shown_max_(shown_max) {}

  void SetShownMax(std::size_t shown_max) { shown_max_ = shown_max; }

  void Add(const TenantBatch& batch, absl::Time now);

  const absl::flat_hash_map<TenantId, TenantCount>& shown() const { return totals_; }

  const std::array<TenantCount, kTiersMax>& other() const { return other_; }

 private:
  struct Candidate {
    double weight = 0;  // statements, halved every kHalfLife
    absl::Time shown_since = absl::InfiniteFuture();
  };

  void Age(absl::Time now);
  void Choose(absl::Time now);

  std::size_t shown_max_;
  absl::Time aged_at_ = absl::InfinitePast();
  absl::flat_hash_map<TenantId, Candidate> candidates_;
  absl::flat_hash_map<TenantId, TenantCount> totals_;
  std::array<TenantCount, kTiersMax> other_;
};

}  // namespace pgreeve::metrics
