// How many rows and bytes of a leaf partition belong to which tenant, without scanning it: the
// leaf's size times the tenant's share in pg_stats. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/base/string_map.h"

namespace pgreeve::rebalancer {

// pg_stats of the tenant column of one leaf, values as Postgres prints them.
struct LeafStatistics {
  bool known = false;  // false: never analyzed, or the row was not visible
  std::vector<std::pair<std::string, double>> most_common;  // value, share of all rows
  double null_fraction = 0;
};

struct LeafFacts {
  std::string name;
  int64_t bytes = 0;  // heap, TOAST and indexes
  int64_t rows = -1;  // pg_class.reltuples; -1: never counted
  LeafStatistics statistics;
};

struct TenantUse {
  int64_t rows = 0;
  int64_t bytes = 0;
};

using UseByTenant = StringMap<TenantUse>;

enum class MeasureMethod {
  kSkip,      // empty leaf
  kCount,     // small enough, or without statistics: count exactly
  kEstimate,  // large and analyzed
};

// Leaves of up to `count_bytes_max` are counted.
MeasureMethod ChooseMethod(const LeafFacts& leaf, int64_t count_bytes_max);

// Adds what the statistics say. Tenants of `residents` that are not among the most common values
// share evenly what those leave over. Values that are no residents are ignored.
void AddEstimate(const LeafFacts& leaf,
                 const std::vector<std::string>& residents,
                 UseByTenant& use);

// Adds exact row counts; the leaf's bytes are split in proportion to them.
void AddCounts(const LeafFacts& leaf,
               const std::vector<std::pair<std::string, int64_t>>& counts,
               UseByTenant& use);

// The text form of a Postgres array ({a,"b c",NULL}) as values; NULL elements become empty
// strings. Empty when the text is no such array.
std::vector<std::string> ParseArray(std::string_view text);

}  // namespace pgreeve::rebalancer
