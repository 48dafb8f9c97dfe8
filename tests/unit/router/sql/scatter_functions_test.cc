#include "router/sql/scatter_functions.h"

#include <gtest/gtest.h>

#include "router/base/status.h"
#include "router/sql/scatter_refusal.h"

namespace pgreeve::sql {

namespace {

TEST(ScatterFunctionsTest, NamesAreWhole) {
  EXPECT_EQ(ClassifyFunction("lower"), FunctionClass::kSafe);
  EXPECT_EQ(ClassifyFunction("abs"), FunctionClass::kSafe);           // first of its list
  EXPECT_EQ(ClassifyFunction("xpath_exists"), FunctionClass::kSafe);  // last of its list
  EXPECT_EQ(ClassifyFunction("now"), FunctionClass::kNow);
  EXPECT_EQ(ClassifyFunction("count"), FunctionClass::kSplitAggregate);
  EXPECT_EQ(ClassifyFunction("string_agg"), FunctionClass::kAggregate);
  EXPECT_EQ(ClassifyFunction("rank"), FunctionClass::kWindow);
  EXPECT_EQ(ClassifyFunction("random"), FunctionClass::kVolatile);
  EXPECT_EQ(ClassifyFunction("current_setting"), FunctionClass::kPerShard);
  for (const char* name : {"", " ", "low", "lower upper", "LOWER", "pg_read_file", "dblink", "set"})
    EXPECT_EQ(ClassifyFunction(name), FunctionClass::kUnknown) << name;
}

TEST(ScatterFunctionsTest, CatalogNumbersAreOfOneDatabase) {
  EXPECT_TRUE(IsPerShardType("regclass"));
  EXPECT_FALSE(IsPerShardType("int8"));
  EXPECT_FALSE(IsPerShardType(""));
}

TEST(ScatterFunctionsTest, RefusalsCarryNumberAndHint) {
  const SqlError error = ToSqlError(ScatterRefused(ScatterRefusal::kAggregate, "string_agg"));
  EXPECT_EQ(error.sqlstate, "0A000");
  EXPECT_EQ(error.detail.substr(0, 8), "PR-220: ");
  EXPECT_NE(error.detail.find("string_agg"), std::string::npos);
  EXPECT_FALSE(error.hint.empty());
}

}  // namespace

}  // namespace pgreeve::sql
