// What the catalog's tables hold, as plain values. Immutable once read; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "router/base/ids.h"
#include "router/base/tenant_id.h"
#include "router/catalog/placement.h"

namespace pgreeve::metastore {

// A Postgres cluster. `admin_dsn` reaches it as a superuser (database postgres); a secret.
struct NodeRow {
  NodeId id;  // given by the catalog
  std::string name;
  std::string host;  // where routers reach it: an address or an absolute socket directory
  uint16_t port = 5432;
  std::string region;
  std::string admin_dsn;
  int32_t shards_max = 100;  // headroom is shards_max minus shards
  int32_t shards = 0;        // read only
};

struct ShardRow {
  catalog::ShardInfo info;
  int32_t tenants = 0;
  int32_t capacity = 0;
};

// For AddShard. Region, host and port are the node's; the token key is made by the catalog.
struct ShardSpec {
  std::string name;  // empty: "s<number>"
  NodeId node;
  std::string database;  // empty: "pgreeve_<name>"
  std::string tier;
  catalog::ShardState state = catalog::ShardState::kOpen;
  int32_t capacity = 0;  // 0: the tier's tenants_per_shard_max
  int32_t backends_max = 50;
};

struct TenantSpec {
  TenantId id;
  std::string tier;    // empty: setting placement.default_tier, else the smallest shared tier
  std::string region;  // empty: setting placement.default_region, else the only region
};

struct TenantRow {
  catalog::TenantInfo info;
  std::string region;
  std::string shard_name;
  int64_t size_bytes = -1;  // last measured; -1: never
  absl::Time created_at;
};

struct RouterRow {
  std::string name;
  uint64_t incarnation = 0;
  std::string address;       // host:port of the Postgres protocol
  std::string http_address;  // host:port of HTTP
  Epoch acked;
  absl::Time started_at;
  absl::Time lease_until;
  bool live = false;  // lease_until is in the future, by the catalog's clock
};

struct LeaderRow {
  std::string holder;
  std::string address;
  int64_t token = 0;
  absl::Time lease_until;
  bool live = false;
};

struct ShardRequest {
  int64_t id = 0;
  std::string tier;
  std::string region;
  std::string state;  // waiting, taken, done, failed
  std::string error;
  ShardId shard;  // when done
  absl::Time requested_at;
};

struct TwoPhaseDecision {
  std::string gid;
  bool commit = false;
  absl::Time decided_at;
};

struct TenantSize {
  TenantId tenant;
  int64_t bytes = 0;
  int64_t rows = 0;
};

// What one router saw of a tenant since its last report.
struct TenantLoad {
  TenantId tenant;
  int64_t queries = 0;
  int64_t server_time_us = 0;
  int64_t rows = 0;
  int64_t bytes = 0;
};

struct SchemaDdl {
  int64_t seq = 0;
  std::string sql;
  std::string state;  // running, done, failed
};

struct AuditRow {
  int64_t id = 0;
  absl::Time at;
  std::string actor;
  std::string verb;
  std::string object;
  std::string details;  // JSON
};

}  // namespace pgreeve::metastore
