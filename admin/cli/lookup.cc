#include "admin/cli/lookup.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

constexpr std::size_t kNamesInHintMax = 12;

absl::Status NotFound(std::string_view kind,
                      std::string_view name,
                      const std::vector<std::string>& names) {
  std::string hint = names.empty() ? fmt::format("There is no {} yet.", kind) : "There are: ";
  for (std::size_t i = 0; i < names.size() && i < kNamesInHintMax; ++i)
    hint += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kNamesInHintMax)
    hint += ", …";
  return SqlStatus("42704", fmt::format("{} \"{}\" does not exist", kind, name), "", hint);
}

}  // namespace

absl::StatusOr<metastore::NodeRow> FindNode(metastore::CatalogClient& catalog,
                                            std::string_view name) {
  ASSIGN_OR_RETURN(const auto nodes, catalog.ListNodes());
  std::vector<std::string> names;
  for (const metastore::NodeRow& node : nodes) {
    if (node.name == name)
      return node;
    names.push_back(node.name);
  }
  for (const metastore::NodeRow& node : nodes) {
    if (std::to_string(node.id.value) == name)
      return node;
  }
  return NotFound("node", name, names);
}

absl::StatusOr<metastore::ShardRow> FindShard(metastore::CatalogClient& catalog,
                                              std::string_view name) {
  ASSIGN_OR_RETURN(const auto shards, catalog.ListShards());
  std::vector<std::string> names;
  for (const metastore::ShardRow& shard : shards) {
    if (shard.info.name == name)
      return shard;
    names.push_back(shard.info.name);
  }
  for (const metastore::ShardRow& shard : shards) {
    if (std::to_string(shard.info.id.value) == name)
      return shard;
  }
  return NotFound("shard", name, names);
}

absl::StatusOr<catalog::LoginInfo> FindLogin(metastore::CatalogClient& catalog,
                                             std::string_view name) {
  ASSIGN_OR_RETURN(const auto logins, catalog.ListLogins());
  std::vector<std::string> names;
  for (const catalog::LoginInfo& login : logins) {
    if (login.name == name)
      return login;
    names.push_back(login.name);
  }
  return NotFound("login", name, names);
}

std::string_view ToString(catalog::ShardState state) {
  switch (state) {
    case catalog::ShardState::kOpen:
      return "open";
    case catalog::ShardState::kDraining:
      return "draining";
    case catalog::ShardState::kCreating:
      return "creating";
    case catalog::ShardState::kRetired:
      return "retired";
  }
  return "unknown";
}

std::string_view ToString(catalog::TenantAccess access) {
  switch (access) {
    case catalog::TenantAccess::kOpen:
      return "open";
    case catalog::TenantAccess::kReadOnly:
      return "read_only";
    case catalog::TenantAccess::kSuspended:
      return "suspended";
  }
  return "unknown";
}

std::string_view ToString(catalog::LoginScope scope) {
  switch (scope) {
    case catalog::LoginScope::kTenant:
      return "tenant";
    case catalog::LoginScope::kApp:
      return "app";
    case catalog::LoginScope::kOperator:
      return "operator";
  }
  return "unknown";
}

}  // namespace pgreeve::cli
