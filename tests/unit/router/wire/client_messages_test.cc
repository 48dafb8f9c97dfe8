#include "router/wire/client_messages.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "router/wire/frame.h"
#include "router/wire/message_type.h"
#include "tests/support/exchange.h"

namespace pgreeve::wire {
namespace {

using test::Raw;
using test::SqlStateOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

// The body of the one message that `append` writes.
std::string BodyOf(char type, const std::function<void(std::string&)>& append) {
  std::string out = "before";
  append(out);
  Frame frame;
  EXPECT_EQ(ScanFrame(std::string_view(out).substr(6), kMessageBytesLimit, &frame), Scan::kFrame);
  EXPECT_EQ(frame.whole.size() + 6, out.size());
  EXPECT_EQ(frame.type, type);
  return std::string(frame.body);
}

// No beginning of a good body decodes, and nothing may follow it.
template <class Decode>
void ExpectExact(const std::string& body, Decode decode) {
  EXPECT_TRUE(decode(body).ok()) << decode(body).status();
  for (std::size_t size = 0; size < body.size(); size++)
    EXPECT_EQ(SqlStateOf(decode(body.substr(0, size)).status()), "08P01") << size;
  EXPECT_EQ(SqlStateOf(decode(body + '\0').status()), "08P01");
  EXPECT_EQ(SqlStateOf(decode(body + "x").status()), "08P01");
}

TEST(Query, RoundTrip) {
  const std::string body = BodyOf('Q', [](auto& out) { AppendQuery(out, "SELECT 1"); });
  EXPECT_EQ(*DecodeQuery(body), "SELECT 1");
  ExpectExact(body, DecodeQuery);
  EXPECT_EQ(*DecodeQuery(Raw("\0")), "");
  EXPECT_FALSE(DecodeQuery(Raw("SELECT 1\0; DROP TABLE t\0")).ok());
}

TEST(Parse, RoundTrip) {
  const std::string body = BodyOf('P', [](auto& out) {
    AppendParse(out, "s1", "SELECT $1", {20, 0, 0xffffffff});
  });
  const auto parse = DecodeParse(body);
  ASSERT_TRUE(parse.ok());
  EXPECT_EQ(parse->statement, "s1");
  EXPECT_EQ(parse->query, "SELECT $1");
  EXPECT_THAT(parse->parameter_types, ElementsAre(20, 0, 0xffffffff));
  ExpectExact(body, DecodeParse);
}

TEST(Parse, CountsAreNotBelieved) {
  EXPECT_EQ(SqlStateOf(DecodeParse(Raw("\0SELECT 1\0\xff\xff")).status()), "08P01");
  EXPECT_EQ(SqlStateOf(DecodeParse(Raw("\0SELECT 1\0\x00\x01\0\0\0")).status()), "08P01");
  // More than the 32767 of a signed count, which Postgres takes.
  std::string body = Raw("\0q\0\xff\xff");
  body.append(65535 * 4, '\0');
  EXPECT_EQ(DecodeParse(body)->parameter_types.size(), 65535U);
}

std::string BindBody() {
  return Raw(
      "portal\0statement\0"
      "\0\2\0\0\0\1"      // formats: text, binary
      "\0\2"              // parameters
      "\0\0\0\3abc"       //
      "\xff\xff\xff\xff"  // NULL
      "\0\1\0\1");        // results: binary
}

TEST(Bind, ReadsItsParts) {
  const std::string body = BindBody();
  const auto bind = DecodeBind(body);
  ASSERT_TRUE(bind.ok()) << bind.status();
  EXPECT_EQ(bind->portal, "portal");
  EXPECT_EQ(bind->statement, "statement");
  EXPECT_THAT(bind->parameter_formats, ElementsAre(0, 1));
  EXPECT_THAT(bind->parameters, ElementsAre(Optional(std::string_view("abc")), std::nullopt));
  EXPECT_THAT(bind->result_formats, ElementsAre(1));
  EXPECT_EQ(bind->FormatOf(1), 1);
  ExpectExact(body, DecodeBind);
}

TEST(Bind, IsRewrittenWithOtherNames) {
  const std::string body = BindBody();
  const auto bind = DecodeBind(body);
  const std::string other =
      BodyOf('B', [&](auto& out) { AppendBind(out, "", "longer_name_17", bind->after_names); });
  const auto again = DecodeBind(other);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->portal, "");
  EXPECT_EQ(again->statement, "longer_name_17");
  EXPECT_EQ(again->after_names, bind->after_names);
  EXPECT_EQ(again->parameters, bind->parameters);
}

TEST(Bind, FormatsAreNoneOneOrOneEach) {
  const std::string parameters = Raw("\0\2\0\0\0\1x\0\0\0\1y");
  const std::string end = Raw("\0\0");
  const auto decode = [&](const std::string& formats) {
    const std::string body = Raw("\0\0") + formats + parameters + end;
    return SqlStateOf(DecodeBind(body).status());
  };
  EXPECT_EQ(decode(Raw("\0\0")), "00000");
  EXPECT_EQ(decode(Raw("\0\1\0\1")), "00000");
  EXPECT_EQ(decode(Raw("\0\2\0\1\0\0")), "00000");
  EXPECT_EQ(decode(Raw("\0\3\0\1\0\0\0\0")), "08P01");
  EXPECT_EQ(decode(Raw("\0\1\0\2")), "22023");
  EXPECT_EQ(decode(Raw("\0\1\xff\xff")), "22023");
  const std::string one = Raw("\0\0\0\1\0\1") + parameters + end;
  const auto bind = DecodeBind(one);
  ASSERT_TRUE(bind.ok());
  EXPECT_EQ(bind->FormatOf(0), 1);
  EXPECT_EQ(bind->FormatOf(1), 1);
}

TEST(Bind, LengthsAreNotBelieved) {
  const auto decode = [](const std::string& rest) {
    return SqlStateOf(DecodeBind(Raw("\0\0") + rest).status());
  };
  EXPECT_EQ(decode(Raw("\0\0\0\1\xff\xff\xff\xfe\0\0")), "08P01");  // -2
  EXPECT_EQ(decode(Raw("\0\0\0\1\x80\0\0\0\0\0")), "08P01");        // INT_MIN
  EXPECT_EQ(decode(Raw("\0\0\0\1\x7f\xff\xff\xff\0\0")), "08P01");  // 2 GB
  EXPECT_EQ(decode(Raw("\0\0\0\2\0\0\0\1x\0\0")), "08P01");         // one missing
  EXPECT_EQ(decode(Raw("\xff\xff\0\0\0\0")), "08P01");              // 65535 formats
  EXPECT_EQ(decode(Raw("\0\0\xff\xff\0\0")), "08P01");              // 65535 parameters
  EXPECT_EQ(decode(Raw("\0\0\0\0\xff\xff")), "08P01");              // 65535 results
  EXPECT_EQ(decode(Raw("\0\0\0\1\0\0\0\0\0\0")), "00000");          // an empty value
}

TEST(Bind, TakesAsManyParametersAsPostgres) {
  std::string body = Raw("\0\0\0\0\xff\xff");
  for (int i = 0; i < 65535; i++)
    AppendUint32(body, 0xffffffff);
  body += Raw("\0\0");
  EXPECT_EQ(DecodeBind(body)->parameters.size(), 65535U);
}

TEST(Describe, NamesAStatementOrAPortal) {
  const std::string body = BodyOf('D', [](auto& out) { AppendDescribe(out, 'S', "s1"); });
  EXPECT_EQ(DecodeDescribe(body)->what, 'S');
  EXPECT_EQ(DecodeDescribe(body)->name, "s1");
  ExpectExact(body, DecodeDescribe);
  const std::string close = BodyOf('C', [](auto& out) { AppendClose(out, 'P', ""); });
  EXPECT_EQ(DecodeDescribe(close)->what, 'P');
  EXPECT_EQ(DecodeDescribe(close)->name, "");
  EXPECT_EQ(SqlStateOf(DecodeDescribe(Raw("Xs1\0")).status()), "08P01");
  EXPECT_EQ(SqlStateOf(DecodeDescribe(Raw("\0\0")).status()), "08P01");
}

TEST(Execute, LimitsRows) {
  const std::string body = BodyOf('E', [](auto& out) { AppendExecute(out, "c1", 50); });
  EXPECT_EQ(DecodeExecute(body)->portal, "c1");
  EXPECT_EQ(DecodeExecute(body)->row_limit, 50U);
  ExpectExact(body, DecodeExecute);
  EXPECT_EQ(DecodeExecute(Raw("\0\0\0\0\0"))->row_limit, 0U);
  EXPECT_EQ(DecodeExecute(Raw("\0\xff\xff\xff\xff"))->row_limit, 0U) << "negative: all rows";
  EXPECT_EQ(DecodeExecute(Raw("\0\x7f\xff\xff\xff"))->row_limit, 0x7fffffffU);
}

TEST(SaslInitialResponse, RoundTrip) {
  const std::string body = BodyOf(
      'p', [](auto& out) { AppendSaslInitialResponse(out, "SCRAM-SHA-256", "n,,n=,r=abc"); });
  const auto response = DecodeSaslInitialResponse(body);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(response->data, "n,,n=,r=abc");
  ExpectExact(body, DecodeSaslInitialResponse);
}

// CVE-2026-6664: a length near 2^32 that wraps when something is added to it.
TEST(SaslInitialResponse, LengthIsNotBelieved) {
  for (const uint32_t length : {4U, 0x7fffffffU, 0x80000000U, 0xfffffffeU, 0xfffffff0U}) {
    std::string body = Raw("SCRAM-SHA-256\0");
    AppendUint32(body, length);
    body += "abc";
    EXPECT_EQ(SqlStateOf(DecodeSaslInitialResponse(body).status()), "08P01") << length;
  }
  EXPECT_EQ(DecodeSaslInitialResponse(Raw("X\0\xff\xff\xff\xff"))->data, "");
  EXPECT_FALSE(DecodeSaslInitialResponse(Raw("X\0\xff\xff\xff\xff"
                                             "abc"))
                   .ok());
}

TEST(SingleStrings, RoundTrip) {
  const std::string password =
      BodyOf('p', [](auto& out) { AppendSaslResponse(out, Raw("secret\0")); });
  EXPECT_EQ(*DecodePassword(password), "secret");
  ExpectExact(password, DecodePassword);
  const std::string fail = BodyOf('f', [](auto& out) { AppendCopyFail(out, "why"); });
  EXPECT_EQ(*DecodeCopyFail(fail), "why");
  ExpectExact(fail, DecodeCopyFail);
}

TEST(ClientMessages, WithoutFields) {
  EXPECT_EQ(BodyOf('S', AppendSync), "");
  EXPECT_EQ(BodyOf('H', AppendFlush), "");
  EXPECT_EQ(BodyOf('c', AppendCopyDone), "");
  EXPECT_EQ(BodyOf('X', AppendTerminate), "");
  EXPECT_EQ(BodyOf('d', [](auto& out) { AppendCopyData(out, Raw("a\0b")); }), Raw("a\0b"));
}

// A zero byte in a text would make the backend read the rest of it as the next field.
TEST(ClientMessages, ZeroBytesDoNotEndFields) {
  const std::string body =
      BodyOf('P', [](auto& out) { AppendParse(out, Raw("s\0x"), Raw("a\0b\0"), {}); });
  EXPECT_EQ(DecodeParse(body)->statement, "s x");
  EXPECT_EQ(DecodeParse(body)->query, "a b ");
}

}  // namespace
}  // namespace pgreeve::wire
