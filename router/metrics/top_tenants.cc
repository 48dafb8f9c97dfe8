#include "router/metrics/top_tenants.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pgreeve::metrics {
namespace {

void Sum(TenantCount& into, const TenantCount& from) {
  into.queries += from.queries;
  into.microseconds += from.microseconds;
}

}  // namespace

void TopTenants::Age(absl::Time now) {
  const double halvings = aged_at_ == absl::InfinitePast()
                              ? 0
                              : std::max(0.0, absl::FDivDuration(now - aged_at_, kHalfLife));
  aged_at_ = now;
  const double factor = std::exp2(-halvings);
  for (auto& [tenant, candidate] : candidates_)
    candidate.weight *= factor;
}

// Fills free places by weight; a place is taken from another only after kShownLeast, and only for
// somebody heavier.
void TopTenants::Choose(absl::Time now) {
  std::vector<std::pair<double, const TenantId*>> order;
  order.reserve(candidates_.size());
  for (const auto& [tenant, candidate] : candidates_)
    order.emplace_back(candidate.weight, &tenant);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : *a.second < *b.second;
  });

  std::vector<TenantId> leavable;  // lightest last
  for (const auto& [weight, tenant] : order) {
    const Candidate& candidate = candidates_.find(*tenant)->second;
    if (totals_.contains(*tenant) && now - candidate.shown_since >= kShownLeast)
      leavable.push_back(*tenant);
  }
  for (const auto& [weight, tenant] : order) {
    if (totals_.contains(*tenant))
      continue;
    if (totals_.size() >= shown_max_) {
      if (leavable.empty() || candidates_.find(leavable.back())->second.weight >= weight)
        break;
      totals_.erase(leavable.back());
      candidates_.find(leavable.back())->second.shown_since = absl::InfiniteFuture();
      leavable.pop_back();
    }
    totals_.try_emplace(*tenant);
    candidates_.find(*tenant)->second.shown_since = now;
  }

  for (auto it = order.rbegin(); it != order.rend() && candidates_.size() > kCandidatesMax; ++it) {
    if (!totals_.contains(*it->second)) {
      const TenantId gone = *it->second;
      candidates_.erase(gone);
    }
  }
}

void TopTenants::Add(const TenantBatch& batch, absl::Time now) {
  Age(now);
  for (const auto& [tenant, count] : batch.by_tenant)
    candidates_[tenant].weight += static_cast<double>(count.queries);
  Choose(now);
  for (const auto& [tenant, count] : batch.by_tenant) {
    const auto it = totals_.find(tenant);
    TenantCount& total = it == totals_.end() ? other_[count.tier] : it->second;
    total.tier = count.tier;
    Sum(total, count);
  }
  for (std::size_t tier = 0; tier < kTiersMax; ++tier)
    Sum(other_[tier], batch.unnamed[tier]);
}

}  // namespace pgreeve::metrics
