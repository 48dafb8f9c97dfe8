#include "router/sql/changed_table.h"

#include <gtest/gtest.h>

namespace pgreeve::sql {
namespace {

TEST(ChangedTable, AlterTable) {
  const auto changes = ReadChangedTables("ALTER TABLE ONLY a.t ADD COLUMN x int, DROP COLUMN y");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].schema, "a");
  EXPECT_EQ(changes[0].table, "t");
  EXPECT_FALSE(changes[0].dropped);
  EXPECT_EQ(changes[0].new_table, "");
}

TEST(ChangedTable, DropTables) {
  const auto changes = ReadChangedTables("DROP TABLE IF EXISTS t, \"S\".\"U\" CASCADE");
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].schema, "");
  EXPECT_EQ(changes[0].table, "t");
  EXPECT_TRUE(changes[0].dropped);
  EXPECT_EQ(changes[1].schema, "S");
  EXPECT_EQ(changes[1].table, "U");
}

TEST(ChangedTable, Rename) {
  auto changes = ReadChangedTables("ALTER TABLE t RENAME TO u");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].table, "t");
  EXPECT_EQ(changes[0].new_table, "u");
  changes = ReadChangedTables("ALTER TABLE t RENAME COLUMN a TO b");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].old_column, "a");
  EXPECT_EQ(changes[0].new_column, "b");
  changes = ReadChangedTables("ALTER TABLE t SET SCHEMA s");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].new_schema, "s");
}

TEST(ChangedTable, OtherTexts) {
  for (const char* sql : {"",
                          "not sql",
                          "CREATE TABLE t (a int)",
                          "DROP INDEX i",
                          "DROP VIEW v",
                          "ALTER INDEX i RENAME TO j",
                          "ALTER VIEW v RENAME TO w",
                          "ALTER TABLE t RENAME CONSTRAINT a TO b",
                          "ALTER SEQUENCE s OWNED BY t.a",
                          "SELECT 1",
                          "DROP TABLE a; DROP TABLE b"})
    EXPECT_TRUE(ReadChangedTables(sql).empty()) << sql;
}

}  // namespace
}  // namespace pgreeve::sql
