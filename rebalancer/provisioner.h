// The duty that makes shards: asks for the spares that the settings want, then serves what waits.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "rebalancer/leader.h"
#include "rebalancer/meters.h"
#include "router/metastore/catalog_client.h"

namespace pgreeve::rebalancer {

class Provisioner {
 public:
  // `actor` for the audit: "rebalancer:rb1". The references outlive it.
  Provisioner(std::string actor, const Leader& leader, Meters& meters)
      : actor_(std::move(actor)),
        leader_(leader),
        meters_(meters) {}

  // Serves requests until none waits, the lead is lost, or one fails.
  absl::Status Round(metastore::CatalogClient& catalog, int64_t lead_token);

 private:
  const std::string actor_;
  const Leader& leader_;
  Meters& meters_;
};

}  // namespace pgreeve::rebalancer
