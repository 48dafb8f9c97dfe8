#include "admin/cli/schema_drift.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pgreeve::cli {
namespace {

using Parts = std::map<std::string, std::string>;

struct Comparison {
  const std::string& shard;
  const std::string& table;
  std::vector<Drift>& found;
};

void CompareParts(const Comparison& at,
                  std::string_view what,
                  const Parts& expected,
                  const Parts& actual) {
  const auto add = [&](const std::string& name, const std::string& text) {
    at.found.push_back({at.shard, at.table, std::string(what) + " " + name + " " + text});
  };
  for (const auto& [name, definition] : expected) {
    const auto it = actual.find(name);
    if (it == actual.end())
      add(name, "is missing (" + definition + " elsewhere)");
    else if (it->second != definition)
      add(name, "is " + it->second + " (" + definition + " elsewhere)");
  }
  for (const auto& [name, definition] : actual) {
    if (!expected.contains(name))
      add(name, "is here only (" + definition + ")");
  }
}

// Null when no shard has the table.
const TableShape* MostCommonShape(const std::vector<ShardSchema>& shards,
                                  const std::string& table) {
  const TableShape* best = nullptr;
  std::ptrdiff_t best_count = 0;
  for (const ShardSchema& shard : shards) {
    const auto it = shard.tables.find(table);
    if (it == shard.tables.end())
      continue;
    const auto count = std::count_if(shards.begin(), shards.end(), [&](const ShardSchema& other) {
      const auto found = other.tables.find(table);
      return found != other.tables.end() && found->second == it->second;
    });
    if (count > best_count) {
      best = &it->second;
      best_count = count;
    }
  }
  return best;
}

}  // namespace

std::vector<Drift> FindDrift(const std::vector<ShardSchema>& shards,
                             const std::vector<std::string>& declared) {
  std::vector<Drift> found;
  for (const std::string& table : declared) {
    const TableShape* expected = MostCommonShape(shards, table);
    for (const ShardSchema& shard : shards) {
      const auto it = shard.tables.find(table);
      if (it == shard.tables.end()) {
        found.push_back({shard.shard, table, "the table is missing"});
        continue;
      }
      const Comparison at{shard.shard, table, found};
      CompareParts(at, "column", expected->columns, it->second.columns);
      CompareParts(at, "key", expected->keys, it->second.keys);
      CompareParts(at, "partition", expected->partitions, it->second.partitions);
    }
  }
  return found;
}

}  // namespace pgreeve::cli
