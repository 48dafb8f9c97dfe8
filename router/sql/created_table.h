// What a CREATE TABLE names: for tables that are declared by the setting routing.tenant_columns.
// Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgreeve::sql {

struct CreatedTable {
  std::string schema;  // empty: not named
  std::string table;
  std::vector<std::string> columns;  // those that are spelled out
};

// Empty when `sql` is not one CREATE TABLE, or makes a partition or a temporary table.
std::optional<CreatedTable> ReadCreatedTable(std::string_view sql);

}  // namespace pgreeve::sql
