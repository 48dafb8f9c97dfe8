#include "router/sql/created_table.h"

#include <gtest/gtest.h>

namespace pgreeve::sql {
namespace {

TEST(CreatedTableTest, NamesTableAndColumns) {
  const auto table = ReadCreatedTable(
      "CREATE TABLE IF NOT EXISTS sales.notes (customer_id uuid, \"Id\" int, PRIMARY KEY "
      "(customer_id, \"Id\")) PARTITION BY RANGE (\"Id\")");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->schema, "sales");
  EXPECT_EQ(table->table, "notes");
  EXPECT_EQ(table->columns, (std::vector<std::string>{"customer_id", "Id"}));
}

TEST(CreatedTableTest, LeavesEverythingElseAlone) {
  for (const char* sql : {"CREATE TEMP TABLE t (a int)",
                          "CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (2)",
                          "CREATE VIEW v AS SELECT 1",
                          "CREATE TABLE a (b int); CREATE TABLE c (d int)",
                          "SELECT 1",
                          "not sql",
                          ""})
    EXPECT_FALSE(ReadCreatedTable(sql)) << sql;
}

}  // namespace
}  // namespace pgreeve::sql
