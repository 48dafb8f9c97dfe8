// One version of everything a router must know to serve: shards, tiers, tenants, logins, tables.
// Immutable once built; shared by all workers through shared_ptr<const Placement>; any thread.
// Built by metastore from the catalog database or from the snapshot file (catalog/snapshot.h).
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "router/base/ids.h"
#include "router/base/string_map.h"
#include "router/base/table_set.h"
#include "router/base/tenant_id.h"

namespace pgreeve::catalog {

enum class ShardState : uint8_t { kOpen, kDraining, kCreating, kRetired };

struct TierInfo {
  std::string name;
  bool dedicated = false;
  int32_t tenants_per_shard_max = 1;
  int64_t size_bytes_min = 0;
  int64_t size_bytes_max = 0;  // 0: no bound
};

struct ShardInfo {
  ShardId id;
  std::string name;
  NodeId node;
  std::string host;  // an address or an absolute path of a socket directory
  uint16_t port = 5432;
  std::string database;
  std::string tier;
  std::string region;
  ShardState state = ShardState::kOpen;
  int32_t backends_max = 50;  // budget of this process for the shard, over all its workers
  uint64_t shard_epoch = 0;   // what the shard must answer in a scatter
  int32_t token_kid = 0;      // which key signs tenant tokens
  std::string token_key;      // 32 secret bytes; never logged
};

enum class TenantAccess : uint8_t { kOpen, kReadOnly, kSuspended };

struct TenantInfo {
  TenantId id;
  ShardId shard;
  std::string tier;
  TenantAccess access = TenantAccess::kOpen;
  uint64_t epoch = 0;  // of its last change; part of the tenant token
};

enum class LoginScope : uint8_t { kTenant, kApp, kOperator };

struct LoginInfo {
  std::string name;
  LoginScope scope = LoginScope::kApp;
  std::string verifier;        // SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
  TenantId tenant;             // kTenant only
  bool isolated = true;        // kApp: statements run under the tenant's token (row security)
  bool provision = false;      // kApp: an INSERT of an unknown tenant creates it
  std::string provision_tier;  // with `provision`
  std::string provision_region;
  int32_t connections_max = 0;  // 0: no limit of its own
  bool superadmin = false;      // kOperator: may use the console's verbs
};

// Which Postgres role a backend logs in as. The names and secrets are the fleet's, in the catalog.
enum class RoleClass : uint8_t {
  kTenant,    // pooled role under row security; sees nothing without a token
  kOperator,  // reads past row security (BYPASSRLS)
  kOwner,     // owns tables, runs DDL; no BYPASSRLS, no superuser
};
constexpr std::size_t kRoleClasses = 3;

struct BackendRole {
  std::string user;
  std::string password;  // secret; never logged
};

class Placement {
 public:
  uint32_t timeline = 0;
  uint64_t epoch = 0;
  uint64_t schema_epoch = 0;  // raised when `tables` changes; plan caches are keyed by it
  TenantType tenant_type = TenantType::kUuid;
  std::array<BackendRole, kRoleClasses> roles;
  std::vector<TierInfo> tiers;
  absl::flat_hash_map<ShardId, ShardInfo> shards;
  // The database where cross-shard results are combined; id.value == 0 when there is none. Reached
  // as RoleClass::kOperator.
  ShardInfo combiner;
  StringMap<LoginInfo> logins;
  std::shared_ptr<const TableSet> tables = std::make_shared<TableSet>();

  const ShardInfo* FindShard(ShardId id) const {
    const auto it = shards.find(id);
    return it == shards.end() ? nullptr : &it->second;
  }

  const LoginInfo* FindLogin(std::string_view name) const {
    const auto it = logins.find(name);
    return it == logins.end() ? nullptr : &it->second;
  }

  // Valid as long as this object. Null: no such tenant in this version.
  const TenantInfo* FindTenant(const TenantId& id) const {
    const auto& bucket = buckets_[BucketOf(id)];
    if (bucket == nullptr)
      return nullptr;
    const auto it = bucket->find(id);
    return it == bucket->end() ? nullptr : &it->second;
  }

  // Shards that serve (open or draining), by id.
  std::vector<ShardId> ServingShards() const;

  std::size_t tenant_count() const;

  // For builders only, before the object is shared. Copies the one bucket that changes, so a new
  // version of a large directory costs a delta.
  void PutTenant(TenantInfo tenant);
  void RemoveTenant(const TenantId& id);

  template <class F>
  void ForEachTenant(F f) const {
    for (const auto& bucket : buckets_) {
      if (bucket == nullptr)
        continue;
      for (const auto& [id, tenant] : *bucket)
        f(tenant);
    }
  }

 private:
  static constexpr std::size_t kBuckets = 256;
  using Bucket = absl::flat_hash_map<TenantId, TenantInfo>;

  // Buckets that this object made itself, and may therefore change in place. A copy owns none.
  struct OwnBuckets {
    OwnBuckets() = default;

    OwnBuckets(const OwnBuckets&) {}

    OwnBuckets& operator=(const OwnBuckets&) {
      set.reset();
      return *this;
    }

    std::bitset<kBuckets> set;
  };

  static std::size_t BucketOf(const TenantId& id);
  Bucket& Writable(const TenantId& id);

  std::array<std::shared_ptr<Bucket>, kBuckets> buckets_;
  OwnBuckets own_;
};

}  // namespace pgreeve::catalog
