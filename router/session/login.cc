#include "router/session/login.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "router/auth/verifier.h"
#include "router/base/bytes.h"
#include "router/base/status_macros.h"
#include "router/wire/backend_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

constexpr int kEncryptionRequestsMax = 2;  // SSLRequest and GSSENCRequest, each once

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

bool IsSettingName(std::string_view name) {
  if (name.empty() || name.size() > 63 || std::isdigit(static_cast<unsigned char>(name[0])))
    return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.' || c == '$';
  });
}

// Encodings in which a byte below 0x80 may be part of a character: the lexer could be fooled.
bool IsUnsafeEncoding(std::string_view folded) {
  static constexpr std::array<std::string_view, 9> kUnsafe = {
      "sjis", "shiftjis", "shiftjis2004", "big5", "gbk", "uhc", "gb18030", "johab", "win949"};
  return std::find(kUnsafe.begin(), kUnsafe.end(), folded) != kUnsafe.end();
}

std::string FoldEncoding(std::string_view value) {
  std::string folded;
  for (const char c : value) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

// A four-byte prefix counts the whole; SASL messages carry their own lengths.
absl::StatusOr<std::pair<std::string_view, std::string_view>> SplitSaslInitial(
    std::string_view body) {
  const std::size_t end = body.find('\0');
  if (end == body.npos || body.size() - end - 1 < 4)
    return SqlStatus("08P01", "malformed SASLInitialResponse message");
  const uint32_t length = ReadUint32(body.data() + end + 1);
  const std::string_view data = body.substr(end + 5);
  if (length != data.size())
    return SqlStatus("08P01", "malformed SASLInitialResponse message");
  return std::pair(body.substr(0, end), data);
}

}  // namespace

Login::Login(std::shared_ptr<const catalog::Placement> placement,
             std::string mock_secret,
             std::string nonce)
    : placement_(std::move(placement)),
      mock_secret_(std::move(mock_secret)),
      nonce_(std::move(nonce)) {}

absl::StatusOr<std::size_t> Login::FirstMessageBytes(std::string_view bytes) {
  return wire::StartupBytes(bytes);
}

Login::Step Login::Fail(SqlError error, metrics::Refusal reason, std::string& send) {
  wire::AppendErrorResponse(send, error, "FATAL");
  error_ = std::move(error);
  reason_ = reason;
  return Step::kFailed;
}

Login::Step Login::OnFirstMessage(std::string_view message, std::string& send) {
  auto decoded = wire::DecodeStartup(message);
  if (!decoded.ok())
    return Fail(ToSqlError(decoded.status()), metrics::Refusal::kProtocol, send);
  startup_ = *std::move(decoded);
  switch (startup_.kind) {
    case wire::StartupKind::kSslRequest:
    case wire::StartupKind::kGssEncRequest:
      if (++encryption_requests_ > kEncryptionRequestsMax) {
        return Fail({.sqlstate = "08P01", .message = "too many encryption requests"},
                    metrics::Refusal::kProtocol,
                    send);
      }
      send += 'N';
      return Step::kMore;
    case wire::StartupKind::kCancelRequest:
      return Step::kCancel;
    case wire::StartupKind::kStartup:
      break;
  }
  started_ = true;
  if (placement_ == nullptr) {
    return Fail({.sqlstate = "57P03",
                 .message = "the router is starting up",
                 .detail = "It has neither reached its catalog nor found a snapshot of it.",
                 .hint = "Try again in a moment."},
                metrics::Refusal::kNotReady,
                send);
  }
  if (startup_.minor > 0 || !startup_.unknown_protocol_options.empty())
    wire::AppendNegotiateProtocolVersion(send, 0, startup_.unknown_protocol_options);
  const std::string_view user = startup_.Get("user");
  if (user.empty()) {
    return Fail({.sqlstate = "28000", .message = "no user name specified in startup packet"},
                metrics::Refusal::kLogin,
                send);
  }
  const catalog::LoginInfo* login = placement_->FindLogin(user);
  auth::ScramServerOptions options;
  options.user = std::string(user);
  options.nonce = nonce_;
  if (login != nullptr) {
    auto verifier = auth::ParseVerifier(login->verifier);
    options.known = verifier.ok();
    if (verifier.ok())
      options.verifier = *std::move(verifier);
  }
  if (!options.known)
    options.verifier = auth::MockVerifier(user, mock_secret_);
  scram_ = std::make_unique<auth::ScramServer>(std::move(options));
  wire::AppendAuthenticationSasl(send, {"SCRAM-SHA-256"});
  return Step::kMore;
}

Login::Step Login::OnMessage(const wire::Frame& frame, std::string& send) {
  if (frame.type != wire::client::kPassword) {
    return Fail({.sqlstate = "08P01",
                 .message = "expected a SASL response, got message type " +
                            std::to_string(static_cast<unsigned char>(frame.type))},
                metrics::Refusal::kProtocol,
                send);
  }
  if (!saw_client_first_) {
    saw_client_first_ = true;
    const auto split = SplitSaslInitial(frame.body);
    if (!split.ok())
      return Fail(ToSqlError(split.status()), metrics::Refusal::kProtocol, send);
    if (split->first != "SCRAM-SHA-256") {
      return Fail({.sqlstate = "08P01",
                   .message = "client selected an invalid SASL authentication mechanism"},
                  metrics::Refusal::kProtocol,
                  send);
    }
    const auto reply = scram_->OnClientFirst(split->second);
    if (!reply.ok())
      return Fail(ToSqlError(reply.status()), metrics::Refusal::kProtocol, send);
    wire::AppendAuthenticationSaslContinue(send, *reply);
    return Step::kMore;
  }
  const auto reply = scram_->OnClientFinal(frame.body);
  if (!reply.ok())
    return Fail(ToSqlError(reply.status()), metrics::Refusal::kLogin, send);
  if (const absl::Status admitted = Admit(); !admitted.ok())
    return Fail(ToSqlError(admitted), metrics::Refusal::kLogin, send);
  wire::AppendAuthenticationSaslFinal(send, *reply);
  return Step::kAccepted;
}

absl::Status Login::Admit() {
  const catalog::LoginInfo* login = placement_->FindLogin(startup_.Get("user"));
  if (login == nullptr)
    return SqlStatus("28P01", "password authentication failed");
  identity_.user = login->name;
  identity_.scope = login->scope;
  identity_.isolated = login->isolated;
  identity_.may_provision = login->provision;
  identity_.connections_max = login->connections_max;
  std::string named_tenant;
  RETURN_IF_ERROR(AdmitDatabase(*login, named_tenant));
  RETURN_IF_ERROR(TakeSettings(named_tenant));
  return AdmitTenant(*login, named_tenant);
}

absl::Status Login::AdmitDatabase(const catalog::LoginInfo& login, std::string& named_tenant) {
  std::string database(startup_.Get("database"));
  if (database.empty())
    database = login.name;
  if (!startup_.Get("replication").empty() && startup_.Get("replication") != "false" &&
      startup_.Get("replication") != "off" && startup_.Get("replication") != "0") {
    return SqlStatus("0A000",
                     "replication connections do not go through the router",
                     "",
                     "Connect to the shard itself.");
  }
  if (const std::size_t at = database.find('@'); at != database.npos) {
    named_tenant = database.substr(at + 1);
    database.resize(at);
  }
  if (database == "pgreeve" || database == "pgbouncer") {
    if (login.scope != catalog::LoginScope::kOperator) {
      return SqlStatus("42501",
                       "only operators may use the console",
                       "",
                       "Connect to the application's database, or use a login of operator scope.");
    }
    identity_.console = true;
  }
  identity_.database = std::move(database);
  return absl::OkStatus();
}

absl::Status Login::TakeSettings(std::string& named_tenant) {
  for (const auto& [name, value] : startup_.parameters) {
    if (name == "user" || name == "database" || name == "replication")
      continue;
    if (name != "options") {
      RETURN_IF_ERROR(TakeSetting(name, value, named_tenant));
      continue;
    }
    ASSIGN_OR_RETURN(const auto options, wire::ParseOptions(value));
    for (const auto& [option, option_value] : options)
      RETURN_IF_ERROR(TakeSetting(option, option_value, named_tenant));
  }
  return absl::OkStatus();
}

absl::Status Login::TakeSetting(std::string_view raw_name,
                                std::string_view value,
                                std::string& tenant) {
  const std::string name = Lower(raw_name);
  if (name.starts_with("pgreeve.")) {
    if (name != "pgreeve.tenant") {
      return SqlStatus("42704",
                       "unrecognized configuration parameter \"" + name + "\"",
                       "",
                       "At startup the router knows pgreeve.tenant only.");
    }
    if (!tenant.empty() && tenant != value)
      return SqlStatus("42501", "the connection names two tenants");
    tenant = std::string(value);
    return absl::OkStatus();
  }
  if (!IsSettingName(name) || value.find('\0') != value.npos)
    return SqlStatus("42704", "unrecognized configuration parameter \"" + name + "\"");
  if (name == "role" || name == "session_authorization" || name == "row_security" ||
      name == "session_replication_role") {
    return SqlStatus("42501", "parameter \"" + name + "\" cannot be set by a client");
  }
  if (name == "application_name") {
    identity_.application = std::string(value.substr(0, 63));
    return absl::OkStatus();
  }
  if (name == "client_encoding") {
    const std::string folded = FoldEncoding(value);
    if (folded == "utf8" || folded == "unicode")
      return absl::OkStatus();
    if (IsUnsafeEncoding(folded)) {
      return SqlStatus("0A000",
                       "client_encoding " + std::string(value) + " is not supported",
                       "A byte of it can look like SQL punctuation.",
                       "Use UTF8.");
    }
  }
  identity_.settings.emplace_back(name, std::string(value));
  return absl::OkStatus();
}

absl::Status Login::AdmitTenant(const catalog::LoginInfo& login, const std::string& named_tenant) {
  TenantId named;
  if (!named_tenant.empty()) {
    ASSIGN_OR_RETURN(named, TenantId::FromText(placement_->tenant_type, named_tenant));
  }
  if (login.scope == catalog::LoginScope::kTenant) {
    if (!named.empty() && named != login.tenant) {
      return SqlStatus("42501",
                       "login \"" + login.name + "\" belongs to another tenant",
                       "",
                       "Leave the tenant out: this login names its own.");
    }
    named = login.tenant;
  }
  identity_.tenant = named;
  identity_.locked = login.scope == catalog::LoginScope::kTenant ||
                     (login.scope == catalog::LoginScope::kApp && !named.empty());
  if (named.empty())
    return absl::OkStatus();
  const catalog::TenantInfo* tenant = placement_->FindTenant(named);
  if (tenant == nullptr) {
    return SqlStatus("3D000",
                     "tenant \"" + named.Text() + "\" does not exist",
                     "",
                     "An operator creates it: SELECT pgreeve.create_tenant(id).");
  }
  if (tenant->access == catalog::TenantAccess::kSuspended)
    return SqlStatus("57P03", "tenant \"" + named.Text() + "\" is suspended");
  return absl::OkStatus();
}

}  // namespace pgreeve::session
