#include "router/wire/startup.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "tests/support/exchange.h"

namespace pgreeve::wire {
namespace {

using test::Raw;
using test::SqlStateOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint32_t kVersion30 = 3U << 16;

std::string Packet(uint32_t code, std::string_view rest) {
  std::string out;
  AppendUint32(out, static_cast<uint32_t>(8 + rest.size()));
  AppendUint32(out, code);
  out += rest;
  return out;
}

std::string SqlStateOfStartup(std::string_view message) {
  return SqlStateOf(DecodeStartup(message).status());
}

TEST(Startup, ReadsWhatPsqlSends) {
  const std::string message =
      Packet(kVersion30,
             Raw("user\0ann\0database\0app\0application_name\0psql\0client_encoding\0UTF8\0\0"));
  const auto startup = DecodeStartup(message);
  ASSERT_TRUE(startup.ok()) << startup.status();
  EXPECT_EQ(startup->kind, StartupKind::kStartup);
  EXPECT_EQ(startup->minor, 0);
  EXPECT_THAT(startup->parameters,
              ElementsAre(Pair("user", "ann"),
                          Pair("database", "app"),
                          Pair("application_name", "psql"),
                          Pair("client_encoding", "UTF8")));
  EXPECT_EQ(startup->Get("database"), "app");
  EXPECT_EQ(startup->Get("options"), "");
  EXPECT_EQ(startup->Get("USER"), "");
}

TEST(Startup, ReadsTheRequests) {
  EXPECT_EQ(DecodeStartup(Raw("\0\0\0\x08\x04\xd2\x16\x2f"))->kind, StartupKind::kSslRequest);
  EXPECT_EQ(DecodeStartup(Raw("\0\0\0\x08\x04\xd2\x16\x30"))->kind, StartupKind::kGssEncRequest);
  const auto cancel = DecodeStartup(Raw("\0\0\0\x10\x04\xd2\x16\x2e\0\0\x30\x39\x01\x02\x03\x04"));
  ASSERT_TRUE(cancel.ok());
  EXPECT_EQ(cancel->kind, StartupKind::kCancelRequest);
  EXPECT_EQ(cancel->cancel_pid, 12345U);
  EXPECT_EQ(cancel->cancel_secret, "\x01\x02\x03\x04");
}

// Protocol 3.2: keys of up to 256 bytes.
TEST(Startup, CancelKeysAre4To256Bytes) {
  for (const std::size_t size : {4, 5, 32, 256}) {
    const std::string message = EncodeCancelRequest(7, std::string(size, '\0'));
    const auto cancel = DecodeStartup(message);
    ASSERT_TRUE(cancel.ok()) << size;
    EXPECT_EQ(cancel->cancel_pid, 7U);
    EXPECT_EQ(cancel->cancel_secret.size(), size);
  }
  for (const std::size_t size : {0, 3, 257, 9000})
    EXPECT_EQ(SqlStateOfStartup(EncodeCancelRequest(7, std::string(size, 'x'))), "08P01") << size;
  EXPECT_EQ(SqlStateOfStartup(Raw("\0\0\0\x0a\x04\xd2\x16\x2e\0\0")), "08P01");
}

TEST(Startup, RequestsHaveNoBody) {
  EXPECT_EQ(SqlStateOfStartup(Raw("\0\0\0\x09\x04\xd2\x16\x2f\0")), "08P01");
  EXPECT_EQ(SqlStateOfStartup(Raw("\0\0\0\x0c\x04\xd2\x16\x30user")), "08P01");
}

TEST(Startup, RecognisesNewerMinorVersionsAndProtocolOptions) {
  const auto startup =
      DecodeStartup(Packet(kVersion30 | 2, Raw("user\0ann\0_pq_.wait\0on\0_pq_.\0\0_pqx\0y\0\0")));
  ASSERT_TRUE(startup.ok()) << startup.status();
  EXPECT_EQ(startup->minor, 2);
  EXPECT_THAT(startup->unknown_protocol_options, ElementsAre("_pq_.wait", "_pq_."));
  EXPECT_THAT(startup->parameters, ElementsAre(Pair("user", "ann"), Pair("_pqx", "y")));
  EXPECT_EQ(DecodeStartup(Packet(kVersion30 | 9999, Raw("\0")))->minor, 9999);
}

TEST(Startup, RefusesOtherProtocols) {
  for (const uint32_t code :
       {0U, 2U << 16, 4U << 16, 1234U << 16 | 5677, 1234U << 16 | 5681, 0xffffffffU})
    EXPECT_EQ(SqlStateOfStartup(Packet(code, Raw("user\0a\0\0"))), "0A000") << code;
}

TEST(Startup, RefusesNamesThatComeTwice) {
  EXPECT_EQ(SqlStateOfStartup(Packet(kVersion30, Raw("user\0ann\0user\0bob\0\0"))), "08P01");
  EXPECT_EQ(SqlStateOfStartup(Packet(kVersion30, Raw("user\0a\0database\0d\0user\0a\0\0"))),
            "08P01");
  EXPECT_EQ(SqlStateOfStartup(Packet(kVersion30, Raw("_pq_.a\0x\0_pq_.a\0y\0\0"))), "08P01");
}

TEST(Startup, RefusesBrokenLists) {
  for (const std::string& list : {
           Raw(""),                 // no terminator
           Raw("user\0ann\0"),      // the same
           Raw("user\0ann"),        // a value without end
           Raw("user\0"),           // no value
           Raw("user"),             // a name without end
           Raw("user\0ann\0\0x"),   // something behind the terminator
           Raw("user\0ann\0\0\0"),  // the same
       })
    EXPECT_EQ(SqlStateOfStartup(Packet(kVersion30, list)), "08P01") << list;
  EXPECT_TRUE(DecodeStartup(Packet(kVersion30, Raw("user\0\0\0"))).ok()) << "an empty value";
  EXPECT_TRUE(DecodeStartup(Packet(kVersion30, Raw("\0"))).ok()) << "an empty list";
}

TEST(Startup, LengthIsKnownFromFourBytesOn) {
  const std::string message = EncodeStartup({{"user", "ann"}, {"database", "app"}});
  test::AtEverySplit(message, [&](std::string_view head, std::string_view tail) {
    const auto size = StartupBytes(head);
    ASSERT_TRUE(size.ok());
    EXPECT_EQ(*size, head.size() < 4 ? 0 : message.size());
    EXPECT_EQ(SqlStateOfStartup(head), tail.empty() ? "00000" : "08P01") << head.size();
  });
}

TEST(Startup, RefusesLengthsThatCannotBe) {
  for (const uint32_t length : {0U, 4U, 7U, 10001U, 0x16030100U, 0x7fffffffU, 0xffffffffU}) {
    std::string bytes;
    AppendUint32(bytes, length);
    EXPECT_EQ(SqlStateOf(StartupBytes(bytes).status()), "08P01") << length;
  }
  EXPECT_EQ(SqlStateOf(StartupBytes("GET / HTTP/1.1").status()), "08P01");
  EXPECT_EQ(*StartupBytes(Raw("\0\0\x27\x10")), kStartupBytesMax);
}

// Before login nobody may make the router work: 10,000 bytes hold 3,000 names.
TEST(Startup, TakesManyParameters) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (int i = 0; i < 1500; i++)
    parameters.emplace_back(std::to_string(i), "");
  const auto startup = DecodeStartup(EncodeStartup(parameters));
  ASSERT_TRUE(startup.ok());
  EXPECT_EQ(startup->parameters, parameters);
}

TEST(Startup, EncoderKeepsZeroBytesOut) {
  const auto startup = DecodeStartup(EncodeStartup({{"user", Raw("ann\0database\0other")}}));
  ASSERT_TRUE(startup.ok());
  EXPECT_THAT(startup->parameters, ElementsAre(Pair("user", "ann database other")));
}

std::vector<std::pair<std::string, std::string>> Options(std::string_view text) {
  return *ParseOptions(text);
}

TEST(ParseOptions, ReadsBothForms) {
  EXPECT_THAT(Options("-c geqo=off"), ElementsAre(Pair("geqo", "off")));
  EXPECT_THAT(
      Options("-cgeqo=off --search-path=a,b -c  work_mem=64MB\t"),
      ElementsAre(Pair("geqo", "off"), Pair("search_path", "a,b"), Pair("work_mem", "64MB")));
  EXPECT_THAT(Options("--pgreeve.tenant=x=y"), ElementsAre(Pair("pgreeve.tenant", "x=y")));
  EXPECT_THAT(Options("--a="), ElementsAre(Pair("a", "")));
  EXPECT_THAT(Options(""), IsEmpty());
  EXPECT_THAT(Options(" \t\n\v\f\r"), IsEmpty());
}

TEST(ParseOptions, BackslashTakesTheNextCharacter) {
  EXPECT_THAT(Options("-c a=b\\ c\\\\d"), ElementsAre(Pair("a", "b c\\d")));
  EXPECT_THAT(Options("-c\\ a=b"), ElementsAre(Pair(" a", "b")));
  EXPECT_THAT(Options("-c a=b\\"), ElementsAre(Pair("a", "b")));
  EXPECT_THAT(Options("-c a=\\'b\\'"), ElementsAre(Pair("a", "'b'")));
  // Quotes mean nothing to Postgres either.
  EXPECT_EQ(SqlStateOf(ParseOptions("-c a='b c'").status()), "42601");
}

TEST(ParseOptions, RefusesTheRest) {
  for (const std::string_view text : {"-c",
                                      "--",
                                      "-",
                                      "x",
                                      "-d 5",
                                      "-c a",
                                      "--a",
                                      "-c =b",
                                      "--=b",
                                      "-ca",
                                      "a=b",
                                      "-B=1",
                                      "-c -c a=b",
                                      "\\"})
    EXPECT_EQ(SqlStateOf(ParseOptions(text).status()), "42601") << text;
}

}  // namespace
}  // namespace pgreeve::wire
