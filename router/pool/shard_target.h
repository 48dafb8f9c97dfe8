// Where and as whom a lane connects: one shard and role of a placement, flattened. Immutable value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "router/base/ids.h"
#include "router/catalog/placement.h"

namespace pgreeve::pool {

struct ShardTarget {
  ShardId shard;
  catalog::RoleClass role = catalog::RoleClass::kTenant;
  std::string name;
  std::string host;
  uint16_t port = 0;
  std::string database;
  std::string user;
  std::string password;
  int32_t backends_max = 0;
  int32_t token_kid = 0;
  std::string token_key;
  uint64_t epoch = 0;  // of the placement; what attach() is told
  bool attach = true;  // false for the combiner, which holds no tenant

  // False when connections of the one cannot serve the other.
  bool SamePlace(const ShardTarget& other) const {
    return host == other.host && port == other.port && database == other.database &&
           user == other.user && password == other.password;
  }
};

// Nothing when `placement` does not know the shard.
inline std::optional<ShardTarget> FindTarget(const catalog::Placement& placement,
                                             ShardId shard,
                                             catalog::RoleClass role) {
  const catalog::ShardInfo* info = placement.FindShard(shard);
  const bool is_combiner = info == nullptr && placement.combiner.id == shard && shard;
  if (is_combiner)
    info = &placement.combiner;
  if (info == nullptr)
    return std::nullopt;
  const catalog::BackendRole& login = placement.roles[static_cast<std::size_t>(role)];
  return ShardTarget{.shard = shard,
                     .role = role,
                     .name = info->name,
                     .host = info->host,
                     .port = info->port,
                     .database = info->database,
                     .user = login.user,
                     .password = login.password,
                     .backends_max = info->backends_max,
                     .token_kid = info->token_kid,
                     .token_key = info->token_key,
                     .epoch = placement.epoch,
                     .attach = !is_combiner};
}

}  // namespace pgreeve::pool
