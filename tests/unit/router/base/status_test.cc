#include "router/base/status.h"

#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <gtest/gtest.h>

#include "router/base/status_macros.h"
#include "router/base/string_map.h"
#include "router/base/table_set.h"

namespace pgreeve {
namespace {

TEST(SqlStatus, KeepsWhatAClientWantsToKnow) {
  const SqlError error = ToSqlError(SqlStatus("42P01", "no table", "the detail", "the hint"));
  EXPECT_EQ(error.sqlstate, "42P01");
  EXPECT_EQ(error.message, "no table");
  EXPECT_EQ(error.detail, "the detail");
  EXPECT_EQ(error.hint, "the hint");
  EXPECT_EQ(error.position, 0);
}

TEST(SqlStatus, EmptyFieldsStayEmpty) {
  const SqlError error = ToSqlError(SqlStatus("0A000", "no"));
  EXPECT_EQ(error.detail, "");
  EXPECT_EQ(error.hint, "");
}

TEST(SqlStatus, IsNeverOk) {
  for (const std::string_view sqlstate :
       {"00000", "08006", "57P01", "53300", "0A000", "28P01", "42501", "XX000", "22P02", "", "x"})
    EXPECT_FALSE(SqlStatus(sqlstate, "m").ok()) << sqlstate;
}

TEST(SqlStatus, SurvivesTheRoundTrip) {
  SqlError error;
  error.sqlstate = "PR001";
  error.message = "m";
  error.detail = std::string("d\0e", 3);
  error.hint = "h";
  error.position = 17;
  const SqlError again = ToSqlError(ToStatus(error));
  EXPECT_EQ(again.sqlstate, error.sqlstate);
  EXPECT_EQ(again.detail, error.detail);
  EXPECT_EQ(again.hint, error.hint);
  EXPECT_EQ(again.position, 17);
}

TEST(SqlStatus, MapsForeignStatuses) {
  EXPECT_EQ(ToSqlError(absl::UnavailableError("x")).sqlstate, "08006");
  EXPECT_EQ(ToSqlError(absl::DeadlineExceededError("x")).sqlstate, "57014");
  EXPECT_EQ(ToSqlError(absl::CancelledError("x")).sqlstate, "57014");
  EXPECT_EQ(ToSqlError(absl::InternalError("x")).sqlstate, "XX000");
  EXPECT_EQ(ToSqlError(absl::NotFoundError("x")).message, "x");
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0)
    return SqlStatus("22023", "odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status Check(int n) {
  RETURN_IF_ERROR(Half(n).status());
  return absl::OkStatus();
}

TEST(StatusMacros, PassErrorsOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
  EXPECT_EQ(Quarter(7).status().message(), "odd");
  EXPECT_TRUE(Check(2).ok());
  EXPECT_FALSE(Check(3).ok());
}

TEST(StringMap, IsLookedUpByView) {
  StringMap<int> map;
  map["one"] = 1;
  map.emplace("", 0);
  const std::string text = "xonex";
  EXPECT_EQ(map.find(std::string_view(text).substr(1, 3))->second, 1);
  EXPECT_TRUE(map.contains(std::string_view()));
  EXPECT_FALSE(map.contains("two"));
}

TEST(TableSet, FindsByExactName) {
  TableSet tables;
  TableFact fact;
  fact.schema = "public";
  fact.name = "Events";
  fact.tenant_column = "customer_id";
  tables.Add(fact);
  ASSERT_NE(tables.Find("public", "Events"), nullptr);
  EXPECT_EQ(tables.Find("public", "Events")->tenant_column, "customer_id");
  EXPECT_EQ(tables.Find("public", "events"), nullptr);
  EXPECT_EQ(tables.Find("Public", "Events"), nullptr);
  fact.tenant_column = "tenant";
  tables.Add(fact);
  EXPECT_EQ(tables.all().size(), 1U);
  EXPECT_EQ(tables.Find("public", "Events")->tenant_column, "tenant");
}

}  // namespace
}  // namespace pgreeve
