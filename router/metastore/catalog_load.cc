// CatalogClient: reading the directory, whole or as what has changed.
#include <string>

#include <absl/container/flat_hash_map.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/placement_loader.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

// With more changed rows than this, everything is loaded instead.
constexpr int kDeltaRowsMax = 50000;

constexpr char kReadOnlySnapshot[] = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

struct Meta {
  TenantType tenant_type = TenantType::kUuid;
  uint32_t timeline = 0;
  uint64_t epoch = 0;
  uint64_t schema_epoch = 0;
  uint64_t change_log_from = 0;
};

absl::StatusOr<Meta> ReadMeta(pqlink::Connection& connection) {
  ASSIGN_OR_RETURN(const auto row,
                   connection.Exec("SELECT tenant_type,"
                                   " left(pg_walfile_name(pg_current_wal_lsn()), 8),"
                                   " epoch, schema_epoch, change_log_from FROM pgreeve.meta"));
  if (row.rows() != 1)
    return SqlStatus("55000", "the catalog has no meta row");
  Meta meta;
  ASSIGN_OR_RETURN(meta.tenant_type, ParseTenantType(row.Text(0, 0)));
  meta.timeline = static_cast<uint32_t>(std::stoul(std::string(row.Text(0, 1)), nullptr, 16));
  meta.epoch = static_cast<uint64_t>(row.Int(0, 2));
  meta.schema_epoch = static_cast<uint64_t>(row.Int(0, 3));
  meta.change_log_from = static_cast<uint64_t>(row.Int(0, 4));
  return meta;
}

void SetVersion(const Meta& meta, catalog::Placement& placement) {
  placement.tenant_type = meta.tenant_type;
  placement.timeline = meta.timeline;
  placement.epoch = meta.epoch;
  placement.schema_epoch = meta.schema_epoch;
}

absl::StatusOr<std::shared_ptr<const catalog::Placement>> LoadAll(pqlink::Connection& connection,
                                                                  const Meta& meta) {
  auto placement = std::make_shared<catalog::Placement>();
  SetVersion(meta, *placement);
  RETURN_IF_ERROR(PlacementLoader(connection, *placement).All());
  return placement;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const catalog::Placement>> CatalogClient::LoadPlacement() {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_, kReadOnlySnapshot));
  ASSIGN_OR_RETURN(const Meta meta, ReadMeta(*connection_));
  return LoadAll(*connection_, meta);
}

absl::StatusOr<std::shared_ptr<const catalog::Placement>> CatalogClient::LoadChanges(
    const std::shared_ptr<const catalog::Placement>& previous) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_, kReadOnlySnapshot));
  ASSIGN_OR_RETURN(const Meta meta, ReadMeta(*connection_));
  if (previous != nullptr && meta.timeline == previous->timeline && meta.epoch == previous->epoch)
    return nullptr;
  const bool follows = previous != nullptr && meta.timeline == previous->timeline &&
                       meta.epoch > previous->epoch && previous->epoch >= meta.change_log_from;
  if (!follows)
    return LoadAll(*connection_, meta);
  ASSIGN_OR_RETURN(const auto changes,
                   connection_->Exec("SELECT DISTINCT kind, key FROM pgreeve.change_log"
                                     " WHERE epoch > $1 LIMIT $2",
                                     {previous->epoch, kDeltaRowsMax + 1}));
  if (changes.rows() > kDeltaRowsMax)
    return LoadAll(*connection_, meta);
  absl::flat_hash_map<std::string, std::vector<std::string>> by_kind;
  for (int i = 0; i < changes.rows(); i++)
    by_kind[std::string(changes.Text(i, 0))].emplace_back(changes.Text(i, 1));
  auto placement = std::make_shared<catalog::Placement>(*previous);
  SetVersion(meta, *placement);
  PlacementLoader loader(*connection_, *placement);
  for (const auto& [kind, keys] : by_kind)
    RETURN_IF_ERROR(loader.Changed(kind, keys));
  return placement;
}

}  // namespace pgreeve::metastore
