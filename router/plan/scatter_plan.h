// How one statement of an operator is answered from all shards: what each shard runs and how the
// rows become one answer. A value; produced by plan/scatter.cc from sql/scatter_shape.h, executed
// by session/execute_scatter.cc through merge/merger.h. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "router/base/ids.h"

namespace pgreeve::plan {

enum class MergeKind : uint8_t {
  kConcat,   // rows of all shards, in any order
  kOrdered,  // each shard sorts; merged by `order`
  kGroup,    // each shard sends partial aggregates; combined by group key
};

enum class MergeEngine : uint8_t { kAuto, kNative, kPostgres };

// The combine step of one output column (kGroup): which partial columns it is made of.
enum class Combine : uint8_t { kKey, kSum, kMin, kMax, kAvg, kExpression };

struct OutputColumn {
  Combine combine = Combine::kKey;
  std::vector<int> partials;  // column numbers of the partial result, from 0
};

struct OrderKey {
  int column = 0;  // of the output (kGroup), of the partial result (kOrdered)
  bool descending = false;
  bool nulls_first = false;
};

struct ScatterPlan {
  std::vector<ShardId> shards;
  std::string partial_sql;  // every shard; parameters as the client numbered them
  MergeKind kind = MergeKind::kConcat;
  std::vector<OutputColumn> output;
  int visible_columns = 0;  // kConcat, kOrdered: leading partial columns that the client sees
  std::vector<OrderKey> order;
  // False when only Postgres can combine (expressions over results, HAVING, …).
  bool native_possible = false;
  // For Postgres: a SELECT over a relation named `pgreeve_partial` with columns c0, c1, … of the
  // partial result's types; parameters as the client numbered them.
  std::string combine_sql;
  // Constants of the text; -1: none. kGroup and native only; else they are in the SQL.
  int64_t limit = -1;
  int64_t offset = 0;
};

}  // namespace pgreeve::plan
