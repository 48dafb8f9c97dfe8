// Do all shards have the same declared tables? Compares what each shard's catalogs say and words
// the differences. Pure: the doctor reads the catalogs and prints. Any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace pgreeve::cli {

// Everything about one table that must agree, each part keyed by name: columns ("id" → "uuid not
// null"), keys ("events_pkey" → "PRIMARY KEY (…)"), partitions ("events_2015_09" → its bounds).
struct TableShape {
  std::map<std::string, std::string> columns;
  std::map<std::string, std::string> keys;
  std::map<std::string, std::string> partitions;
  bool operator==(const TableShape&) const = default;
};

// Tables by "schema.name".
struct ShardSchema {
  std::string shard;
  std::map<std::string, TableShape> tables;
};

struct Drift {
  std::string shard;
  std::string table;
  std::string text;  // "column note is missing (text elsewhere)"
};

// Compares each table of `declared` on all shards against the shape that most shards have (ties:
// the first shard's). Shards that are alike give nothing.
std::vector<Drift> FindDrift(const std::vector<ShardSchema>& shards,
                             const std::vector<std::string>& declared);

}  // namespace pgreeve::cli
