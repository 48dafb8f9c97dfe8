#include "router/catalog/tenant_token.h"

#include <gtest/gtest.h>

namespace pgreeve::catalog {
namespace {

std::string Key() {
  std::string key;
  for (int i = 0; i < 32; i++)
    key.push_back(static_cast<char>(i));
  return key;
}

// Computed by Python's hmac module.
TEST(TenantToken, GoldenVectors) {
  const TokenFields fields{1, 7, 1700000000, 4242};

  struct Golden {
    TenantType type;
    const char* id;
    const char* token;
  };

  const Golden vectors[] = {
      {TenantType::kUuid,
       "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
       "1:36626137623831312d396461642d313164312d383062342d303063303466643433306338:7:1700000000:"
       "4242:"
       "cf0c2e6557a59c0bef83a164dc5ee7f2162d82de3547ef15b7d894c2bbe7acf0"},
      {TenantType::kBigint,
       "-2",
       "1:2d32:7:1700000000:4242:"
       "b6c23b9ab754fd56f20ddee76df922d27b093d1c6d83f5e4c0f08f2676a58af2"},
      {TenantType::kText,
       "acme:1:9999999999",
       "1:61636d653a313a39393939393939393939:7:1700000000:4242:"
       "98ddaebe7e0294c9f0214e20aaaac49877c647cbe294ce89db5d885e1d90276f"},
  };
  for (const Golden& golden : vectors) {
    const auto id = TenantId::FromText(golden.type, golden.id);
    ASSERT_TRUE(id.ok());
    EXPECT_EQ(MintToken(Key(), *id, fields), golden.token);
  }
}

TEST(TenantToken, NeedsNoQuoting) {
  const auto id = TenantId::FromText(TenantType::kText, "o'neill:\\ \"é");
  const std::string token = MintToken(Key(), *id, {-3, 1, -1, 1});
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef:-"), token.npos);
}

TEST(TenantToken, EveryFieldIsSigned) {
  const TenantId id = TenantId::FromBigint(5);
  const auto mac = [&](const TokenFields& fields) {
    const std::string token = MintToken(Key(), id, fields);
    return token.substr(token.rfind(':'));
  };
  const std::string base = mac({1, 2, 3, 4});
  EXPECT_NE(base, mac({9, 2, 3, 4}));
  EXPECT_NE(base, mac({1, 9, 3, 4}));
  EXPECT_NE(base, mac({1, 2, 9, 4}));
  EXPECT_NE(base, mac({1, 2, 3, 9}));
}

TEST(TenantToken, PadsAreOneBlockLong) {
  const TokenPads pads = PadsOf(Key());
  EXPECT_EQ(pads.inner.size(), 64u);
  EXPECT_EQ(pads.outer.size(), 64u);
  EXPECT_EQ(pads.inner[1], static_cast<char>(0x36 ^ 1));
  EXPECT_EQ(pads.outer[63], static_cast<char>(0x5c));
}

}  // namespace
}  // namespace pgreeve::catalog
