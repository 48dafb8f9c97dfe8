#include "router/session/login.h"

#include <string>
#include <utility>
#include <vector>

#include "router/auth/scram_client.h"
#include "router/auth/scram_keys.h"
#include "router/auth/verifier.h"
#include "router/base/bytes.h"
#include "router/wire/backend_messages.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using Parameters = std::vector<std::pair<std::string, std::string>>;
using Step = Login::Step;

constexpr std::string_view kPassword = "right";
constexpr std::string_view kSalt = "0123456789abcdef";

catalog::LoginInfo LoginNamed(std::string name, catalog::LoginScope scope) {
  catalog::LoginInfo login;
  login.name = std::move(name);
  login.scope = scope;
  login.verifier = auth::MakeVerifier(kPassword, kSalt).Text();
  return login;
}

void PutTenant(catalog::Placement& placement, int64_t id, catalog::TenantAccess access) {
  catalog::TenantInfo tenant;
  tenant.id = TenantId::FromBigint(id);
  tenant.access = access;
  placement.PutTenant(std::move(tenant));
}

std::shared_ptr<const catalog::Placement> Fleet() {
  auto placement = std::make_shared<catalog::Placement>();
  placement->tenant_type = TenantType::kBigint;
  for (catalog::LoginInfo& login : std::vector{LoginNamed("app", catalog::LoginScope::kApp),
                                               LoginNamed("boss", catalog::LoginScope::kOperator),
                                               LoginNamed("seven", catalog::LoginScope::kTenant)}) {
    if (login.scope == catalog::LoginScope::kTenant)
      login.tenant = TenantId::FromBigint(7);
    placement->logins.insert_or_assign(login.name, login);
  }
  PutTenant(*placement, 7, catalog::TenantAccess::kOpen);
  PutTenant(*placement, 8, catalog::TenantAccess::kOpen);
  PutTenant(*placement, 9, catalog::TenantAccess::kSuspended);
  return placement;
}

Login NewLogin(std::shared_ptr<const catalog::Placement> placement = Fleet()) {
  return Login(std::move(placement), "mock", auth::MakeNonce("abcdefghijklmnopqr"));
}

// The messages of an answer: type and body.
std::vector<std::pair<char, std::string>> MessagesOf(std::string_view bytes) {
  std::vector<std::pair<char, std::string>> messages;
  wire::Frame frame;
  while (wire::ScanFrame(bytes, wire::kMessageBytesLimit, &frame) == wire::Scan::kFrame) {
    messages.emplace_back(frame.type, std::string(frame.body));
    bytes.remove_prefix(frame.whole.size());
  }
  EXPECT_TRUE(bytes.empty());
  return messages;
}

Step Say(Login& login, const std::string& message, std::string& reply) {
  wire::Frame frame;
  EXPECT_EQ(wire::ScanFrame(message, wire::kMessageBytesLimit, &frame), wire::Scan::kFrame);
  reply.clear();
  return login.OnMessage(frame, reply);
}

// A whole login: "" when it was accepted, else the SQLSTATE.
std::string LogIn(Login& login, const Parameters& parameters, std::string_view password) {
  std::string reply;
  if (login.OnFirstMessage(wire::EncodeStartup(parameters), reply) != Step::kMore)
    return login.error().sqlstate;
  EXPECT_EQ(MessagesOf(reply)[0].first, 'R');
  auth::ScramClient client({.password = std::string(password), .nonce = "clientnonce"});
  std::string message;
  wire::AppendSaslInitialResponse(message, "SCRAM-SHA-256", client.First());
  if (Say(login, message, reply) != Step::kMore)
    return login.error().sqlstate;
  const auto derivation = client.OnServerFirst(MessagesOf(reply)[0].second.substr(4));
  EXPECT_TRUE(derivation.ok());
  const auto last = client.Finish(auth::Derive(*derivation));
  message.clear();
  wire::AppendSaslResponse(message, *last);
  if (Say(login, message, reply) != Step::kAccepted)
    return login.error().sqlstate;
  EXPECT_TRUE(client.OnServerFinal(MessagesOf(reply)[0].second.substr(4)).ok());
  return "";
}

std::string Result(const Parameters& parameters, std::string_view password = kPassword) {
  Login login = NewLogin();
  return LogIn(login, parameters, password);
}

Identity Accepted(const Parameters& parameters) {
  Login login = NewLogin();
  EXPECT_EQ(LogIn(login, parameters, kPassword), "");
  return login.identity();
}

TEST(Login, Scopes) {
  const Identity app = Accepted({{"user", "app"}, {"database", "shop"}});
  EXPECT_EQ(app.user, "app");
  EXPECT_EQ(app.database, "shop");
  EXPECT_FALSE(app.locked);
  EXPECT_TRUE(app.tenant.empty());
  const Identity tenant = Accepted({{"user", "seven"}});
  EXPECT_TRUE(tenant.locked);
  EXPECT_EQ(tenant.tenant.Text(), "7");
  const Identity boss = Accepted({{"user", "boss"}, {"options", "-c pgreeve.tenant=8"}});
  EXPECT_FALSE(boss.locked);
  EXPECT_EQ(boss.tenant.Text(), "8");
  EXPECT_TRUE(Accepted({{"user", "boss"}, {"database", "pgreeve"}}).console);
  EXPECT_TRUE(Accepted({{"user", "boss"}, {"database", "pgbouncer"}}).console);
}

TEST(Login, ATenantNamedAtStartupLocksAnApplication) {
  for (const Parameters& more :
       std::vector<Parameters>{{{"options", "-c pgreeve.tenant=8"}},
                               {{"database", "shop@8"}},
                               {{"pgreeve.tenant", "8"}},
                               {{"database", "shop@8"}, {"PGREEVE.Tenant", "8"}}}) {
    Parameters parameters = {{"user", "app"}};
    parameters.insert(parameters.end(), more.begin(), more.end());
    const Identity identity = Accepted(parameters);
    EXPECT_TRUE(identity.locked);
    EXPECT_EQ(identity.tenant.Text(), "8");
  }
}

TEST(Login, Refusals) {
  const std::vector<std::pair<Parameters, std::string>> cases = {
      {{{"user", "app"}, {"database", "shop@8"}, {"pgreeve.tenant", "7"}}, "42501"},
      {{{"user", "app"}, {"options", "-c pgreeve.tenant=7 -c pgreeve.tenant=8"}}, "42501"},
      {{{"user", "seven"}, {"pgreeve.tenant", "8"}}, "42501"},
      {{{"user", "app"}, {"database", "pgreeve"}}, "42501"},
      {{{"user", "seven"}, {"database", "pgbouncer"}}, "42501"},
      {{{"user", "app"}, {"pgreeve.tenant", "10"}}, "3D000"},
      {{{"user", "app"}, {"pgreeve.tenant", "9"}}, "57P03"},
      {{{"user", "app"}, {"pgreeve.tenant", "x"}}, "22P02"},
      {{{"user", "app"}, {"pgreeve.token", "x"}}, "42704"},
      {{{"user", "app"}, {"options", "-c role=boss"}}, "42501"},
      {{{"user", "app"}, {"ROLE", "boss"}}, "42501"},
      {{{"user", "app"}, {"session_authorization", "boss"}}, "42501"},
      {{{"user", "app"}, {"row_security", "off"}}, "42501"},
      {{{"user", "app"}, {"a b", "1"}}, "42704"},
      {{{"user", "app"}, {"1a", "1"}}, "42704"},
      {{{"user", "app"}, {"client_encoding", "GB-K"}}, "0A000"},
      {{{"user", "app"}, {"client_encoding", "sjis"}}, "0A000"},
      {{{"user", "app"}, {"replication", "database"}}, "0A000"},
      {{{"user", ""}}, "28000"},
      {{{"database", "shop"}}, "28000"},
      {{{"user", "app"}, {"user", "boss"}}, "08P01"}};
  for (const auto& [parameters, sqlstate] : cases)
    EXPECT_EQ(Result(parameters), sqlstate)
        << parameters.back().first << "=" << parameters.back().second;
}

TEST(Login, SettingsAreKeptForTheBackends) {
  const Identity identity = Accepted({{"user", "app"},
                                      {"TimeZone", "Europe/Berlin"},
                                      {"application_name", "web"},
                                      {"client_encoding", "UTF-8"},
                                      {"replication", "false"},
                                      {"options", "-c work_mem=8MB --search-path=a,b"}});
  EXPECT_EQ(identity.application, "web");
  EXPECT_THAT(
      identity.settings,
      ElementsAre(
          Pair("timezone", "Europe/Berlin"), Pair("work_mem", "8MB"), Pair("search_path", "a,b")));
}

// Who is told what comes only behind the password: a stranger learns nothing of logins or tenants.
TEST(Login, AWrongPasswordAndAnUnknownUserLookTheSame) {
  std::vector<std::vector<char>> types;
  std::vector<std::string> messages;
  for (const std::string user : {"app", "nobody"}) {
    Login login = NewLogin();
    EXPECT_EQ(LogIn(login, {{"user", user}, {"pgreeve.tenant", "10"}}, "wrong"), "28P01");
    std::string text = login.error().message;
    if (const std::size_t at = text.find(user); at != text.npos)
      text.replace(at, user.size(), "*");
    messages.push_back(text + "/" + login.error().detail + "/" + login.error().hint);
    EXPECT_EQ(login.reason(), metrics::Refusal::kLogin);
  }
  EXPECT_EQ(messages[0], messages[1]);
  EXPECT_EQ(Result({{"user", "nobody"}}), "28P01");
  EXPECT_EQ(Result({{"user", "app"}}, ""), "28P01");
}

TEST(Login, ADamagedVerifierLetsNobodyIn) {
  auto placement = std::make_shared<catalog::Placement>(*Fleet());
  placement->logins["app"].verifier = "md5abc";
  Login login = NewLogin(placement);
  EXPECT_EQ(LogIn(login, {{"user", "app"}}, kPassword), "28P01");
}

TEST(Login, EncryptionIsDeclined) {
  Login login = NewLogin();
  std::string reply;
  const std::string ssl("\0\0\0\x08\x04\xd2\x16\x2f", 8);
  const std::string gss("\0\0\0\x08\x04\xd2\x16\x30", 8);
  EXPECT_EQ(login.OnFirstMessage(gss, reply), Step::kMore);
  EXPECT_EQ(login.OnFirstMessage(ssl, reply), Step::kMore);
  EXPECT_EQ(reply, "NN");
  EXPECT_FALSE(login.started());
  EXPECT_EQ(login.OnFirstMessage(ssl, reply), Step::kFailed);
  EXPECT_EQ(login.error().sqlstate, "08P01");
}

TEST(Login, Cancel) {
  Login login = NewLogin(nullptr);
  std::string reply;
  EXPECT_EQ(login.OnFirstMessage(wire::EncodeCancelRequest(77, "abcd"), reply), Step::kCancel);
  EXPECT_EQ(login.cancel_pid(), 77U);
  EXPECT_EQ(login.cancel_secret(), "abcd");
  EXPECT_EQ(reply, "");
}

TEST(Login, WithoutAPlacement) {
  Login login = NewLogin(nullptr);
  std::string reply;
  EXPECT_EQ(login.OnFirstMessage(wire::EncodeStartup({{"user", "app"}}), reply), Step::kFailed);
  EXPECT_EQ(login.error().sqlstate, "57P03");
  EXPECT_EQ(login.reason(), metrics::Refusal::kNotReady);
}

TEST(Login, MessagesOutOfTurn) {
  std::string query;
  wire::AppendQuery(query, "SELECT 1");
  std::string mechanism;
  wire::AppendSaslInitialResponse(mechanism, "SCRAM-SHA-256-PLUS", "n,,n=,r=a");
  std::string lying = std::string("p\0\0\0\x16SCRAM-SHA-256\0\0\0\0\xff", 23);
  for (const std::string& message : {query, mechanism, lying}) {
    Login login = NewLogin();
    std::string reply;
    ASSERT_EQ(login.OnFirstMessage(wire::EncodeStartup({{"user", "app"}}), reply), Step::kMore);
    EXPECT_EQ(Say(login, message, reply), Step::kFailed);
    EXPECT_EQ(login.error().sqlstate, "08P01");
    EXPECT_EQ(MessagesOf(reply)[0].first, 'E');
  }
}

}  // namespace
}  // namespace pgreeve::session
