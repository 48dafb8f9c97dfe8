// The duty that ends what dead routers left prepared: inserts *abort* in the catalog under the gid
// unless a decision stands, then does what stands. A slow router cannot commit behind it, because
// its own decision comes too late (fencing, "Two-phase commit").
#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "rebalancer/decide/orphan.h"
#include "rebalancer/leader.h"
#include "rebalancer/meters.h"
#include "router/base/string_map.h"
#include "router/metastore/catalog_client.h"
#include "router/pqlink/connection.h"

namespace pgreeve::rebalancer {

class OrphanResolver {
 public:
  // Younger transactions are left to the router that prepared them.
  static constexpr absl::Duration kAgeMin = absl::Seconds(10);

  // The references outlive it.
  OrphanResolver(const Leader& leader, Meters& meters, absl::Duration age_min = kAgeMin)
      : leader_(leader),
        meters_(meters),
        age_min_(age_min) {}

  absl::Status Round(metastore::CatalogClient& catalog, int64_t lead_token);

 private:
  absl::Status VisitNode(metastore::CatalogClient& catalog,
                         const metastore::NodeRow& node,
                         int64_t& in_doubt);
  absl::Status Resolve(metastore::CatalogClient& catalog,
                       const metastore::NodeRow& node,
                       const PreparedTransaction& orphan);

  const Leader& leader_;
  Meters& meters_;
  const absl::Duration age_min_;
  StringMap<std::unique_ptr<pqlink::Connection>> links_;  // by node name
};

}  // namespace pgreeve::rebalancer
