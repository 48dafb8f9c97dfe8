#include "router/base/tenant_id.h"

#include <cstdint>
#include <string>
#include <vector>

#include <absl/container/flat_hash_set.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "tests/support/exchange.h"

namespace pgreeve {
namespace {

using test::SqlStateOf;

constexpr std::string_view kUuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

std::string TextOf(TenantType type, std::string_view text) {
  const auto id = TenantId::FromText(type, text);
  return id.ok() ? id->Text() : SqlStateOf(id.status());
}

TEST(TenantId, TakesEveryUuidThatPostgresTakes) {
  for (const std::string_view text : {
           "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
           "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
           "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
           "a0eebc999c0b4ef8bb6d6bb9bd380a11",
           "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
           "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
           "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380A11}",
       }) {
    EXPECT_EQ(TextOf(TenantType::kUuid, text), kUuid) << text;
  }
}

TEST(TenantId, RefusesUuidsThatPostgresRefuses) {
  for (const std::string& text : std::vector<std::string>{
           "",
           "{",
           "}",
           "{}",
           "-",
           "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",    // a digit short
           "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",  // one too many
           "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-",  // hyphen at the end
           "-a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",  // at the start
           "a0-eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",  // between pairs
           "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11",  // twice
           "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",  // one brace
           "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
           "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}}",
           " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",  // uuid takes no blanks
           "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 ",
           "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
           std::string("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\0", 37),
       }) {
    EXPECT_EQ(TextOf(TenantType::kUuid, text), "22P02") << text;
  }
}

TEST(TenantId, UuidBytesAndTextAreOne) {
  std::string bytes;
  for (const int byte : {0xa0,
                         0xee,
                         0xbc,
                         0x99,
                         0x9c,
                         0x0b,
                         0x4e,
                         0xf8,
                         0xbb,
                         0x6d,
                         0x6b,
                         0xb9,
                         0xbd,
                         0x38,
                         0x0a,
                         0x11})
    bytes.push_back(static_cast<char>(byte));
  const TenantId id = TenantId::FromUuidBytes(bytes);
  EXPECT_EQ(id.canonical(), bytes);
  EXPECT_EQ(id, *TenantId::FromText(TenantType::kUuid, kUuid));
  EXPECT_EQ(id.Text(), kUuid);
}

TEST(TenantId, ReadsBigints) {
  EXPECT_EQ(TextOf(TenantType::kBigint, "0"), "0");
  EXPECT_EQ(TextOf(TenantType::kBigint, "-0"), "0");
  EXPECT_EQ(TextOf(TenantType::kBigint, "+7"), "7");
  EXPECT_EQ(TextOf(TenantType::kBigint, "  -42\t\n"), "-42");
  EXPECT_EQ(TextOf(TenantType::kBigint, "\v\f\r 0000000000000000000000000012 "), "12");
  EXPECT_EQ(TextOf(TenantType::kBigint, "9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(TextOf(TenantType::kBigint, "-9223372036854775808"), "-9223372036854775808");
}

TEST(TenantId, RefusesBigintsThatPostgresRefuses) {
  EXPECT_EQ(TextOf(TenantType::kBigint, "9223372036854775808"), "22003");
  EXPECT_EQ(TextOf(TenantType::kBigint, "-9223372036854775809"), "22003");
  EXPECT_EQ(TextOf(TenantType::kBigint, std::string(1000, '9')), "22003");
  for (const std::string& text : std::vector<std::string>{"",
                                                          " ",
                                                          "-",
                                                          "+",
                                                          "+-1",
                                                          "-+1",
                                                          "--1",
                                                          "++1",
                                                          "+ 1",
                                                          "- 1",
                                                          "1 2",
                                                          "1.0",
                                                          "1e3",
                                                          "0x10",
                                                          "1_000",
                                                          "12a",
                                                          std::string("1\0", 2),
                                                          "\xc2\xa0"
                                                          "1"})
    EXPECT_EQ(TextOf(TenantType::kBigint, text), "22P02") << text;
}

TEST(TenantId, BigintsAreEightBytesLittleEndian) {
  EXPECT_EQ(ToHex(TenantId::FromBigint(1).canonical()), "0100000000000000");
  EXPECT_EQ(ToHex(TenantId::FromBigint(-2).canonical()), "feffffffffffffff");
  EXPECT_EQ(ToHex(TenantId::FromBigint(INT64_MIN).canonical()), "0000000000000080");
  EXPECT_EQ(TenantId::FromBigint(INT64_MIN).Text(), "-9223372036854775808");
  EXPECT_EQ(TenantId::FromBigint(INT64_MAX).Text(), "9223372036854775807");
  EXPECT_EQ(TenantId::FromBigint(77), *TenantId::FromText(TenantType::kBigint, " +77 "));
}

TEST(TenantId, TakesTextAsItIs) {
  for (const std::string& text : std::vector<std::string>{"acme",
                                                          " acme ",
                                                          "ACME",
                                                          "a:b:c",
                                                          "'; DROP TABLE x; --",
                                                          "ärger\n",
                                                          std::string(200, 'x')})
    EXPECT_EQ(TextOf(TenantType::kText, text), text);
  EXPECT_NE(*TenantId::FromText(TenantType::kText, "acme"),
            *TenantId::FromText(TenantType::kText, "ACME"));
  EXPECT_EQ(TextOf(TenantType::kText, ""), "22023");
  EXPECT_EQ(TextOf(TenantType::kText, std::string(201, 'x')), "22023");
  EXPECT_EQ(TextOf(TenantType::kText, std::string("a\0b", 3)), "22023");
}

TEST(TenantId, TypesDoNotMix) {
  // The same canonical bytes under another type are another tenant.
  const TenantId number = TenantId::FromBigint(0x6162636465666768);
  const TenantId text = *TenantId::FromText(TenantType::kText, number.canonical());
  EXPECT_EQ(number.canonical(), text.canonical());
  EXPECT_NE(number, text);
  EXPECT_TRUE(TenantId().empty());
  EXPECT_FALSE(number.empty());
}

TEST(TenantId, IsAKey) {
  absl::flat_hash_set<TenantId> set;
  for (int i = 0; i < 100; i++)
    set.insert(TenantId::FromBigint(i % 10));
  EXPECT_EQ(set.size(), 10U);
}

TEST(TenantType, HasItsThreeNames) {
  for (const TenantType type : {TenantType::kUuid, TenantType::kBigint, TenantType::kText})
    EXPECT_EQ(*ParseTenantType(ToString(type)), type);
  for (const std::string_view name : {"", "UUID", "int8", "integer", "uuid "})
    EXPECT_EQ(SqlStateOf(ParseTenantType(name).status()), "22023") << name;
}

}  // namespace
}  // namespace pgreeve
