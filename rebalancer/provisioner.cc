#include "rebalancer/provisioner.h"

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/log/log.h"
#include "router/metastore/provision.h"

namespace pgreeve::rebalancer {

absl::Status Provisioner::Round(metastore::CatalogClient& catalog, int64_t lead_token) {
  RETURN_IF_ERROR(catalog.RequestSpares(actor_));
  while (leader_.Token() == lead_token) {
    const auto served = metastore::ServeShardRequest(catalog, lead_token, actor_);
    if (!served.ok()) {
      const SqlError error = ToSqlError(served.status());
      meters_.ShardFailed();
      log::Error(
          "shard_failed", error.message, {{"sqlstate", error.sqlstate}, {"detail", error.detail}});
      return served.status();
    }
    if (!*served)
      break;
    meters_.ShardCreated();
    log::Info("shard_created", "a request for a shard was served");
  }
  return absl::OkStatus();
}

}  // namespace pgreeve::rebalancer
