// Splits one SELECT over sharded tables into what each shard runs and what is run over the rows of
// all shards. The SQL half of plan/scatter.h, which turns it into a plan. Pure; any thread.
// The texts' marks are described in plan/scatter_plan.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "router/base/table_set.h"

namespace pgreeve::sql {

enum class ScatterKind : uint8_t { kConcat, kOrdered, kGroup };
enum class ScatterCombine : uint8_t { kKey, kCount, kSum, kMin, kMax, kExpression };

struct ScatterOutput {
  ScatterCombine combine = ScatterCombine::kExpression;
  int partial = 0;
};

struct ScatterOrder {
  int column = 0;
  bool descending = false;
  bool nulls_first = false;
  bool bytewise = false;
};

struct ScatterShape {
  ScatterKind kind = ScatterKind::kConcat;
  std::string partial_sql;
  std::string combine_sql;
  int hidden_columns = 0;
  int key_columns = 0;
  std::vector<ScatterOutput> output;
  std::vector<ScatterOrder> order;
  bool native_possible = false;
  int64_t limit = -1;
  int64_t offset = 0;
  bool pins_now = false;
  std::vector<int> sum_columns;
  std::string tenant_column;
};

// Errors: 42601 the text does not parse; 0A000 as of scatter_refusal.h.
absl::StatusOr<ScatterShape> ShapeScatter(std::string_view statement_sql,
                                          const TableSet& tables,
                                          const std::vector<std::string>& search_path);

}  // namespace pgreeve::sql
