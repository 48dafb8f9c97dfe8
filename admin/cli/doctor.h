// The doctor's checks. Each reads, none changes anything; what cannot be read is a finding, never
// an early end. Main thread only. doctor_command.cc runs them all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "admin/cli/finding.h"
#include "admin/cli/schema_drift.h"
#include "router/base/string_map.h"
#include "router/base/table_set.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/shard_client.h"

namespace pgreeve::cli {

struct TenantHome {
  ShardId shard;
  std::string tier;
};

// What the catalog says, read once.
struct FleetFacts {
  std::vector<metastore::NodeRow> nodes;
  std::vector<metastore::ShardRow> shards;
  std::vector<metastore::RouterRow> routers;
  std::vector<TableFact> tables;  // declared, by name
  StringMap<TenantHome> tenants;  // by the id's text
  Epoch epoch;

  const metastore::NodeRow* FindNode(NodeId id) const;
  std::size_t live_routers() const;
};

// Rows of the sharded tables, as counted on the shards.
struct RowCount {
  int64_t rows = 0;
  int64_t tenants = 0;  // that have rows
};

struct TableAndTier {
  std::string table;
  std::string tier;
  auto operator<=>(const TableAndTier&) const = default;
};

using RowCounts = std::map<TableAndTier, RowCount>;

absl::StatusOr<FleetFacts> ReadFleet(metastore::CatalogClient& catalog);

// Version, audit chain, counters, leases, leader, requests, unfinished shards.
void CheckCatalog(metastore::CatalogClient& catalog, const FleetFacts& fleet, Diagnosis& diagnosis);

// How old what each live router serves from is, by its own metrics.
void CheckRouters(const FleetFacts& fleet, Diagnosis& diagnosis);

// Settings of a node against what its shards need.
void CheckNode(pqlink::Connection& link,
               const metastore::NodeRow& node,
               const FleetFacts& fleet,
               Diagnosis& diagnosis);

// State, roles, isolation, prepared transactions of one shard.
void CheckShard(metastore::ShardClient& client,
                const metastore::ShardRow& shard,
                const FleetFacts& fleet,
                Diagnosis& diagnosis);

// Counts every row of every sharded table and reports those whose tenant lives elsewhere.
void CheckRows(pqlink::Connection& link,
               const metastore::ShardRow& shard,
               const FleetFacts& fleet,
               RowCounts& counts,
               Diagnosis& diagnosis);

// The shapes of the declared tables, for FindDrift.
absl::StatusOr<ShardSchema> ReadSchema(pqlink::Connection& link,
                                       const std::string& shard,
                                       const std::vector<TableFact>& tables);

}  // namespace pgreeve::cli
