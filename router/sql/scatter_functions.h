// What is known of Postgres' own functions, by name: which give the same answer on every shard,
// which aggregates split. A name that is not here is refused. Any thread.
// Source: pg_proc of PostgreSQL 15: a name is safe when none of its functions is volatile and none
// tells a fact of one database.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgreeve::sql {

enum class FunctionClass : uint8_t {
  kUnknown,
  kSafe,            // immutable or stable, the same on every shard
  kNow,             // now() and its like: pinned
  kSplitAggregate,  // combined from one or two values a shard
  kAggregate,       // whole groups only
  kWindow,
  kVolatile,
  kPerShard,  // a fact of one database or session
};

FunctionClass ClassifyFunction(std::string_view name);

// Type names (of pg_catalog) whose values are numbers of one database's catalog.
bool IsPerShardType(std::string_view name);

}  // namespace pgreeve::sql
