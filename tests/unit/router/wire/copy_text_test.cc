#include "router/wire/copy_text.h"

#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "router/wire/utf8.h"
#include "tests/support/exchange.h"

namespace pgreeve::wire {
namespace {

using test::Raw;
using test::SqlStateOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

struct Read {
  std::vector<CopyRow> rows;
  absl::Status status;
};

// Gives the reader the payloads one by one and takes all rows.
Read ReadAll(CopyRowReader reader, const std::vector<std::string_view>& payloads) {
  Read read;
  CopyRow row;
  const auto drain = [&] {
    while (true) {
      const auto more = reader.Next(row);
      if (!more.ok())
        read.status = more.status();
      if (!more.ok() || !*more)
        return;
      read.rows.push_back(row);
    }
  };
  for (const std::string_view payload : payloads) {
    reader.Feed(payload);
    drain();
  }
  reader.Finish();
  drain();
  return read;
}

CopyRowReader ReaderOf(const CopyFormat& format, std::vector<std::string> columns = {}) {
  return CopyRowReader({format, std::move(columns)});
}

std::vector<CopyRow> Rows(const CopyFormat& format, std::string_view data) {
  const Read read = ReadAll(ReaderOf(format), {data});
  EXPECT_TRUE(read.status.ok()) << read.status;
  return read.rows;
}

CopyRow One(const CopyFormat& format, std::string_view line) {
  const std::vector<CopyRow> rows = Rows(format, line);
  EXPECT_EQ(rows.size(), 1U);
  return rows.empty() ? CopyRow() : rows[0];
}

TEST(CopyText, ReadsFieldsAndNulls) {
  EXPECT_THAT(
      Rows(CopyFormat::Text(), "1\ta\n2\t\\N\n3\t\n"),
      ElementsAre(ElementsAre("1", "a"), ElementsAre("2", std::nullopt), ElementsAre("3", "")));
  EXPECT_THAT(One(CopyFormat::Text(), "\n"), ElementsAre(""));
  EXPECT_THAT(Rows(CopyFormat::Text(), ""), IsEmpty());
}

TEST(CopyText, ReadsEscapes) {
  EXPECT_THAT(One(CopyFormat::Text(), "\\b\\f\\n\\r\\t\\v\t\\\\\t\\q\t\\\t\t\\\\N\n"),
              ElementsAre("\b\f\n\r\t\v", "\\", "q", "\t", "\\N"));
  EXPECT_THAT(One(CopyFormat::Text(), "\\101\\60\\7\\1018\t\\x41\\x4a1\\x\\xg\\x7\n"),
              ElementsAre("A0\aA8", "AJ1xxg\a"));
  EXPECT_THAT(One(CopyFormat::Text(), "a\\\nb\n"), ElementsAre("a\nb"));
  EXPECT_THAT(One(CopyFormat::Text(), "\\xc3\\xa9\n"), ElementsAre("é"));
}

TEST(CopyText, StopsAtTheEndMarker) {
  EXPECT_THAT(Rows(CopyFormat::Text(), "a\n\\.\nb\n"), ElementsAre(ElementsAre("a")));
  EXPECT_THAT(Rows(CopyFormat::Csv(), "a\n\\.\nb\n"), ElementsAre(ElementsAre("a")));
  EXPECT_THAT(Rows(CopyFormat::Csv(), "a\n\\.b\n"),
              ElementsAre(ElementsAre("a"), ElementsAre("\\.b")));
  EXPECT_EQ(SqlStateOf(ReadAll(ReaderOf(CopyFormat::Text()), {"\\.x\n"}).status), "22P04");
}

TEST(CopyCsv, ReadsQuotes) {
  EXPECT_THAT(Rows(CopyFormat::Csv(), "1,\"a,b\",\"\"\n2,\"say \"\"hi\"\"\",\n3,x\"y\"z,\" \"\n"),
              ElementsAre(ElementsAre("1", "a,b", ""),
                          ElementsAre("2", "say \"hi\"", std::nullopt),
                          ElementsAre("3", "xyz", " ")));
  EXPECT_THAT(Rows(CopyFormat::Csv(), "\"a\nb\",1\n\"c\"\n"),
              ElementsAre(ElementsAre("a\nb", "1"), ElementsAre("c")));
  EXPECT_EQ(SqlStateOf(ReadAll(ReaderOf(CopyFormat::Csv()), {"\"a\n"}).status), "22P04");
}

TEST(CopyHeader, IsNoRow) {
  CopyFormat format = CopyFormat::Csv();
  format.header = true;
  EXPECT_THAT(Rows(format, "id,name\n1,a\n"), ElementsAre(ElementsAre("1", "a")));
  EXPECT_THAT(Rows(format, "id,name"), IsEmpty());
}

TEST(CopyRowReader, ChecksColumns) {
  const auto message = [](std::string_view data) {
    return std::string(
        ReadAll(ReaderOf(CopyFormat::Text(), {"id", "name"}), {data}).status.message());
  };
  EXPECT_EQ(message("1\ta\n"), "");
  EXPECT_EQ(message("1\n"), "missing data for column \"name\"");
  EXPECT_EQ(message("1\ta\tx\n"), "extra data after last expected column");
}

TEST(CopyRowReader, NamesTheLine) {
  const Read read = ReadAll(ReaderOf(CopyFormat::Csv(), {"a"}), {"1\n\"x\ny\"\n2,3\n"});
  EXPECT_EQ(read.rows.size(), 2U);
  EXPECT_EQ(ToSqlError(read.status).sqlstate, "22P04");
  EXPECT_EQ(ToSqlError(read.status).detail, "COPY, line 4");
}

TEST(CopyRowReader, RepeatsItsError) {
  CopyRowReader reader = ReaderOf(CopyFormat::Text());
  reader.Feed(Raw("a\0b\nc\n"));
  CopyRow row;
  EXPECT_EQ(SqlStateOf(reader.Next(row).status()), "22021");
  reader.Feed("d\n");
  EXPECT_EQ(SqlStateOf(reader.Next(row).status()), "22021");
}

TEST(CopyRowReader, GivesTheRowAsItWasSent) {
  CopyRowReader reader = ReaderOf(CopyFormat::Text());
  reader.Feed("a\\tb\t\\N\r\nlast");
  CopyRow row;
  ASSERT_TRUE(*reader.Next(row));
  EXPECT_EQ(reader.raw_row(), "a\\tb\t\\N");
  ASSERT_FALSE(*reader.Next(row));
  EXPECT_EQ(reader.buffered_bytes(), 4U);
  reader.Finish();
  ASSERT_TRUE(*reader.Next(row));
  EXPECT_EQ(reader.raw_row(), "last");
  EXPECT_TRUE(reader.ended());
  EXPECT_FALSE(*reader.Next(row));
}

TEST(CopyRowReader, HoldsItsLimits) {
  const auto sqlstate = [](std::string_view data) {
    CopyRowReaderOptions options;
    options.row_bytes_max = 10;
    return SqlStateOf(ReadAll(CopyRowReader(options), {data}).status);
  };
  EXPECT_EQ(sqlstate("0123456789\n0123456789\n"), "00000");
  EXPECT_EQ(sqlstate("01234567890\n"), "54000");
  EXPECT_EQ(sqlstate("01234567890"), "54000");
  EXPECT_EQ(sqlstate("0123456789"), "00000");
  // Long before the line ends, if it ever does.
  CopyRowReaderOptions options;
  options.row_bytes_max = 10;
  CopyRowReader reader(options);
  CopyRow row;
  reader.Feed("0123456789012");
  EXPECT_EQ(SqlStateOf(reader.Next(row).status()), "54000");

  const std::string tabs(kCopyFieldsMax - 1, '\t');
  EXPECT_EQ(One(CopyFormat::Text(), tabs + "\n").size(), kCopyFieldsMax);
  EXPECT_EQ(SqlStateOf(ReadAll(ReaderOf(CopyFormat::Text()), {tabs + "\t\n"}).status), "22P04");
}

CopyFormat FormatOf(const std::string& name) {
  CopyFormat format = name.starts_with("csv") ? CopyFormat::Csv() : CopyFormat::Text();
  format.header = name.ends_with("_header");
  if (name == "text_pipe") {
    format.delimiter = '|';
    format.null_string = "";
  } else if (name == "csv_escape") {
    format.delimiter = ';';
    format.escape = '\\';
    format.null_string = "N";
  } else if (name == "csv_quote") {
    format.quote = '\'';
    format.escape = '\'';
    format.null_string = "\\N";
  }
  return format;
}

std::string JsonString(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    static const std::string special = "\"\\\n\r\t\b\f";
    static const std::string letters = "\"\\nrtbf";
    const std::size_t at = special.find(c);
    if (at != special.npos) {
      out += {'\\', letters[at]};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00" + ToHex(std::string_view(&c, 1));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

// As make_copy_cases.py writes rows.
std::string Json(const std::vector<CopyRow>& rows) {
  std::string out = "[";
  for (const CopyRow& row : rows) {
    out += out.size() > 1 ? ", [" : "[";
    for (std::size_t i = 0; i < row.size(); i++)
      out += (i > 0 ? ", " : "") + (row[i] ? JsonString(*row[i]) : "null");
    out += "]";
  }
  return out + "]";
}

std::string FromHex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

// What a real Postgres 15 answered, for data in one piece, cut in two anywhere, and byte by byte.
TEST(CopyRowReader, ReadsAsPostgresDoes) {
  std::ifstream file(PGREEVE_SOURCE_DIR "/tests/unit/router/wire/copy_text_cases.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.starts_with('#'))
      continue;
    std::string name;
    std::string hex;
    std::string expected;
    std::istringstream(line) >> name >> hex >> expected;
    const std::string data = hex == "-" ? "" : FromHex(hex);
    const auto check = [&](const std::vector<std::string_view>& payloads) {
      const Read read = ReadAll(ReaderOf(FormatOf(name), {"a", "b"}), payloads);
      const std::string got = read.status.ok() ? Json(read.rows) : SqlStateOf(read.status);
      // Postgres looks at the encoding of a whole block first: of two faults it may name the other.
      if (expected == "22021" && got == "22P04")
        return;
      EXPECT_EQ(got, expected.size() == 5 ? expected : FromHex(expected)) << line;
    };
    check({data});
    test::AtEverySplit(data, [&](std::string_view head, std::string_view tail) {
      check({head, tail});
    });
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < data.size(); i++)
      bytes.push_back(std::string_view(data).substr(i, 1));
    check(bytes);
    cases++;
  }
  EXPECT_GE(cases, 500);
}

TEST(SqlLiteral, Quotes) {
  const auto literal = [](std::optional<std::string_view> value) {
    std::string out = "x=";
    const absl::Status status = AppendSqlLiteral(out, value);
    return status.ok() ? out : out + SqlStateOf(status);
  };
  EXPECT_EQ(literal(std::nullopt), "x=NULL");
  EXPECT_EQ(literal(""), "x=''");
  EXPECT_EQ(literal("it's"), "x='it''s'");
  EXPECT_EQ(literal("\\' OR 1=1 --"), "x='\\'' OR 1=1 --'");
  EXPECT_EQ(literal(std::string_view("a\0b", 3)), "x=22021");
}

TEST(Utf8, IsValidOrNot) {
  for (const std::string& text : {Raw(""),
                                  Raw("ascii"),
                                  Raw("\x7f"),
                                  Raw("\xc2\x80"),
                                  Raw("é€😀"),
                                  Raw("\xed\x9f\xbf"),
                                  Raw("\xee\x80\x80"),
                                  Raw("\xf4\x8f\xbf\xbf")})
    EXPECT_EQ(FindInvalidUtf8(text), text.npos) << ToHex(text);
  for (const std::string& text : {Raw("\0"),
                                  Raw("\x80"),
                                  Raw("\xbf"),
                                  Raw("\xc0\x80"),
                                  Raw("\xc1\xbf"),
                                  Raw("\xc3"),
                                  Raw("\xc3x"),
                                  Raw("\xe0\x9f\xbf"),
                                  Raw("\xed\xa0\x80"),
                                  Raw("\xe2\x82"),
                                  Raw("\xf0\x8f\xbf\xbf"),
                                  Raw("\xf4\x90\x80\x80"),
                                  Raw("\xf5\x80\x80\x80"),
                                  Raw("\xff")})
    EXPECT_EQ(FindInvalidUtf8("ab" + text + "c"), 2U) << ToHex(text);
}

}  // namespace
}  // namespace pgreeve::wire
