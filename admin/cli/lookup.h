// Finds catalog rows by the name a person types. Main thread only.
#pragma once

#include <string_view>

#include <absl/status/statusor.h>

#include "router/metastore/catalog_client.h"

namespace pgreeve::cli {

// By name, or by number where no name fits. Errors: 42704 with the names that exist.
absl::StatusOr<metastore::NodeRow> FindNode(metastore::CatalogClient& catalog,
                                            std::string_view name);
absl::StatusOr<metastore::ShardRow> FindShard(metastore::CatalogClient& catalog,
                                              std::string_view name);

// Errors: 42704.
absl::StatusOr<catalog::LoginInfo> FindLogin(metastore::CatalogClient& catalog,
                                             std::string_view name);

std::string_view ToString(catalog::ShardState state);
std::string_view ToString(catalog::TenantAccess access);
std::string_view ToString(catalog::LoginScope scope);

}  // namespace pgreeve::cli
