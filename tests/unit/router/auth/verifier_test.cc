#include "router/auth/verifier.h"

#include <string>

#include <gtest/gtest.h>

#include "router/auth/base64.h"
#include "router/auth/md5_password.h"
#include "router/base/status.h"

namespace pgreeve::auth {
namespace {

// Made with Python's hashlib from the password and salt of RFC 7677 §3.
constexpr std::string_view kVerifier =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

TEST(Verifier, IsMadeAsPostgresMakesIt) {
  const std::string salt = *Base64Decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  EXPECT_EQ(MakeVerifier("pencil", salt).Text(), kVerifier);
}

TEST(Verifier, ReadsWhatItWrites) {
  const auto verifier = ParseVerifier(kVerifier);
  ASSERT_TRUE(verifier.ok()) << verifier.status();
  EXPECT_EQ(verifier->iterations, 4096U);
  EXPECT_EQ(verifier->salt.size(), 16U);
  EXPECT_EQ(verifier->Text(), kVerifier);
}

TEST(Verifier, RefusesEveryBeginningOfOne) {
  for (std::size_t size = 0; size < kVerifier.size(); size++)
    EXPECT_FALSE(ParseVerifier(kVerifier.substr(0, size)).ok()) << size;
}

TEST(Verifier, RefusesWhatIsNone) {
  const std::string keys =
      "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
  for (const std::string& text : std::vector<std::string>{
           "secret",
           "md506431157bef24434673b1d885411f039",
           "SCRAM-SHA-1$4096:c2FsdA==" + keys,
           "SCRAM-SHA-256$0:c2FsdA==" + keys,
           "SCRAM-SHA-256$-1:c2FsdA==" + keys,
           "SCRAM-SHA-256$100001:c2FsdA==" + keys,
           "SCRAM-SHA-256$99999999999:c2FsdA==" + keys,
           "SCRAM-SHA-256$4096x:c2FsdA==" + keys,
           "SCRAM-SHA-256$4096:" + keys,
           "SCRAM-SHA-256$4096:c2Fs dA==" + keys,
           "SCRAM-SHA-256$4096:c2FsdA" + keys,
           "SCRAM-SHA-256$4096:c2FsdA==" + keys + "=",
           "SCRAM-SHA-256$4096:c2FsdA==" + keys + ":x",
           "SCRAM-SHA-256$4096:c2FsdA==$AAAA:AAAA",
       }) {
    const auto verifier = ParseVerifier(text);
    ASSERT_FALSE(verifier.ok()) << text;
    EXPECT_EQ(ToSqlError(verifier.status()).sqlstate, "22023");
    EXPECT_EQ(verifier.status().ToString().find("secret"), std::string::npos);
  }
}

TEST(Base64, DecodesOnlyWhatItEncodes) {
  for (const std::string bytes : {"", "f", "fo", "foo", "foob", "\xff\xfe\x01"})
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
  EXPECT_EQ(Base64Encode("foob"), "Zm9vYg==");
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "Zh==", "Z g==", "Zg==\n", "Z-==", "====", "Zm9vYg==Zg==", "Zg.."})
    EXPECT_EQ(Base64Decode(text), std::nullopt) << text;
}

TEST(Nonce, IsPrintableAndAsLongAsItsBytes) {
  const std::string nonce = MakeNonce(std::string(kNonceBytes, '\xfb'));
  EXPECT_EQ(nonce.size(), 24U);
  EXPECT_EQ(nonce.find(','), nonce.npos);
}

TEST(Md5Password, IsWhatPostgresExpects) {
  EXPECT_EQ(*Md5Password("ann", "pass", "\x01\x02\x03\x04"), "md506431157bef24434673b1d885411f039");
}

}  // namespace
}  // namespace pgreeve::auth
