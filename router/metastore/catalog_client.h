// The catalog database as verbs and reads: one method, one transaction. Every verb raises the epoch
// and writes change log, audit row and NOTIFY in the transaction that does it. Changes of placement
// are serialised by the lock of the meta row, so epochs commit in order and a reader of the change
// log misses none. Blocking; one thread at a time. Owned by Follower, pgreevectl, the rebalancer.
//
// `actor` is who asked, for the audit ("console:alice", "pgreevectl:root", "rebalancer:b1").
// Errors not named at a method: 08xxx when the catalog is away, 42P01 when it was never
// initialised.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "router/catalog/placement.h"
#include "router/metastore/rows.h"
#include "router/pqlink/connection.h"

namespace pgreeve::metastore {

// Channels of NOTIFY; wake-ups only, the payload is the epoch.
constexpr char kChangeChannel[] = "pgreeve_change";
constexpr char kRequestChannel[] = "pgreeve_request";

// The number under which the combiner's ShardInfo goes; shards of the catalog start at 1.
constexpr ShardId kCombinerShard{-1};

class CatalogClient {
 public:
  static absl::StatusOr<std::unique_ptr<CatalogClient>> Open(
      const std::string& dsn, const pqlink::ConnectOptions& options = {});
  explicit CatalogClient(std::unique_ptr<pqlink::Connection> connection);
  ~CatalogClient();

  pqlink::Connection& connection() { return *connection_; }

  bool ok() const { return connection_->ok(); }

  // Of the last change that this client committed; 0 = none yet.
  uint64_t last_epoch() const { return last_epoch_; }

  // ---- schema of the catalog
  // Makes schema pgreeve, the default tiers (enterprise, business, starter), region "local", and
  // the backend roles with random passwords. Errors: 42P06 when it exists.
  absl::Status Init(TenantType type, std::string_view actor);
  // Applies the migrations that are missing; returns the version reached. Safe to repeat.
  absl::StatusOr<int32_t> Upgrade();
  absl::StatusOr<int32_t> Version();

  // ---- placement
  absl::StatusOr<std::shared_ptr<const catalog::Placement>> LoadPlacement();
  // The version that follows `previous`, built from it and the change log; null when nothing has
  // changed. Loads everything when the timeline is another or the log does not reach back.
  absl::StatusOr<std::shared_ptr<const catalog::Placement>> LoadChanges(
      const std::shared_ptr<const catalog::Placement>& previous);
  absl::StatusOr<Epoch> CurrentEpoch();
  absl::StatusOr<TenantType> GetTenantType();

  // ---- tenants
  // Places each tenant: tier and region → open shards with room → rendezvous hash. All or none.
  // Errors: 42710 one exists; 22023 unknown tier or region; 57P03 "a shard is being created for …":
  // no shard had room, so nothing was placed and a shard_requests row waits for the rebalancer
  // (repeat later; IsShardPending tells this 57P03 from others).
  absl::StatusOr<std::vector<catalog::TenantInfo>> CreateTenants(std::span<const TenantSpec> specs,
                                                                 std::string_view actor);
  absl::StatusOr<catalog::TenantInfo> CreateTenant(const TenantSpec& spec, std::string_view actor);
  // Like CreateTenant; a tenant that exists already is returned as it is.
  absl::StatusOr<catalog::TenantInfo> EnsureTenant(const TenantSpec& spec, std::string_view actor);
  absl::Status SetTenantAccess(const TenantId& id,
                               catalog::TenantAccess access,
                               std::string_view actor);
  absl::StatusOr<std::vector<TenantRow>> ListTenants();
  static bool IsShardPending(const absl::Status& status);

  // ---- logins. The verifier must be a SCRAM-SHA-256 one. Errors: 42710 exists, 42704 missing,
  // 22023 what contradicts the scope (e.g. kTenant without an existing tenant).
  absl::Status CreateLogin(const catalog::LoginInfo& login, std::string_view actor);
  absl::Status AlterLogin(const catalog::LoginInfo& login, std::string_view actor);  // whole row
  absl::Status DropLogin(std::string_view name, std::string_view actor);
  absl::StatusOr<std::vector<catalog::LoginInfo>> ListLogins();

  // ---- tables. Declaring again replaces. Both raise schema_epoch.
  absl::Status DeclareTable(const TableFact& table, std::string_view actor);
  absl::Status DropTable(std::string_view schema, std::string_view name, std::string_view actor);

  // ---- topology
  absl::Status AddRegion(std::string_view name, std::string_view actor);
  absl::Status PutTier(const catalog::TierInfo& tier, std::string_view actor);
  absl::Status DropTier(std::string_view name, std::string_view actor);  // 2BP01 when in use
  absl::StatusOr<std::vector<catalog::TierInfo>> ListTiers();
  absl::StatusOr<NodeId> AddNode(const NodeRow& node, std::string_view actor);
  absl::Status DropNode(NodeId id, std::string_view actor);  // 2BP01 when it holds shards
  absl::StatusOr<std::vector<NodeRow>> ListNodes();
  absl::StatusOr<catalog::ShardInfo> AddShard(const ShardSpec& spec, std::string_view actor);
  absl::Status SetShardState(ShardId id, catalog::ShardState state, std::string_view actor);
  // 23514 below the number of tenants it holds.
  absl::Status SetShardCapacity(ShardId id, int32_t capacity, std::string_view actor);
  absl::Status DropShard(ShardId id, std::string_view actor);  // 2BP01 when it holds tenants
  absl::StatusOr<std::vector<ShardRow>> ListShards();
  // The database where cross-shard results are combined.
  absl::Status SetCombiner(NodeId node, std::string_view database, std::string_view actor);

  // ---- fleet secrets and settings
  absl::Status SetBackendRole(catalog::RoleClass role,
                              const catalog::BackendRole& login,
                              std::string_view actor);
  absl::Status SetSetting(std::string_view name, std::string_view value, std::string_view actor);
  absl::StatusOr<std::optional<std::string>> GetSetting(std::string_view name);

  // ---- routers
  // A new incarnation of `router` with a lease of `lease`. Replaces what was registered under the
  // name.
  absl::Status RegisterRouter(const RouterRow& router, absl::Duration lease);
  // Extends the lease and records `acked`. False: another incarnation has the name, or the row is
  // gone; register again.
  absl::StatusOr<bool> RenewLease(const RouterRow& router, absl::Duration lease);
  absl::Status UnregisterRouter(std::string_view name, uint64_t incarnation);
  absl::StatusOr<std::vector<RouterRow>> ListRouters();

  // ---- rebalancer leadership, by the catalog's clock
  // The fencing token when `holder` leads now (again or still); empty when somebody else does. The
  // token grows with every change of leader.
  absl::StatusOr<std::optional<int64_t>> TryLead(std::string_view holder,
                                                 std::string_view address,
                                                 absl::Duration lease);
  // False: the lease was lost.
  absl::StatusOr<bool> RenewLead(int64_t token, absl::Duration lease);
  absl::Status ResignLead(int64_t token);
  absl::StatusOr<std::optional<LeaderRow>> Leader();

  // ---- shard requests. Those with `lead_token` fail with 55000 when the token is no longer the
  // leader's.
  // Idempotent: one open request per tier and region.
  absl::StatusOr<int64_t> RequestShard(std::string_view tier,
                                       std::string_view region,
                                       std::string_view actor);
  // Tiers and regions without a shard that has room (what a spare would serve), with no open
  // request. Only regions that have a node, only tiers that `kept_spare` of the setting
  // placement.spare_tiers names (comma separated; default: none).
  absl::Status RequestSpares(std::string_view actor);
  // The oldest waiting request, or one taken by an earlier leader; empty when there is none.
  absl::StatusOr<std::optional<ShardRequest>> TakeShardRequest(int64_t lead_token);
  // `shard` set: done; else failed with `error`.
  absl::Status FinishShardRequest(int64_t lead_token,
                                  int64_t id,
                                  ShardId shard,
                                  std::string_view error);
  absl::StatusOr<std::vector<ShardRequest>> ListShardRequests();

  // ---- fleet DDL. Between Begin and Finish no new shard opens, so the shards known at the epoch
  // that Begin leaves (last_epoch) are all there are; one that is being created replays it later.
  absl::StatusOr<int64_t> BeginSchemaDdl(std::string_view sql, std::string_view actor);
  absl::Status FinishSchemaDdl(int64_t seq, bool succeeded);
  // Both in one, for a statement that has run everywhere already.
  absl::StatusOr<int64_t> AppendSchemaDdl(std::string_view sql, std::string_view actor);
  // The journal of statements that succeeded, in order, plus those that still run.
  absl::StatusOr<std::vector<SchemaDdl>> ListSchemaDdl();
  // Opens a shard that was created from the journal up to `seq`. False: the journal has grown or a
  // statement runs; replay the rest and try again.
  absl::StatusOr<bool> OpenCreatedShard(ShardId id, int64_t seq, std::string_view actor);

  // ---- two-phase commit
  // Writes the decision unless the gid has one; returns the one that stands (true = commit).
  absl::StatusOr<bool> RecordDecision(std::string_view gid, bool commit);
  absl::StatusOr<std::vector<TwoPhaseDecision>> ListDecisions();
  absl::Status ForgetDecisions(std::span<const std::string> gids);

  // ---- measurements
  absl::Status WriteTenantSizes(std::span<const TenantSize> sizes);
  absl::Status AddTenantLoad(std::string_view router, std::span<const TenantLoad> deltas);

  // ---- audit
  // A row of its own, hash chained; `details` is JSON (empty: {}).
  absl::Status AppendAudit(std::string_view actor,
                           std::string_view verb,
                           std::string_view object,
                           std::string_view details);
  // Newest first.
  absl::StatusOr<std::vector<AuditRow>> ListAudit(int32_t limit);
  // The id of the first row whose hash does not follow from the one before it; empty = intact.
  absl::StatusOr<std::optional<int64_t>> VerifyAudit();

 private:
  struct Verb {
    std::string_view actor;
    std::string_view name;
    std::string object;
    std::string details;  // JSON; empty: {}
  };

  struct ChangeKey {
    std::string kind;
    std::string key;
  };

  // Notes what a verb changed, for the change log.
  class Change {
   public:
    explicit Change(uint64_t epoch) : epoch_(epoch) {}

    uint64_t epoch() const { return epoch_; }

    void Note(std::string_view kind, std::string_view key) {
      keys_.push_back({std::string(kind), std::string(key)});
    }

    const std::vector<ChangeKey>& keys() const { return keys_; }

   private:
    uint64_t epoch_;
    std::vector<ChangeKey> keys_;
  };

  // Runs `body` in one transaction under the meta lock at a new epoch; commits change log, audit
  // and NOTIFY with it.
  absl::Status Apply(const Verb& verb, absl::FunctionRef<absl::Status(Change&)> body);
  absl::Status PlaceTenants(std::span<const TenantSpec> specs,
                            Change& change,
                            std::vector<catalog::TenantInfo>& placed);
  absl::Status ResolveHome(TenantSpec& spec);
  absl::Status PutLogin(const catalog::LoginInfo& login, bool create, std::string_view actor);

  std::unique_ptr<pqlink::Connection> connection_;
  uint64_t last_epoch_ = 0;
  std::optional<TenantType> tenant_type_;
};

}  // namespace pgreeve::metastore
