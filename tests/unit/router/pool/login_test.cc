#include "router/pool/login.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/auth/scram_server.h"
#include "router/base/bytes.h"
#include "router/wire/backend_messages.h"
#include "router/wire/message_type.h"
#include "router/wire/startup.h"

namespace pgreeve::pool {
namespace {

class LoginTest : public ::testing::Test {
 protected:
  explicit LoginTest(bool scram_only = false)
      : login_({.user = "u",
                .password = "secret",
                .database = "d",
                .application_name = "pgreeve:r1",
                .nonce = auth::MakeNonce("nonce-of-this-test"),
                .scram_only = scram_only}) {}

  Login::Step Receive(char type, std::string_view body) {
    out_.clear();
    return login_.OnMessage({.type = type, .body = body, .whole = {}}, out_);
  }

  Login::Step ReceiveAuth(uint32_t kind, std::string_view data = "") {
    std::string body;
    AppendUint32(body, kind);
    body += data;
    return Receive('R', body);
  }

  // Up to the point where the shard has proved itself and nothing else was said.
  void Scram() {
    auth::ScramServer server({.user = "u",
                              .verifier = auth::MakeVerifier("secret", "salt-of-the-test"),
                              .known = true,
                              .nonce = auth::MakeNonce("nonce-of-the-shard")});
    ASSERT_EQ(ReceiveAuth(10, std::string_view("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", 34)),
              Login::Step::kMore);
    const std::string_view first = std::string_view(out_).substr(out_.find("n,,"));
    ASSERT_EQ(ReceiveAuth(11, *server.OnClientFirst(first)), Login::Step::kDerive);
    out_.clear();
    ASSERT_EQ(login_.OnDerived(auth::Derive(login_.derivation()), out_), Login::Step::kMore);
    const auto final = server.OnClientFinal(std::string_view(out_).substr(wire::kHeaderBytes));
    ASSERT_TRUE(final.ok());
    final_ = *final;
  }

  Login login_;
  std::string out_;
  std::string final_;
};

class ScramOnlyLoginTest : public LoginTest {
 protected:
  ScramOnlyLoginTest() : LoginTest(true) {}
};

TEST_F(LoginTest, TheStartupPacketSetsEverySessionDefault) {
  const auto startup = wire::DecodeStartup(login_.Start());
  ASSERT_TRUE(startup.ok());
  EXPECT_EQ(startup->Get("user"), "u");
  EXPECT_EQ(startup->Get("database"), "d");
  for (const auto& [name, value] : SessionDefaults())
    EXPECT_EQ(startup->Get(name), value);
}

TEST_F(LoginTest, ScramToTheEnd) {
  Scram();
  EXPECT_EQ(ReceiveAuth(12, final_), Login::Step::kMore);
  EXPECT_EQ(ReceiveAuth(0), Login::Step::kMore);
  EXPECT_EQ(Receive('S', std::string_view("TimeZone\0UTC\0", 13)), Login::Step::kMore);
  EXPECT_EQ(Receive('N', std::string_view("SNOTICE\0Mhello\0\0", 16)), Login::Step::kMore);
  EXPECT_EQ(Receive('K', std::string_view("\0\0\1\2secret", 10)), Login::Step::kMore);
  EXPECT_EQ(Receive('Z', "I"), Login::Step::kReady);
  EXPECT_EQ(login_.pid(), 258U);
  EXPECT_EQ(login_.secret(), "secret");
  EXPECT_EQ(login_.parameters().find("TimeZone")->second, "UTC");
}

TEST_F(LoginTest, AShardThatSkipsItsOwnProofIsRefused) {
  Scram();
  EXPECT_EQ(ReceiveAuth(0), Login::Step::kFailed);
  EXPECT_EQ(login_.error().sqlstate, "28000");
}

TEST_F(LoginTest, AShardWithoutTheKeyIsRefused) {
  Scram();
  final_[5] = final_[5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(ReceiveAuth(12, final_), Login::Step::kFailed);
  EXPECT_EQ(login_.error().sqlstate, "28000");
}

TEST_F(LoginTest, NoDowngradeInTheMiddle) {
  Scram();
  EXPECT_EQ(ReceiveAuth(3), Login::Step::kFailed);
  EXPECT_EQ(out_, "");
}

TEST_F(LoginTest, MessagesOutOfTurn) {
  EXPECT_EQ(ReceiveAuth(11, "r=x,s=x,i=1"), Login::Step::kFailed);
  std::string out;
  EXPECT_EQ(login_.OnDerived(std::string(32, 'x'), out), Login::Step::kFailed);
  EXPECT_EQ(login_.error().sqlstate, "08P01");
}

TEST_F(LoginTest, TheEndComesOnce) {
  EXPECT_EQ(ReceiveAuth(0), Login::Step::kMore);
  EXPECT_EQ(ReceiveAuth(0), Login::Step::kFailed);
}

TEST_F(LoginTest, AnErrorWithoutFieldsIsStillAnError) {
  EXPECT_EQ(Receive('E', std::string_view("\0", 1)), Login::Step::kFailed);
  EXPECT_EQ(login_.error().sqlstate.size(), 5U);
}

TEST_F(LoginTest, AFloodOfMessagesEnds) {
  ASSERT_EQ(ReceiveAuth(0), Login::Step::kMore);
  std::size_t seen = 0;
  while (seen < 2 * Login::kMessagesMax &&
         Receive('N', std::string_view("\0", 1)) == Login::Step::kMore)
    ++seen;
  EXPECT_LT(seen, Login::kMessagesMax);
}

TEST_F(LoginTest, SecretsHaveASize) {
  ASSERT_EQ(ReceiveAuth(0), Login::Step::kMore);
  EXPECT_EQ(Receive('K', std::string(4 + Login::kSecretBytesMax, 'x')), Login::Step::kMore);
  EXPECT_EQ(Receive('K', std::string(5 + Login::kSecretBytesMax, 'x')), Login::Step::kFailed);
}

TEST_F(ScramOnlyLoginTest, NothingElseWillDo) {
  EXPECT_EQ(ReceiveAuth(5, "salt"), Login::Step::kFailed);
  EXPECT_EQ(out_, "");
}

TEST_F(ScramOnlyLoginTest, NotEvenTrust) {
  EXPECT_EQ(ReceiveAuth(0), Login::Step::kFailed);
}

}  // namespace
}  // namespace pgreeve::pool
