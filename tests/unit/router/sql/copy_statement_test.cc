#include "router/sql/copy_statement.h"

#include <gtest/gtest.h>

#include "router/base/status.h"

namespace pgreeve::sql {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

TEST(CopyStatementTest, NamesTableColumnsAndOptions) {
  const auto copy = ParseCopyStatement(
      "COPY sales.\"Events\" (id, \"Name\") FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';')");
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->schema, "sales");
  EXPECT_EQ(copy->table, "Events");
  EXPECT_EQ(copy->columns, (std::vector<std::string>{"id", "Name"}));
  EXPECT_EQ(copy->options, (Options{{"format", "csv"}, {"header", "true"}, {"delimiter", ";"}}));
}

TEST(CopyStatementTest, TakesTheOldForm) {
  const auto copy = ParseCopyStatement("copy t from stdin delimiter '|' null 'x' csv");
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->schema, "");
  EXPECT_TRUE(copy->columns.empty());
  EXPECT_EQ(copy->options, (Options{{"delimiter", "|"}, {"null", "x"}, {"format", "csv"}}));
}

// A filter that the router's INSERTs would not apply must be seen by the caller.
TEST(CopyStatementTest, WhereIsAnOption) {
  const auto copy = ParseCopyStatement("COPY t FROM STDIN WHERE a > 1");
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->options, (Options{{"where", "true"}}));
}

TEST(CopyStatementTest, RefusesWhatIsNoCopyOfATable) {
  for (const char* sql :
       {"SELECT 1", "COPY (SELECT 1) TO STDOUT", "COPY t FROM STDIN; SELECT 1", "", "COPY t FROM"})
    EXPECT_EQ(ToSqlError(ParseCopyStatement(sql).status()).sqlstate, "42601") << sql;
}

}  // namespace
}  // namespace pgreeve::sql
