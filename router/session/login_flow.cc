// The socket's side of a login: collects messages for Login, sends what it says, starts the
// session.
#include <array>

#include <openssl/rand.h>

#include "router/auth/verifier.h"
#include "router/session/cancel_key.h"
#include "router/session/login.h"
#include "router/session/session.h"

namespace pgreeve::session {
namespace {

constexpr std::size_t kLoginMessageBytesMax = 10000;

std::string RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1)
    std::abort();  // without randomness no login is safe
  return bytes;
}

// What Postgres reports at login and drivers read. Values of real backends replace these as soon
// as one was seen.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kReported = {{
    {"server_version", "15.0"},
    {"server_encoding", "UTF8"},
    {"client_encoding", "UTF8"},
    {"DateStyle", "ISO, MDY"},
    {"TimeZone", "UTC"},
    {"IntervalStyle", "postgres"},
    {"integer_datetimes", "on"},
    {"standard_conforming_strings", "on"},
    {"is_superuser", "off"},
    {"in_hot_standby", "off"},
    {"default_transaction_read_only", "off"},
}};

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

}  // namespace

std::size_t Session::ConsumeLogin(std::string_view bytes) {
  if (login_ == nullptr) {
    login_ = std::make_unique<Login>(
        ctx_.placement, ctx_.mock_secret, auth::MakeNonce(RandomBytes(auth::kNonceBytes)));
  }
  std::string send;
  Login::Step step;
  std::size_t consumed = 0;
  if (!login_->started()) {
    const auto whole = Login::FirstMessageBytes(bytes);
    if (!whole.ok()) {
      Fatal(ToSqlError(whole.status()), metrics::Refusal::kProtocol);
      return 0;
    }
    if (*whole == 0 || bytes.size() < *whole)
      return 0;
    consumed = *whole;
    step = login_->OnFirstMessage(bytes.substr(0, consumed), send);
  } else {
    wire::Frame frame;
    std::size_t whole = 0;
    const wire::Scan scan = wire::ScanFrame(bytes, kLoginMessageBytesMax, &frame, &whole);
    if (scan == wire::Scan::kBad) {
      Fatal({.sqlstate = "08P01", .message = "invalid message length"},
            metrics::Refusal::kProtocol);
      return 0;
    }
    if (scan == wire::Scan::kNeedMore)
      return 0;
    consumed = whole;
    step = login_->OnMessage(frame, send);
  }
  switch (step) {
    case Login::Step::kMore:
      SendToClient(send);
      // What came behind an encryption request was sent before the answer: never trust it.
      if (!login_->started() && bytes.size() > consumed) {
        Fatal({.sqlstate = "08P01", .message = "received unencrypted data after SSL request"},
              metrics::Refusal::kProtocol);
        return 0;
      }
      return consumed;
    case Login::Step::kFailed:
      ctx_.slots.ClientRefused(login_->reason());
      ctx_.slots.ErrorSent(login_->error().sqlstate, metrics::Origin::kRouter);
      ctx_.control.LoginFailed(std::string(login_->user()), peer_, login_->error());
      SendToClient(send);
      Close();
      return 0;
    case Login::Step::kCancel:
      ctx_.control.Cancel(login_->cancel_pid(), login_->cancel_secret());
      Close();
      return 0;
    case Login::Step::kAccepted:
      break;
  }
  LoggedIn(std::move(send));
  return stage_ == Stage::kClosed ? 0 : consumed;
}

void Session::LoggedIn(std::string send) {
  const Identity identity = login_->identity();
  login_.reset();
  int32_t& connections = ctx_.login_connections[identity.user];
  if (static_cast<int32_t>(ctx_.sessions.size()) > ctx_.limits.sessions_max ||
      (identity.connections_max > 0 && connections >= identity.connections_max)) {
    Fatal({.sqlstate = "53300",
           .message = "too many connections",
           .detail = identity.connections_max > 0 && connections >= identity.connections_max
                         ? "The login reached its own limit."
                         : "The router reached limits.client_connections_max."},
          metrics::Refusal::kLimit);
    return;
  }
  if (ctx_.draining) {
    Fatal({.sqlstate = "57P03", .message = "the router is shutting down"},
          metrics::Refusal::kDraining);
    return;
  }
  connections++;
  counted_ = true;
  user_ = identity.user;
  database_ = identity.database;
  application_ = identity.application;
  scope_ = identity.scope;
  isolated_ = identity.isolated;
  may_provision_ = identity.may_provision;
  console_ = identity.console;
  locked_ = identity.locked;
  tenant_id_ = identity.tenant;
  for (const auto& [name, value] : identity.settings)
    settings_.SetStartup(name, value);
  SettingsChanged();
  stage_ = Stage::kReady;
  timer_.Disarm();
  do {
    const std::string random = RandomBytes(8);
    pid_ = MakeCancelPid(static_cast<uint32_t>(ctx_.worker.index()), random);
    cancel_secret_ = random.substr(4);
  } while (ctx_.by_pid.contains(pid_));
  ctx_.by_pid[pid_] = this;
  wire::AppendAuthenticationOk(send);
  for (const auto& [name, fallback] : kReported) {
    std::string_view value = fallback;
    if (const auto it = ctx_.server_parameters.find(name);
        it != ctx_.server_parameters.end() && name == "server_version")
      value = it->second;
    for (const auto& [setting, wanted] : identity.settings) {
      if (SameName(setting, name))
        value = SameName(name, "DateStyle") && SameName(wanted, "ISO") ? "ISO, MDY"
                                                                       : std::string_view(wanted);
    }
    wire::AppendParameterStatus(send, name, value);
  }
  wire::AppendParameterStatus(send, "application_name", application_);
  wire::AppendParameterStatus(send, "session_authorization", user_);
  wire::AppendBackendKeyData(send, pid_, cancel_secret_);
  wire::AppendReadyForQuery(send, 'I');
  SendToClient(send);
  SetState(metrics::ClientState::kIdle);
}

}  // namespace pgreeve::session
