// The duty that measures tenants: rows and bytes of each on its home shard, written to
// tenant_sizes. Small partitions are counted, large ones estimated (decide/tenant_share.h). A shard
// that cannot be reached is left out of the round.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "rebalancer/decide/tenant_share.h"
#include "rebalancer/leader.h"
#include "rebalancer/meters.h"
#include "router/base/table_set.h"
#include "router/metastore/catalog_client.h"
#include "router/pqlink/connection.h"

namespace pgreeve::rebalancer {

class Measurer {
 public:
  // The references outlive it.
  Measurer(const Leader& leader, Meters& meters) : leader_(leader), meters_(meters) {}

  absl::Status Round(metastore::CatalogClient& catalog, int64_t lead_token);

 private:
  struct Totals {
    int64_t tenants = 0;
    int64_t bytes = 0;
    int64_t shards = 0;
  };

  absl::Status MeasureShard(metastore::CatalogClient& catalog,
                            const metastore::ShardRow& shard,
                            const std::string& dsn,
                            const std::vector<TableFact>& tables,
                            Totals& totals);

  const Leader& leader_;
  Meters& meters_;
};

}  // namespace pgreeve::rebalancer
