#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/auth/base64.h"
#include "router/auth/scram_client.h"
#include "router/auth/scram_server.h"
#include "router/auth/verifier.h"
#include "router/base/status.h"

namespace pgreeve::auth {
namespace {

using ::testing::HasSubstr;

// RFC 7677 §3.
constexpr std::string_view kRfcPassword = "pencil";
constexpr std::string_view kRfcClientNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kRfcServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kRfcSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";
constexpr std::string_view kRfcServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kRfcClientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view kRfcServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

std::string SqlStateOf(const absl::Status& status) {
  return status.ok() ? "00000" : ToSqlError(status).sqlstate;
}

ScramVerifier RfcVerifier() {
  return MakeVerifier(kRfcPassword, *Base64Decode(kRfcSalt), 4096);
}

ScramServer RfcServer(bool known = true) {
  return ScramServer({"user", RfcVerifier(), known, std::string(kRfcServerNonce)});
}

ScramClient ClientWith(std::string_view password, std::string_view nonce = kRfcClientNonce) {
  return ScramClient({std::string(password), std::string(nonce)});
}

TEST(ScramServer, SpeaksAsInTheRfc) {
  ScramServer server = RfcServer();
  EXPECT_EQ(*server.OnClientFirst("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), kRfcServerFirst);
  EXPECT_EQ(*server.OnClientFinal(kRfcClientFinal), kRfcServerFinal);
}

// The RFC's example names the user inside SCRAM; Postgres' clients do not, which changes what is
// signed. The vector below was made with Python's hashlib and hmac.
TEST(ScramClient, SpeaksAsLibpqDoes) {
  ScramClient client = ClientWith(kRfcPassword);
  EXPECT_EQ(client.First(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  const auto request = client.OnServerFirst(kRfcServerFirst);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->iterations, 4096U);
  EXPECT_EQ(*client.Finish(Derive(*request)),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k=");
  EXPECT_TRUE(client.OnServerFinal("v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg=").ok());
}

// One whole login; `edit` may change each message on its way (its step counts from 0).
struct Login {
  absl::Status at_server;
  absl::Status at_client;
};

Login LogIn(ScramServer server,
            ScramClient client,
            const std::function<std::string(int, std::string)>& edit) {
  const auto server_first = server.OnClientFirst(edit(0, client.First()));
  if (!server_first.ok())
    return {server_first.status(), absl::OkStatus()};
  const auto request = client.OnServerFirst(edit(1, *server_first));
  if (!request.ok())
    return {absl::OkStatus(), request.status()};
  const auto server_final = server.OnClientFinal(edit(2, *client.Finish(Derive(*request))));
  if (!server_final.ok())
    return {server_final.status(), absl::OkStatus()};
  return {absl::OkStatus(), client.OnServerFinal(edit(3, *server_final))};
}

std::string AsSent(int /*step*/, std::string message) {
  return message;
}

ScramServer FastServer(std::string_view password, bool known = true) {
  return ScramServer({"ann", MakeVerifier(password, "sixteen bytes...", 1), known, "serverNonce"});
}

TEST(Scram, LogsInWithTheRightPasswordOnly) {
  for (const std::string password : {"secret", "", "with space, comma=", "pässwörd", "\x01\x7f"}) {
    const Login right = LogIn(FastServer(password), ClientWith(password), AsSent);
    EXPECT_TRUE(right.at_server.ok()) << right.at_server;
    EXPECT_TRUE(right.at_client.ok()) << right.at_client;
    const Login wrong = LogIn(FastServer(password), ClientWith(password + "x"), AsSent);
    EXPECT_EQ(SqlStateOf(wrong.at_server), "28P01");
    EXPECT_THAT(wrong.at_server.message(), HasSubstr("\"ann\""));
  }
}

TEST(Scram, AnUnknownUserFailsLastAndLooksLikeAWrongPassword) {
  const auto unknown = [] {
    return ScramServer({"bob", MockVerifier("bob", "fleet secret"), false, "serverNonce"});
  };
  ScramServer server = unknown();
  const auto first = server.OnClientFirst("n,,n=,r=abc");
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(*first, HasSubstr(",i=4096"));
  EXPECT_EQ(*first, *unknown().OnClientFirst("n,,n=,r=abc")) << "the salt must not change";
  const Login login = LogIn(unknown(), ClientWith("anything"), AsSent);
  EXPECT_EQ(SqlStateOf(login.at_server), "28P01");
  // Even the right proof does not help a user who is not known.
  EXPECT_EQ(SqlStateOf(LogIn(FastServer("secret", false), ClientWith("secret"), AsSent).at_server),
            "28P01");
}

TEST(Scram, MockVerifiersDifferByUserAndSecret) {
  const ScramVerifier one = MockVerifier("a", "s");
  EXPECT_EQ(one, MockVerifier("a", "s"));
  EXPECT_NE(one.salt, MockVerifier("b", "s").salt);
  EXPECT_NE(one.salt, MockVerifier("a", "t").salt);
  EXPECT_EQ(one.salt.size(), kScramSaltBytes);
  EXPECT_NE(one.stored_key, one.server_key);
  EXPECT_TRUE(ParseVerifier(one.Text()).ok());
}

// Every message with every byte changed, cut off or added: an error, never a login, never a crash.
TEST(Scram, NoDamagedMessageLogsIn) {
  for (int damaged = 0; damaged < 4; damaged++) {
    for (std::size_t at = 0; at < 90; at++) {
      for (int how = 0; how < 3; how++) {
        bool changed = false;
        const Login login =
            LogIn(FastServer("secret"), ClientWith("secret"), [&](int step, std::string m) {
              if (step != damaged || at >= m.size())
                return m;
              changed = true;
              if (how == 0)
                m[at] = static_cast<char>(m[at] ^ 1);
              else if (how == 1)
                m.resize(at);
              else
                m.insert(at, 1, ',');
              return m;
            });
        if (changed) {
          EXPECT_FALSE(login.at_server.ok() && login.at_client.ok())
              << "message " << damaged << " byte " << at << " change " << how;
        }
      }
    }
  }
}

struct BadMessage {
  std::string message;
  std::string sqlstate;
};

TEST(ScramServer, RefusesClientFirst) {
  const std::vector<BadMessage> messages = {
      {"", "08P01"},
      {"n", "08P01"},
      {"n,", "08P01"},
      {"n,,", "08P01"},
      {"x,,n=,r=a", "08P01"},
      {"n;,n=,r=a", "08P01"},
      {"n,x,n=,r=a", "08P01"},
      {"n,,r=a", "08P01"},
      {"n,,n=,r=", "08P01"},
      {"n,,n=", "08P01"},
      {"n,,n=,s=a", "08P01"},
      {"n,,n=,r=a\x01", "08P01"},
      {"n,,n=,r=ä", "08P01"},
      {std::string("n,,n=,r=a\0b", 11), "08P01"},
      {"n,,n=,r=" + std::string(2000, 'a'), "08P01"},
      {"n,,n=" + std::string(100'000, 'a') + ",r=a", "08P01"},
      {"p=tls-server-end-point,,n=,r=a", "0A000"},
      {"n,a=admin,n=,r=a", "0A000"},
      {"n,,m=ext,n=,r=a", "0A000"},
  };
  for (const BadMessage& bad : messages) {
    ScramServer server = RfcServer();
    EXPECT_EQ(SqlStateOf(server.OnClientFirst(bad.message).status()), bad.sqlstate) << bad.message;
    EXPECT_FALSE(server.OnClientFirst("n,,n=,r=a").ok()) << "a second try on the same exchange";
  }
}

TEST(ScramServer, RefusesClientFinal) {
  const std::string r = ",r=" + std::string(kRfcClientNonce) + std::string(kRfcServerNonce);
  const std::string p = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const std::vector<BadMessage> messages = {
      {"", "08P01"},
      {"c=biws", "08P01"},
      {"c=biws" + r, "08P01"},
      {r.substr(1) + p, "08P01"},
      {"c=eSws" + r + p, "08P01"},  // y,, where n,, was said
      {"c=cD10bHM=" + r + p, "08P01"},
      {"c=biws,r=other" + p, "08P01"},
      {"c=biws,r=" + std::string(kRfcClientNonce) + p, "08P01"},
      {"c=biws" + r + ",p=", "08P01"},
      {"c=biws" + r + ",p=AAAA", "08P01"},
      {"c=biws" + r + ",p=!!!!", "08P01"},
      {"c=biws" + r + p + ",x=1", "08P01"},
      {"c=biws" + r + p + ",", "08P01"},
      {"c=biws" + r + "," + p, "08P01"},
      {"c=biws" + r + ",,,,", "08P01"},
      {"c=biws" + r + ",p=" + std::string(5000, 'A'), "08P01"},
      {"c=biws" + r + ",x=1" + p, "28P01"},  // allowed, but it is not what was signed
      {"c=biws" + r + ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "28P01"},
  };
  for (const BadMessage& bad : messages) {
    ScramServer server = RfcServer();
    ASSERT_TRUE(server.OnClientFirst("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").ok());
    EXPECT_EQ(SqlStateOf(server.OnClientFinal(bad.message).status()), bad.sqlstate) << bad.message;
    EXPECT_EQ(SqlStateOf(server.OnClientFinal(kRfcClientFinal).status()), "08P01")
        << "a second try on the same exchange";
  }
  ScramServer early = RfcServer();
  EXPECT_EQ(SqlStateOf(early.OnClientFinal(kRfcClientFinal).status()), "08P01");
}

// A client that could bind the channel says so; the flag is then part of what it signs.
TEST(ScramServer, TakesTheYFlag) {
  const std::string salted = Derive({"secret", "sixteen bytes...", 1});
  const auto answer = [&](std::string_view binding) {
    ScramServer server = FastServer("secret");
    const std::string server_first = *server.OnClientFirst("y,,n=,r=abc");
    const std::string without_proof = "c=" + std::string(binding) + ",r=abcserverNonce";
    const std::string auth_message = "n=,r=abc," + server_first + "," + without_proof;
    const std::string key = ClientKeyOf(salted);
    const std::string proof = Xor(key, HmacSha256(Sha256(key), auth_message));
    return server.OnClientFinal(without_proof + ",p=" + Base64Encode(proof)).status();
  };
  EXPECT_TRUE(answer("eSws").ok()) << answer("eSws");
  EXPECT_EQ(SqlStateOf(answer("biws")), "08P01") << "a downgrade on the way";
}

TEST(ScramClient, RefusesServerFirst) {
  const std::string r = "r=" + std::string(kRfcClientNonce);
  const std::vector<BadMessage> messages = {
      {"", "08P01"},
      {"r=", "08P01"},
      {"e=other-error", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==", "08P01"},
      {r + "x,i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==", "08P01"},
      {r + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "08P01"},       // adds nothing to our nonce
      {"r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "08P01"},    // not ours at all
      {r + "x\x02,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "08P01"},  // not printable
      {r + "x,s=,i=4096", "08P01"},
      {r + "x,s=W22,i=4096", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=+1", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0x10", "08P01"},
      {r + "x,s=" + Base64Encode(std::string(300, 's')) + ",i=4096", "08P01"},
      // A nonce longer than any buffer (CVE-2026-6665) and counts meant to freeze the process.
      {r + std::string(1 << 20, 'n') + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "08P01"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=100001", "28000"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000", "28000"},
      {r + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999", "28000"},
  };
  for (const BadMessage& bad : messages) {
    ScramClient client = ClientWith("secret");
    const auto request = client.OnServerFirst(bad.message);
    EXPECT_EQ(SqlStateOf(request.status()), bad.sqlstate) << bad.message.substr(0, 100);
    EXPECT_FALSE(client.Finish(std::string(kScramKeyBytes, 'k')).ok());
  }
}

TEST(ScramClient, SaysHowManyIterationsWereAskedFor) {
  ScramClient client({"secret", "abc", 10'000});
  const auto request = client.OnServerFirst("r=abcd,s=c2FsdA==,i=10001");
  EXPECT_EQ(request.status().message(), "server asked for 10001 iterations");
  ScramClient at_limit({"secret", "abc", 10'000});
  EXPECT_TRUE(at_limit.OnServerFirst("r=abcd,s=c2FsdA==,i=10000").ok());
}

TEST(ScramClient, ChecksTheServerToo) {
  for (const auto& [message, sqlstate] :
       std::vector<BadMessage>{{"", "08P01"},
                               {"v=", "28000"},
                               {"v=AAAA", "28000"},
                               {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "28000"},
                               {"x=1", "08P01"},
                               {std::string(100'000, 'v'), "08P01"},
                               {"e=invalid-proof", "28P01"}}) {
    ScramClient client = ClientWith("secret");
    const auto request =
        client.OnServerFirst(std::string("r=") + std::string(kRfcClientNonce) + "x,s=c2FsdA==,i=1");
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(SqlStateOf(client.OnServerFinal("v=AAAA")), "08P01") << "before our proof";
    ASSERT_FALSE(client.Finish("short").ok());
    ASSERT_TRUE(client.Finish(Derive(*request)).ok());
    EXPECT_EQ(SqlStateOf(client.OnServerFinal(message)), sqlstate) << message.substr(0, 60);
    EXPECT_FALSE(client.OnServerFinal(kRfcServerFinal).ok()) << "a second try";
  }
}

}  // namespace
}  // namespace pgreeve::auth
