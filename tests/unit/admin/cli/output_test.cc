#include "admin/cli/output.h"

#include <gtest/gtest.h>

namespace pgreeve::cli {
namespace {

Table Sample() {
  Table table({{"name"}, {"tenants", ColumnKind::kNumber}, {"open", ColumnKind::kBool}});
  table.Add({"s1", "7", "t"});
  table.Add({"shard-zürich", "1000", "f"});
  table.Add({std::nullopt});
  return table;
}

TEST(Output, TableForPeople) {
  EXPECT_EQ(Sample().Render(Format::kTable),
            "NAME          TENANTS  OPEN\n"
            "s1                  7  yes\n"
            "shard-zürich     1000  no\n"
            "-                   -  -\n");
}

TEST(Output, ColorOnlyTouchesTheHeader) {
  const std::string text = Sample().Render(Format::kTable, true);
  EXPECT_TRUE(text.starts_with("\x1b[1mNAME"));
  EXPECT_EQ(text.find('\x1b', text.find('\n')), std::string::npos);
}

TEST(Output, Json) {
  EXPECT_EQ(Sample().Render(Format::kJson),
            "[\n"
            "  {\"name\": \"s1\", \"tenants\": 7, \"open\": true},\n"
            "  {\"name\": \"shard-zürich\", \"tenants\": 1000, \"open\": false},\n"
            "  {\"name\": null, \"tenants\": null, \"open\": null}\n"
            "]\n");
  EXPECT_EQ(Table({{"a"}}).Render(Format::kJson), "[]\n");
}

TEST(Output, JsonKeepsWhatIsNoNumberAsText) {
  Table table({{"n", ColumnKind::kNumber}});
  table.Add({"NaN"});
  table.Add({""});
  EXPECT_EQ(table.Render(Format::kJson), "[\n  {\"n\": \"NaN\"},\n  {\"n\": \"\"}\n]\n");
}

TEST(Output, CsvQuotesAndKeepsNullApartFromEmpty) {
  Table table({{"a"}, {"b"}, {"c"}});
  table.Add({"x,y", "say \"hi\"\nthere", ""});
  table.Add({"plain"});
  EXPECT_EQ(table.Render(Format::kCsv), "a,b,c\n\"x,y\",\"say \"\"hi\"\"\nthere\",\"\"\nplain,,\n");
}

TEST(Output, HostileNamesDoNotSteerTheTerminal) {
  Table table({{"name"}});
  table.Add({"\x1b[2Jgone\n\x07"});
  EXPECT_EQ(table.Render(Format::kTable), "NAME\n\\x1b[2Jgone\\n\\x07\n");
  EXPECT_EQ(JsonString("\x1b\"\\"), "\"\\u001b\\\"\\\\\"");
}

TEST(Output, FormatNames) {
  EXPECT_EQ(*ParseFormat("csv"), Format::kCsv);
  EXPECT_FALSE(ParseFormat("yaml").ok());
}

TEST(Output, NumbersForPeople) {
  EXPECT_EQ(HumanNumber(25290), "25,290");
  EXPECT_EQ(HumanNumber(999), "999");
  EXPECT_EQ(HumanNumber(-1234567), "-1,234,567");
  EXPECT_EQ(HumanNumber(-123), "-123");
  EXPECT_EQ(HumanBytes(0), "0 bytes");
  EXPECT_EQ(HumanBytes(1536), "1.5 kB");
  EXPECT_EQ(HumanBytes(int64_t{10} << 30), "10.0 GB");
}

}  // namespace
}  // namespace pgreeve::cli
