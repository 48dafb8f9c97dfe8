// The SQL files of this folder, compiled into the program. Immutable; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pgreeve::metastore {

struct Migration {
  int32_t version = 0;    // the file's number
  std::string_view name;  // the file's name without number and ending
  std::string_view sql;
};

// migrations/NNNN_name.sql by number, from 1 without gaps.
std::span<const Migration> Migrations();

// shard_schema.sql, with {{tenant_type}} still in it.
std::string_view ShardSchemaSql();

}  // namespace pgreeve::metastore
