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
#include <functional>
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

namespace pgreeve::metrics {
class Slots;
}  // namespace pgreeve::metrics

namespace pgreeve::pool {

struct PoolOptions {
  int32_t backends_per_shard_max = 20;  // of one role class, over all workers of this process
  absl::Duration queue_timeout = absl::Seconds(5);
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration server_lifetime = absl::Hours(1);  // closed when free after this
  absl::Duration server_idle_timeout = absl::Minutes(10);
  absl::Duration unbind_idle = absl::Milliseconds(500);  // free and bound this long → unbound
  absl::Duration token_lifetime = absl::Minutes(5);      // rebind at half of it
  absl::Duration reset_timeout = absl::Seconds(2);       // an unbind without answer closes
  int32_t waiters_max = 20000;                           // per worker, shard and role class
  std::string router_name = "r1";
  uint64_t incarnation = 0;
  // Log in with SCRAM-SHA-256 or not at all. Without it a shard that is not what it seems may ask
  // for the role's password, which is the same on all shards.
  bool scram_only = false;
};

// Connections of one (shard, role class) that all workers together may hold. Any thread.
// A pool that gets none asks for one: the others are told through their workers, give up an idle
// one or, when they hold more than their share, the next one that comes back; the asker tries again
// when a connection is returned, and by a timer (kRetryFirst … kRetryLast) in case that it lost the
// race.
class ConnectionBudget {
 public:
  ConnectionBudget();
  ~ConnectionBudget();
  ConnectionBudget(const ConnectionBudget&) = delete;
  ConnectionBudget& operator=(const ConnectionBudget&) = delete;

  // False when the limit is reached.
  bool TryTake(ShardId shard, catalog::RoleClass role, int32_t limit);
  void Return(ShardId shard, catalog::RoleClass role);

  static constexpr absl::Duration kRetryFirst = absl::Milliseconds(5);
  static constexpr absl::Duration kRetryLast = absl::Milliseconds(40);

  // What the pools themselves use. Numbers that any thread may read; they live as long as this.
  struct Share {
    std::atomic<int32_t> taken = 0;
    std::atomic<int32_t> hungry = 0;   // pools that wait for a connection
    std::atomic<int32_t> members = 0;  // pools that hold or want connections
  };

  Share& ShareOf(ShardId shard, catalog::RoleClass role);

  // `told` runs on `worker` when a connection was returned while somebody is hungry, or somebody
  // became hungry. Not after Unsubscribe, which must be called on the worker's thread.
  using Told = std::function<void(ShardId, catalog::RoleClass)>;
  uint64_t Subscribe(net::Worker& worker, Told told);
  void Unsubscribe(uint64_t subscription);
  // Tells all pools but the caller's.
  void Ask(ShardId shard, catalog::RoleClass role, uint64_t subscription);

 private:
  struct Slots;
  std::unique_ptr<Slots> slots_;
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
  kClean,   // 'I', owes nothing, no session state but what LeaseRequest asked for
  kDirty,   // 'I', owes nothing, but session state may have changed: full reset before reuse
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

struct PoolMetrics;  // counters, see pool/pool_metrics.h

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

  // For a lease that lasts over many transactions: when the tenant's token is past half of its
  // life, a fresh one goes ahead of the next bytes sent. Call it at the start of a transaction,
  // with nothing owed to the backend or by it. Cost: a comparison.
  void RenewBinding(Backend* backend);

  std::vector<PoolStats> Stats() const;
  // Closes idle backends and every leased one when it comes back; for drain and shutdown. New
  // leases open new connections.
  void CloseAll();

  // Valid as long as the pool; any thread may read the numbers.
  const PoolMetrics& metrics() const;
  // Counts into the worker's slots as well. Null: no more.
  void CountInto(metrics::Slots* slots);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgreeve::pool
