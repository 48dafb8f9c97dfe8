// Builds a Placement from the catalog's tables, whole or from what has changed. Reads only, inside
// the transaction that the caller opened. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/catalog/placement.h"
#include "router/metastore/rows.h"
#include "router/pqlink/connection.h"

namespace pgreeve::metastore {

class PlacementLoader {
 public:
  // Adds to `placement`, whose tenant_type must be set.
  PlacementLoader(pqlink::Connection& connection, catalog::Placement& placement)
      : connection_(connection),
        placement_(placement) {}

  absl::Status All();
  // One kind of the change log, and the keys of it that changed.
  absl::Status Changed(std::string_view kind, const std::vector<std::string>& keys);

 private:
  absl::Status Tenants();
  absl::Status Tenants(const std::vector<std::string>& ids);
  absl::Status Topology();  // tiers, shards, combiner
  absl::Status Logins();
  absl::Status Tables();
  absl::Status Roles();
  absl::Status PutTenants(const pqlink::Result& rows);

  pqlink::Connection& connection_;
  catalog::Placement& placement_;
};

// Columns of shards joined with nodes, as AddShard, ListShards and the loader read them.
extern const char kShardColumns[];
catalog::ShardInfo ShardOf(const pqlink::Result& rows, int row);
extern const char kLoginColumns[];
absl::StatusOr<catalog::LoginInfo> LoginOf(TenantType type, const pqlink::Result& rows, int row);

}  // namespace pgreeve::metastore
