// What the sessions of one worker share: its loop, pool, planner, the current placement, limits and
// the doors to the control threads. Worker thread only, except where it says otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "router/base/ids.h"
#include "router/base/status.h"
#include "router/base/tenant_id.h"
#include "router/catalog/placement.h"
#include "router/metrics/slots.h"
#include "router/metrics/tiers.h"
#include "router/net/worker.h"
#include "router/plan/planner.h"
#include "router/plan/scatter_plan.h"
#include "router/pool/pool.h"
#include "router/session/prepared.h"

namespace pgreeve::session {

class Session;

struct NewTenant {
  TenantId id;
  std::string tier;    // empty: the default
  std::string region;  // likewise
  std::string actor;
  bool automatic = false;  // by INSERT: rate-limited
};

// Verbs that need the catalog. They run on a control thread; `done` is called on the worker that
// asked, after the placement that contains the change has reached it.
class ControlServices {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;

  virtual ~ControlServices() = default;
  // Errors: 42710 exists, 57P03 a shard is being created, 08006 catalog down, …
  virtual void CreateTenant(int worker, NewTenant tenant, Done done) = 0;
  virtual void DeclareTable(int worker, TableFact fact, std::string actor, Done done) = 0;
  // Takes a declaration back: the table was dropped or has another name now.
  virtual void ForgetTable(
      int worker, std::string schema, std::string table, std::string actor, Done done) = 0;
  // Around a DDL text that runs on every shard: it is journalled for shards made later, and none is
  // made meanwhile. Errors of Begin: 55006 while a shard is being created.
  using Begun = absl::AnyInvocable<void(absl::StatusOr<int64_t>)>;
  virtual void BeginDdl(int worker, std::string sql, std::string actor, Begun done) = 0;
  virtual void FinishDdl(int worker, int64_t sequence, bool succeeded, Done done) = 0;
  // Writes the decision of a two-phase transaction before its second phase.
  virtual void RecordCommit(int worker, std::string gid, Done done) = 0;
  // A line in the audit log; what happens to it is counted, not awaited.
  virtual void Audit(std::string actor, std::string action, std::string subject) = 0;
  // False while the router holds no lease: then no scatter and no two-phase commit is started.
  virtual bool HasLease() const = 0;
  // Hands a cancel request to the worker that issued the key. Any thread.
  virtual void Cancel(uint32_t pid, std::string secret) = 0;
  virtual void LoginFailed(std::string user, std::string peer, SqlError error) = 0;
  // RELOAD of the console: reads the settings file again, as SIGHUP does.
  virtual void Reload() = 0;
};

struct SessionLimits {
  uint32_t message_bytes_max = 64 << 20;
  std::size_t batch_bytes_max = 64 << 20;          // one Parse…Sync unit, buffered
  std::size_t client_pending_bytes_max = 1 << 20;  // kept for a client that does not read
  std::size_t backend_pending_bytes_max = 1 << 20;
  int32_t sessions_max = 10000;             // per worker
  int32_t prepared_statements_max = 5000;   // per session
  std::size_t backend_prepared_max = 1000;  // per backend
  absl::Duration login_timeout = absl::Seconds(15);
  absl::Duration idle_transaction_timeout = absl::ZeroDuration();  // 0: none
  absl::Duration provision_wait = absl::Seconds(10);
  plan::MergeEngine engine = plan::MergeEngine::kAuto;
  bool combine_verify = false;
  std::size_t merge_rows_max = 1000000;
  std::size_t merge_bytes_max = 256 << 20;
  absl::Duration scatter_timeout = absl::Minutes(5);
  std::vector<std::string> tenant_columns;  // routing.tenant_columns
};

struct WorkerContext {
  net::Worker& worker;
  pool::Pool& pool;
  plan::Planner& planner;
  metrics::Slots& slots;
  ControlServices& control;
  metrics::TierNames& tiers;
  SessionLimits limits = {};
  std::string router_name = {};
  uint64_t incarnation = 0;
  std::string version = {};
  std::string mock_secret = {};  // for SCRAM exchanges of users that do not exist

  std::shared_ptr<const catalog::Placement> placement = {};
  uint64_t placement_version = 0;  // raised with every new placement; views are refreshed by it
  uint64_t next_gid = 1;
  bool draining = false;

  StatementRegistry statements = {};
  absl::flat_hash_map<uint32_t, Session*> by_pid = {};  // cancel keys
  absl::flat_hash_set<Session*> sessions = {};
  StringMap<std::string> server_parameters = {};  // as backends report them
  StringMap<int32_t> login_connections = {};

  // The shard for introspection: the same for all sessions of the fleet, so that oids agree.
  ShardId CatalogShard() const {
    ShardId best;
    if (placement != nullptr) {
      for (const auto& [id, shard] : placement->shards) {
        if (shard.state == catalog::ShardState::kOpen && (!best || id < best))
          best = id;
      }
    }
    return best;
  }
};

}  // namespace pgreeve::session
