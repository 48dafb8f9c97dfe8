// What a backend carries for the sessions it serves: a tenant's token and session settings. Two
// leases with equal bindings need nothing sent between them. Values; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/time/time.h>

#include "router/base/tenant_id.h"
#include "router/catalog/placement.h"
#include "router/pool/pool.h"
#include "router/pool/shard_target.h"

namespace pgreeve::pool {

// What a lease wants. Points into the request.
struct WantedBinding {
  const catalog::TenantInfo* tenant = nullptr;
  const SettingsSet* settings = nullptr;  // null when none
  uint64_t tenant_number = 0;             // stands for the tenant; 0 = none
  uint64_t number = 0;                    // stands for both; 0 = blank. Numbers may collide.
};

WantedBinding WantedBy(const LeaseRequest& request);

struct Binding {
  TenantId tenant;  // empty: none
  uint64_t tenant_epoch = 0;
  uint64_t settings_id = 0;
  uint64_t tenant_number = 0;
  uint64_t number = 0;
  absl::Duration renew_at = absl::InfiniteDuration();  // worker time: half of the token's life

  bool blank() const { return number == 0; }

  // Same tenant, whatever its epoch, and same settings.
  bool Carries(const WantedBinding& wanted) const;

  // Carries it, and nothing has to be sent: same epoch, token in the first half of its life.
  bool Serves(const WantedBinding& wanted, absl::Duration now) const {
    return Carries(wanted) && now < renew_at &&
           (wanted.tenant == nullptr || wanted.tenant->epoch == tenant_epoch);
  }
};

// The statements that go ahead of the user's bytes, each a Query of its own.
struct Prelude {
  std::string bytes;  // empty: nothing to send
  int queries = 0;
  Binding binding;  // what the backend carries once it was sent
};

struct BindClock {
  absl::Duration now;  // worker time
  absl::Time wall_now;
  absl::Duration token_lifetime;
};

// What brings a backend that carries `current` (blank, or the wanted one) to `wanted`. Not to be
// asked when it serves already.
Prelude MakePrelude(const Binding& current,
                    const WantedBinding& wanted,
                    const ShardTarget& target,
                    uint32_t pid,
                    const BindClock& clock);

// A fresh token for the tenant that `current` is bound to.
Prelude RenewalOf(const Binding& current,
                  const ShardTarget& target,
                  uint32_t pid,
                  const BindClock& clock);

}  // namespace pgreeve::pool
