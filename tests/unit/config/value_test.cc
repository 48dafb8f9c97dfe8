#include "config/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::config {
namespace {

TEST(Value, DurationsHaveUnits) {
  EXPECT_EQ(*ParseDuration("200ms"), 200000);
  EXPECT_EQ(*ParseDuration("5s"), 5000000);
  EXPECT_EQ(*ParseDuration("5 s"), 5000000);
  EXPECT_EQ(*ParseDuration("10min"), 600000000);
  EXPECT_EQ(*ParseDuration("10m"), 600000000);
  EXPECT_EQ(*ParseDuration("1d"), 86400000000);
  EXPECT_EQ(*ParseDuration("0"), 0);
  for (const char* bad :
       {"", "5", "s", "-5s", "5x", "5s5s", "99999999999999999999s", "9999999999999d"})
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
}

TEST(Value, SizesCountIn1024) {
  EXPECT_EQ(*ParseBytes("64kB"), 65536);
  EXPECT_EQ(*ParseBytes("64KB"), 65536);
  EXPECT_EQ(*ParseBytes("1GB"), 1 << 30);
  EXPECT_EQ(*ParseBytes("7B"), 7);
  for (const char* bad : {"64mb", "64", "1.5MB", "9999999999TB"})
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
}

TEST(Value, PrintingReadsBack) {
  for (const int64_t n :
       {int64_t{1}, int64_t{1000}, int64_t{1500000}, int64_t{3600000000}, int64_t{7}})
    EXPECT_EQ(*ParseDuration(PrintDuration(n)), n) << PrintDuration(n);
  for (const int64_t n : {int64_t{1}, int64_t{1024}, int64_t{1} << 40, int64_t{1000}})
    EXPECT_EQ(*ParseBytes(PrintBytes(n)), n) << PrintBytes(n);
  EXPECT_EQ(PrintDuration(1500000), "1500ms");
  EXPECT_EQ(PrintDuration(0), "0s");
  EXPECT_EQ(PrintBytes(64 << 20), "64MB");
}

TEST(Value, TomlIsEscaped) {
  Setting setting;
  EXPECT_EQ(PrintToml(setting, Value(std::string("a\"b\\c\n"))), "\"a\\\"b\\\\c\\u000a\"");
}

TEST(Value, SecretsAreNeverPrinted) {
  Setting setting;
  setting.type = Type::kSecret;
  EXPECT_EQ(Print(setting, Value(std::string("hunter2"))), "(set)");
  EXPECT_EQ(Print(setting, Value(std::string())), "");
}

}  // namespace
}  // namespace pgreeve::config
