#include "router/pool/binding.h"

#include <utility>

#include "router/base/stable_hash.h"
#include "router/catalog/tenant_token.h"
#include "router/wire/client_messages.h"

namespace pgreeve::pool {
namespace {

constexpr uint64_t kTenantSeed = 0x7067726565766531;

// 0 is kept for "none".
uint64_t NotZero(uint64_t number) {
  return number == 0 ? 1 : number;
}

void AppendBind(Prelude& prelude, const ShardTarget& target, uint32_t pid, const BindClock& clock) {
  const catalog::TokenFields fields{
      .kid = target.token_kid,
      .epoch = prelude.binding.tenant_epoch,
      .expiry_unix = absl::ToUnixSeconds(clock.wall_now + clock.token_lifetime),
      .pid = pid};
  const std::string token = catalog::MintToken(target.token_key, prelude.binding.tenant, fields);
  wire::AppendQuery(prelude.bytes, "SET pgreeve.token = '" + token + "'");
  ++prelude.queries;
  prelude.binding.renew_at = clock.now + clock.token_lifetime / 2;
}

}  // namespace

WantedBinding WantedBy(const LeaseRequest& request) {
  WantedBinding wanted;
  if (request.role == catalog::RoleClass::kTenant)
    wanted.tenant = request.tenant;
  if (request.settings != nullptr && request.settings->id != 0)
    wanted.settings = request.settings.get();
  if (wanted.tenant != nullptr)
    wanted.tenant_number = NotZero(StableHash64(wanted.tenant->id.canonical(), kTenantSeed));
  wanted.number = wanted.tenant_number;
  if (wanted.settings != nullptr) {
    constexpr uint64_t kOddMultiplier = 0x9e3779b97f4a7c15;  // spreads small ids over all bits
    wanted.number = NotZero(wanted.tenant_number ^ (wanted.settings->id * kOddMultiplier));
  }
  return wanted;
}

bool Binding::Carries(const WantedBinding& wanted) const {
  if (number != wanted.number ||
      settings_id != (wanted.settings == nullptr ? 0 : wanted.settings->id))
    return false;
  return wanted.tenant == nullptr ? tenant.empty() : tenant == wanted.tenant->id;
}

Prelude MakePrelude(const Binding& current,
                    const WantedBinding& wanted,
                    const ShardTarget& target,
                    uint32_t pid,
                    const BindClock& clock) {
  Prelude prelude;
  prelude.binding.tenant_number = wanted.tenant_number;
  prelude.binding.number = wanted.number;
  if (wanted.settings != nullptr)
    prelude.binding.settings_id = wanted.settings->id;
  if (current.blank() && wanted.settings != nullptr) {
    wire::AppendQuery(prelude.bytes, wanted.settings->sql);
    ++prelude.queries;
  }
  if (wanted.tenant != nullptr) {
    prelude.binding.tenant = wanted.tenant->id;
    prelude.binding.tenant_epoch = wanted.tenant->epoch;
    AppendBind(prelude, target, pid, clock);
  }
  return prelude;
}

Prelude RenewalOf(const Binding& current,
                  const ShardTarget& target,
                  uint32_t pid,
                  const BindClock& clock) {
  Prelude prelude;
  if (current.tenant.empty() || clock.now < current.renew_at)
    return prelude;
  prelude.binding = current;
  AppendBind(prelude, target, pid, clock);
  return prelude;
}

}  // namespace pgreeve::pool
