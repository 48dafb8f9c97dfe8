#include "router/metrics/tenant_tally.h"

#include <utility>

namespace pgreeve::metrics {

TenantTally::TenantTally() : filling_(std::make_unique<TenantBatch>()) {}

TenantTally::~TenantTally() {
  delete offered_.load(std::memory_order_acquire);
}

void TenantTally::Add(const TenantId& tenant, TierIndex tier, uint64_t microseconds) {
  auto it = filling_->by_tenant.find(tenant);
  if (it == filling_->by_tenant.end() && filling_->by_tenant.size() < kTenantsMax)
    it = filling_->by_tenant.try_emplace(tenant).first;
  TenantCount& count = it == filling_->by_tenant.end() ? filling_->unnamed[tier] : it->second;
  count.tier = tier;
  ++count.queries;
  count.microseconds += microseconds;
}

void TenantTally::Offer() {
  if (offered_.load(std::memory_order_acquire) != nullptr)
    return;
  auto next = std::make_unique<TenantBatch>();
  offered_.store(std::exchange(filling_, std::move(next)).release(), std::memory_order_release);
}

std::unique_ptr<TenantBatch> TenantTally::Take() {
  return std::unique_ptr<TenantBatch>(offered_.exchange(nullptr, std::memory_order_acq_rel));
}

}  // namespace pgreeve::metrics
