// Which relations the fleet has declared: the plain facts that SQL analysis and planning need.
// Built once per schema epoch, then immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/string_map.h"

namespace pgreeve {

enum class TableKind : uint8_t {
  kSharded,    // each row belongs to one tenant, named by `tenant_column`
  kReference,  // a whole copy on every shard
};

struct ColumnFact {
  std::string name;
  // As format_type() prints it, e.g. "timestamp with time zone"; followed by " COLLATE …" when the
  // column's collation is not its type's.
  std::string type;
  bool not_null = false;
};

struct TableFact {
  std::string schema;
  std::string name;
  TableKind kind = TableKind::kSharded;
  std::string tenant_column;        // kSharded only
  std::vector<ColumnFact> columns;  // in attnum order; empty when not known
};

class TableSet {
 public:
  void Add(TableFact fact) {
    std::string key = fact.schema + "." + fact.name;
    by_name_.insert_or_assign(std::move(key), std::move(fact));
  }

  // Exact, case-sensitive names (as the parser folds them). Null when not declared.
  const TableFact* Find(std::string_view schema, std::string_view name) const {
    std::string key(schema);
    key += '.';
    key += name;
    const auto it = by_name_.find(key);
    return it == by_name_.end() ? nullptr : &it->second;
  }

  const StringMap<TableFact>& all() const { return by_name_; }

 private:
  StringMap<TableFact> by_name_;
};

}  // namespace pgreeve
