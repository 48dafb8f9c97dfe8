#include "router/merge/native_value.h"

#include <limits>

#include <gtest/gtest.h>

#include "router/merge/type_name.h"

namespace pgreeve::merge {

namespace {

TEST(NativeValueTest, ReadsIntegersWhole) {
  EXPECT_EQ(ReadNumber(oid::kInt8, "-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ReadNumber(oid::kOid, "4294967295"), 4294967295);
  for (const char* text : {"", "1.0", "9223372036854775808", "1 ", "+1", "x", "NaN"})
    EXPECT_EQ(ReadNumber(oid::kInt8, text), std::nullopt) << text;
}

TEST(NativeValueTest, ReadsBooleans) {
  EXPECT_EQ(ReadNumber(oid::kBool, "t"), 1);
  EXPECT_EQ(ReadNumber(oid::kBool, "f"), 0);
  EXPECT_EQ(ReadNumber(oid::kBool, "true"), std::nullopt);
}

TEST(NativeValueTest, CountsDaysFrom2000) {
  EXPECT_EQ(ReadNumber(oid::kDate, "2000-01-01"), 0);
  EXPECT_EQ(ReadNumber(oid::kDate, "1999-12-31"), -1);
  EXPECT_EQ(ReadNumber(oid::kDate, "2000-03-01"), 60);
  EXPECT_EQ(ReadNumber(oid::kDate, "1970-01-01"), -10957);
  EXPECT_EQ(ReadNumber(oid::kDate, "5874897-12-31"), 2145031948);  // the last one of Postgres
  EXPECT_EQ(ReadNumber(oid::kDate, "4714-11-24 BC"), -2451545);    // the first one
  EXPECT_EQ(ReadNumber(oid::kDate, "0001-12-31 BC"), *ReadNumber(oid::kDate, "0001-01-01") - 1);
}

TEST(NativeValueTest, ReadsMoments) {
  EXPECT_EQ(ReadNumber(oid::kTimestamp, "2000-01-01 00:00:01.5"), 1'500'000);
  EXPECT_EQ(ReadNumber(oid::kTimestamp, "2000-01-01 00:00:00.000001"), 1);
  EXPECT_EQ(ReadNumber(oid::kTimestamptz, "2000-01-01 02:00:00+02"), 0);
  EXPECT_EQ(ReadNumber(oid::kTimestamptz, "1999-12-31 18:30:00-05:30"), 0);
  EXPECT_EQ(ReadNumber(oid::kTimestamptz, "2000-01-01 00:19:32+00:19:32"), 0);
  EXPECT_EQ(ReadNumber(oid::kTimestamp, "infinity"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ReadNumber(oid::kDate, "-infinity"), std::numeric_limits<int64_t>::min());
  EXPECT_LT(ReadNumber(oid::kTimestamp, "294276-12-31 23:59:59.999999"),
            std::numeric_limits<int64_t>::max());
}

TEST(NativeValueTest, OtherDateStylesAreNotRead) {
  for (const char* text :
       {"12/09/2015", "Sat 12 Sep 2015", "2015-9-12", "2015-09-12x", "2015-13-01", ""})
    EXPECT_EQ(ReadNumber(oid::kDate, text), std::nullopt) << text;
  for (const char* text : {"2015-09-12",
                           "2015-09-12 10:00:00",
                           "2015-09-12 10:00:00 CEST",
                           "2015-09-12T10:00:00+00",
                           "2015-09-12 10:00:00+00 AD"})
    EXPECT_EQ(ReadNumber(oid::kTimestamptz, text), std::nullopt) << text;
}

TEST(NativeValueTest, KnowsTypesByOid) {
  EXPECT_EQ(NameOfType(20)->sql, "pg_catalog.int8");
  EXPECT_EQ(NameOfType(1016)->sql, "pg_catalog.int8[]");
  EXPECT_TRUE(NameOfType(1016)->by_text);
  EXPECT_FALSE(NameOfType(20)->by_text);
  EXPECT_TRUE(NameOfType(603)->by_text);
  EXPECT_EQ(NameOfType(18)->sql, "pg_catalog.char");
  EXPECT_FALSE(NameOfType(2249).has_value());  // record
  EXPECT_FALSE(NameOfType(16384).has_value());
  EXPECT_FALSE(NameOfType(0).has_value());
}

}  // namespace

}  // namespace pgreeve::merge
