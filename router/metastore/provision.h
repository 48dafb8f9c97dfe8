// Makes shards: what the rebalancer does with a shard request, and what pgreevectl does with
// "add shard". Blocking; one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/metastore/catalog_client.h"
#include "router/metastore/shard_client.h"

namespace pgreeve::metastore {

// Creates the database if it is missing, installs schema pgreeve, replays the fleet's DDL journal,
// copies the rows of reference tables from an open shard, protects the declared tables, and opens
// the shard in the catalog. Each step can run twice; a shard that a crash left in state "creating"
// is finished by calling this again with its number.
absl::Status CreateShard(CatalogClient& catalog, ShardId shard, std::string_view actor);

// Registers a shard row in state "creating" and runs CreateShard on it.
absl::StatusOr<catalog::ShardInfo> ProvisionShard(CatalogClient& catalog,
                                                  const ShardSpec& spec,
                                                  std::string_view actor);

// Serves one waiting request: node of the same region with most headroom, ProvisionShard, done.
// True when there was one. A request that fails is marked failed and its error returned.
absl::StatusOr<bool> ServeShardRequest(CatalogClient& catalog,
                                       int64_t lead_token,
                                       std::string_view actor);

// Makes the combiner database on `node` (schema pgreeve without tenant tables) and names it in the
// catalog.
absl::Status ProvisionCombiner(CatalogClient& catalog,
                               NodeId node,
                               std::string_view database,
                               std::string_view actor);

}  // namespace pgreeve::metastore
