// What a DDL text does to tables that stand already, so that their declarations can follow it.
// Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgreeve::sql {

struct ChangedTable {
  std::string schema;  // empty: not named
  std::string table;
  bool dropped = false;
  std::string new_schema;  // ALTER TABLE … SET SCHEMA
  std::string new_table;   // ALTER TABLE … RENAME TO
  std::string old_column;  // ALTER TABLE … RENAME COLUMN
  std::string new_column;
};

// Empty when `sql` is not one ALTER TABLE or DROP TABLE.
std::vector<ChangedTable> ReadChangedTables(std::string_view sql);

}  // namespace pgreeve::sql
