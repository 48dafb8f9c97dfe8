// Every backend connection of one worker: opens, attaches, binds to tenants, lends, takes back,
// unbinds, closes. Which backend to lend is decided by policy/ (pure); this class does it.
// Worker thread only.
//
// States of a tenant-role backend: unbound and confirmed; bound to one tenant; unbinding.
// A backend serves another tenant only after its unbind was confirmed (ReadyForQuery seen); a bind
// is sent ahead of the user's bytes only on a confirmed-unbound backend, in a Sync segment of its
// own (docs/adr/0003).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include "router/base/ids.h"
#include "router/base/status.h"
#include "router/catalog/placement.h"
#include "router/net/worker.h"
#include "router/pool/backend.h"

namespace pgreeve::pool {

struct PoolOptions {
  int32_t backends_per_shard_max = 20;  // of one role class, over all workers of this process
  absl::Duration queue_timeout = absl::Seconds(5);
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration server_lifetime = absl::Hours(1);      // closed when free after this
  absl::Duration server_idle_timeout = absl::Minutes(10);
  absl::Duration unbind_idle = absl::Milliseconds(500);  // free and bound this long → unbound
  absl::Duration token_lifetime = absl::Minutes(5);      // rebind at half of it
  absl::Duration reset_timeout = absl::Seconds(2);       // an unbind without answer closes
  int32_t waiters_max = 20000;                           // per worker and shard
  std::string router_name = "r1";
  uint64_t incarnation = 0;
};

// Connections of one (shard, role class) that all workers together may hold. Any thread.
class ConnectionBudget {
 public:
  // False when the limit is reached.
  bool TryTake(ShardId shard, catalog::RoleClass role, int32_t limit);
  void Return(ShardId shard, catalog::RoleClass role);

 private:
  struct Slots;
  std::shared_ptr<Slots> slots_;

 public:
  ConnectionBudget();
};

// Session settings that a backend must carry before it serves a session (SET, startup options).
// Two sessions with equal text have equal ids; id 0 = none. Immutable.
struct SettingsSet {
  uint64_t id = 0;
  std::string sql;  // "SET a = 'x'; SET b = 'y'", complete statements; run after RESET ALL
};

struct LeaseRequest {
  ShardId shard;
  catalog::RoleClass role = catalog::RoleClass::kTenant;
  // RoleClass::kTenant with null: an unbound backend (sees no tenant rows). Must stay valid until
  // the lease is granted.
  const catalog::TenantInfo* tenant = nullptr;
  std::shared_ptr<const SettingsSet> settings;  // null: none
};

class Waiter {
 public:
  virtual void OnLease(Backend* backend) = 0;
  // 53300 queue timeout or full queue, 08001/57P03 shard unreachable, 28xxx refused login,
  // 08006 unbind failed too often.
  virtual void OnLeaseFailed(const SqlError& error) = 0;

 protected:
  ~Waiter() = default;
};

enum class Return : uint8_t {
  kClean,  // 'I', owes nothing, no session state but what LeaseRequest asked for
  kDirty,  // 'I', owes nothing, but session state may have changed: full reset before reuse
  kBroken,  // anything else: the connection is closed
};

struct PoolStats {
  ShardId shard;
  catalog::RoleClass role;
  int32_t active = 0;
  int32_t idle = 0;
  int32_t opening = 0;
  int32_t unbinding = 0;
  int32_t waiting = 0;
  absl::Duration oldest_wait;
};

class PoolMetrics;  // counters, see pool/pool_metrics.h

class Pool {
 public:
  // `worker`, `budget` must outlive the pool.
  Pool(net::Worker& worker, ConnectionBudget& budget, PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void SetPlacement(std::shared_ptr<const catalog::Placement> placement);
  void SetOptions(PoolOptions options);

  // Returns a backend at once when one is at hand, and sets `user` on it. Else queues `waiter`
  // (first in, first out per shard and role; a backend bound to the same tenant is preferred) and
  // returns null; exactly one callback follows, never inside this call.
  Backend* Acquire(const LeaseRequest& request, BackendUser* user, Waiter* waiter);
  // Forgets a queued waiter: no callback follows. No effect when it does not wait.
  void Forget(Waiter* waiter);
  // Ends a lease. The backend may be lent to the next waiter in the same turn.
  void Release(Backend* backend, Return how);

  // Sends a CancelRequest for what `backend` runs now, over a connection of its own. The backend
  // is not lent to anybody else until that connection has ended.
  void CancelQuery(Backend* backend);

  std::vector<PoolStats> Stats() const;
  // Closes idle backends and every leased one when it comes back; for drain and shutdown.
  void CloseAll();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgreeve::pool
