#include "router/wire/backend_messages.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "router/wire/frame.h"
#include "tests/support/exchange.h"

namespace pgreeve::wire {
namespace {

using test::Raw;
using test::SqlStateOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string BodyOf(char type, const std::function<void(std::string&)>& append) {
  std::string out;
  append(out);
  Frame frame;
  EXPECT_EQ(ScanFrame(out, kMessageBytesLimit, &frame), Scan::kFrame);
  EXPECT_EQ(frame.whole.size(), out.size());
  EXPECT_EQ(frame.type, type);
  return std::string(frame.body);
}

template <class Decode>
void ExpectExact(const std::string& body, Decode decode) {
  EXPECT_EQ(SqlStateOf(decode(body)), "00000");
  for (std::size_t size = 0; size < body.size(); size++)
    EXPECT_EQ(SqlStateOf(decode(body.substr(0, size))), "08P01") << size;
  EXPECT_EQ(SqlStateOf(decode(body + "x")), "08P01");
}

TEST(RowDescription, RoundTrip) {
  FieldDescription all;
  all.name = "count";
  all.table_oid = 0xfffffff0;
  all.column = -1;
  all.type_oid = 1700;
  all.type_size = -2;
  all.type_modifier = 655366;
  all.format = 1;
  const std::vector<FieldDescription> fields = {TextColumn(""), Int8Column("größe"), all};
  const std::string body = BodyOf('T', [&](auto& out) { AppendRowDescription(out, fields); });
  EXPECT_EQ(*DecodeRowDescription(body), fields);
  ExpectExact(body, [](const std::string& b) { return DecodeRowDescription(b).status(); });
  EXPECT_THAT(*DecodeRowDescription(Raw("\0\0")), IsEmpty());
  EXPECT_FALSE(DecodeRowDescription(Raw("\xff\xff")).ok());
}

TEST(DataRow, RoundTrip) {
  const std::vector<Value> row = {"1", std::nullopt, "", std::string_view("a\0b", 3)};
  const std::string body = BodyOf('D', [&](auto& out) { AppendDataRow(out, row); });
  std::vector<Value> values = {"left over"};
  ASSERT_TRUE(DecodeDataRow(body, values).ok());
  EXPECT_EQ(values, row);
  ExpectExact(body, [](const std::string& b) {
    std::vector<Value> ignored;
    return DecodeDataRow(b, ignored);
  });
}

// CVE-2026-4427 (a field of length -2) and its relatives.
TEST(DataRow, LengthsAreNotBelieved) {
  for (const std::string& body : {
           Raw("\0\1\xff\xff\xff\xfe"),
           Raw("\0\1\x80\0\0\0"),
           Raw("\0\1\x7f\xff\xff\xff"),
           Raw("\0\1\0\0\0\2x"),
           Raw("\0\2\0\0\0\1x"),
           Raw("\xff\xff\0\0\0\0"),
           Raw("\0"),
           Raw(""),
       }) {
    std::vector<Value> values = {"left over"};
    EXPECT_EQ(SqlStateOf(DecodeDataRow(body, values)), "08P01") << ToHex(body);
    EXPECT_THAT(values, IsEmpty());
  }
}

TEST(Error, RoundTrip) {
  SqlError error;
  error.sqlstate = "42P01";
  error.message = "relation \"t\" does not exist";
  error.detail = "d";
  error.hint = "h";
  error.position = 15;
  const std::string body =
      BodyOf('E', [&](auto& out) { AppendErrorResponse(out, error, "FATAL"); });
  EXPECT_EQ(body, Raw("SFATAL\0VFATAL\0C42P01\0Mrelation \"t\" does not exist\0Dd\0Hh\0P15\0\0"));
  const ServerError decoded = DecodeError(body);
  EXPECT_EQ(decoded.severity, "FATAL");
  EXPECT_EQ(decoded.error.sqlstate, "42P01");
  EXPECT_EQ(decoded.error.message, error.message);
  EXPECT_EQ(decoded.error.detail, "d");
  EXPECT_EQ(decoded.error.hint, "h");
  EXPECT_EQ(decoded.error.position, 15);
}

TEST(Error, LeavesEmptyFieldsOut) {
  SqlError notice;
  notice.sqlstate = "00000";
  notice.message = "m";
  EXPECT_EQ(BodyOf('N', [&](auto& out) { AppendNoticeResponse(out, notice); }),
            Raw("SNOTICE\0VNOTICE\0C00000\0Mm\0\0"));
}

// CVE-2026-6666: an error without SQLSTATE, and worse.
TEST(Error, MissingFieldsKeepTheirDefaults) {
  for (const std::string& body : {Raw(""),
                                  Raw("\0"),
                                  Raw("M"),
                                  Raw("Mno end"),
                                  Raw("Zx\0\0"),
                                  Raw("C\0\0"),
                                  Raw("C4200\0\0"),
                                  Raw("C42p01\0\0"),
                                  Raw("C42P01x\0\0"),
                                  Raw("Px\0\0"),
                                  Raw("P-5\0\0"),
                                  Raw("P99999999999999\0\0"),
                                  Raw("P5x\0\0")}) {
    const ServerError decoded = DecodeError(body);
    EXPECT_EQ(decoded.error.sqlstate, "XX000") << body;
    EXPECT_EQ(decoded.severity, "ERROR");
    EXPECT_EQ(decoded.error.position, 0);
  }
}

TEST(Error, PrefersTheSeverityThatIsNotTranslated) {
  EXPECT_EQ(DecodeError(Raw("SFEHLER\0VERROR\0\0")).severity, "ERROR");
  EXPECT_EQ(DecodeError(Raw("VERROR\0SFEHLER\0\0")).severity, "ERROR");
  EXPECT_EQ(DecodeError(Raw("SFATAL\0\0")).severity, "FATAL");
}

TEST(Error, ZeroBytesDoNotMakeFields) {
  SqlError error;
  error.message = Raw("a\0HInjected");
  const std::string body = BodyOf('E', [&](auto& out) { AppendErrorResponse(out, error); });
  EXPECT_EQ(DecodeError(body).error.hint, "");
  EXPECT_EQ(DecodeError(body).error.message, "a HInjected");
}

TEST(ReadyForQuery, HasThreeStates) {
  for (const char status : {'I', 'T', 'E'})
    EXPECT_EQ(
        *DecodeReadyForQuery(BodyOf('Z', [&](auto& out) { AppendReadyForQuery(out, status); })),
        status);
  for (const std::string& body : {Raw(""), Raw("X"), Raw("\0"), Raw("II"), Raw("I\0")})
    EXPECT_EQ(SqlStateOf(DecodeReadyForQuery(body).status()), "08P01");
}

TEST(ParameterStatus, RoundTrip) {
  const std::string body =
      BodyOf('S', [](auto& out) { AppendParameterStatus(out, "TimeZone", "UTC"); });
  EXPECT_EQ(DecodeParameterStatus(body)->name, "TimeZone");
  EXPECT_EQ(DecodeParameterStatus(body)->value, "UTC");
  ExpectExact(body, [](const std::string& b) { return DecodeParameterStatus(b).status(); });
}

TEST(CommandComplete, RoundTrip) {
  const std::string body = BodyOf('C', [](auto& out) { AppendCommandComplete(out, "INSERT 0 1"); });
  EXPECT_EQ(*DecodeCommandComplete(body), "INSERT 0 1");
  ExpectExact(body, [](const std::string& b) { return DecodeCommandComplete(b).status(); });
}

TEST(Authentication, ReadsWhatIsAsked) {
  EXPECT_EQ(DecodeAuthentication(BodyOf('R', AppendAuthenticationOk))->request,
            AuthenticationRequest::kOk);
  EXPECT_EQ(DecodeAuthentication(Raw("\0\0\0\3"))->request,
            AuthenticationRequest::kCleartextPassword);
  EXPECT_EQ(DecodeAuthentication(Raw("\0\0\0\5salt"))->data, "salt");
  const std::string body = BodyOf('R', [](auto& out) {
    AppendAuthenticationSasl(out, {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"});
  });
  const auto sasl = DecodeAuthentication(body);
  ASSERT_TRUE(sasl.ok());
  EXPECT_EQ(sasl->request, AuthenticationRequest::kSasl);
  EXPECT_THAT(sasl->mechanisms, ElementsAre("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"));
  const std::string more =
      BodyOf('R', [](auto& out) { AppendAuthenticationSaslContinue(out, "r=x"); });
  EXPECT_EQ(DecodeAuthentication(more)->request, AuthenticationRequest::kSaslContinue);
  EXPECT_EQ(DecodeAuthentication(more)->data, "r=x");
  const std::string last =
      BodyOf('R', [](auto& out) { AppendAuthenticationSaslFinal(out, "v=x"); });
  EXPECT_EQ(DecodeAuthentication(last)->request, AuthenticationRequest::kSaslFinal);
}

TEST(Authentication, RefusesWhatIsCutOff) {
  for (const std::string& body : {Raw(""),
                                  Raw("\0\0\0"),
                                  Raw("\0\0\0\5sal"),
                                  Raw("\0\0\0\5salty"),
                                  Raw("\0\0\0\x0a"),
                                  Raw("\0\0\0\x0aSCRAM-SHA-256"),
                                  Raw("\0\0\0\x0aSCRAM-SHA-256\0"),
                                  Raw("\0\0\0\x0a\0x")})
    EXPECT_EQ(SqlStateOf(DecodeAuthentication(body).status()), "08P01") << ToHex(body);
}

TEST(BackendKeyData, RoundTrip) {
  const std::string body =
      BodyOf('K', [](auto& out) { AppendBackendKeyData(out, 77, "12345678"); });
  EXPECT_EQ(DecodeBackendKeyData(body)->pid, 77U);
  EXPECT_EQ(DecodeBackendKeyData(body)->secret, "12345678");
  EXPECT_FALSE(DecodeBackendKeyData(Raw("\0\0\0\1abc")).ok());
  EXPECT_FALSE(DecodeBackendKeyData(Raw("\0\0\0\1") + std::string(257, 'x')).ok());
  EXPECT_FALSE(DecodeBackendKeyData("").ok());
}

TEST(ParameterDescription, RoundTrip) {
  const std::string body = BodyOf('t', [](auto& out) {
    AppendParameterDescription(out, {20, 25});
  });
  EXPECT_THAT(*DecodeParameterDescription(body), ElementsAre(20, 25));
  ExpectExact(body, [](const std::string& b) { return DecodeParameterDescription(b).status(); });
}

TEST(BackendMessages, Bytes) {
  EXPECT_EQ(BodyOf('1', AppendParseComplete), "");
  EXPECT_EQ(BodyOf('2', AppendBindComplete), "");
  EXPECT_EQ(BodyOf('3', AppendCloseComplete), "");
  EXPECT_EQ(BodyOf('n', AppendNoData), "");
  EXPECT_EQ(BodyOf('I', AppendEmptyQueryResponse), "");
  EXPECT_EQ(BodyOf('s', AppendPortalSuspended), "");
  // libpq wants the whole version number, not the minor one alone.
  EXPECT_EQ(BodyOf('v',
                   [](auto& out) {
                     AppendNegotiateProtocolVersion(out, 2, {"_pq_.a", "b"});
                   }),
            Raw("\0\3\0\2\0\0\0\2_pq_.a\0b\0"));
}

}  // namespace
}  // namespace pgreeve::wire
