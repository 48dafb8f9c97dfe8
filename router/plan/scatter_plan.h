// How one statement of an operator is answered from all shards: what each shard runs and how the
// rows become one answer. A value; produced by plan/scatter.h, executed by the session through
// merge/merger.h. Immutable; any thread.
//
// Marks in the SQL texts. They stand where a value is known only later, and the planner refuses
// statements that contain their names:
//   'pgreeve_now'        in partial_sql and combine_sql when `pins_now`; PinNow() fills it
//   pgreeve_partial      in combine_sql, once: the relation of all partial rows
//   pgreeve_visible      in combine_sql of listings, once: the columns that the client sees
//   pgreeve_type_of_cN   in combine_sql: the type of partial column N
// merge/merger.h fills all of combine_sql's marks; the session fills partial_sql's (PinNow).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "router/base/ids.h"

namespace pgreeve::plan {

enum class MergeKind : uint8_t {
  kConcat,   // rows of all shards, in any order; `limit` and `offset` still apply
  kOrdered,  // each shard sorts; merged by `order`
  kGroup,    // each shard sends partial aggregates; combined by group key
};

enum class MergeEngine : uint8_t { kAuto, kNative, kPostgres };

// The combine step of one output column (kGroup): which partial columns it is made of.
// kExpression: only Postgres can (then native_possible is false).
enum class Combine : uint8_t { kKey, kCount, kSum, kMin, kMax, kExpression };

struct OutputColumn {
  Combine combine = Combine::kKey;
  int partial = 0;  // column number of the partial result, from 0

  bool operator==(const OutputColumn&) const = default;
};

struct OrderKey {
  int column = 0;  // of the output (kGroup), of the partial result (kOrdered)
  bool descending = false;
  bool nulls_first = false;
  bool bytewise = false;  // text under COLLATE "C" (or "POSIX")

  bool operator==(const OrderKey&) const = default;
};

struct ScatterPlan {
  std::vector<ShardId> shards;
  std::string partial_sql;  // every shard; parameters as the client numbered them
  MergeKind kind = MergeKind::kConcat;
  // kConcat, kOrdered: leading partial columns that the client does not see (the sort keys).
  int hidden_columns = 0;
  // kGroup: leading partial columns by which the partial rows are grouped.
  int key_columns = 0;
  std::vector<OutputColumn> output;  // kGroup with native_possible; else empty
  std::vector<OrderKey> order;
  // False when only Postgres can combine (expressions over results, HAVING, LIMIT $1, …). True does
  // not promise it: the types of the partial columns decide, in the merger.
  bool native_possible = false;
  // For Postgres: a SELECT over `pgreeve_partial` with columns c0, c1, … of the partial result's
  // types; parameters as the client numbered them.
  std::string combine_sql;
  // Constants of the text; -1: none (or not constant: then native_possible is false). Each shard's
  // rows are already limited where that is right.
  int64_t limit = -1;
  int64_t offset = 0;
  // now(), current_timestamp, current_date … were replaced by the mark 'pgreeve_now'.
  bool pins_now = false;
  // Partial columns that are sums or averages' sums: their type must not be real (PR-241), because
  // Postgres adds reals in the order of the rows.
  std::vector<int> sum_columns;
  // The tenant column of the first sharded relation as the partial names it, quoted where needed:
  // what a predicate that hides tenants in a move is written with.
  std::string tenant_column;
};

}  // namespace pgreeve::plan
