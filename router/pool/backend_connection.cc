#include "router/pool/backend_connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/rand.h>

#include "router/auth/verifier.h"
#include "router/wire/backend_messages.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::pool {
namespace {

std::string RandomNonce() {
  std::array<unsigned char, auth::kNonceBytes> bytes{};
  // Without randomness SCRAM only loses its protection against replays of the shard's own answers.
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return auth::MakeNonce({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// As a string constant of standard_conforming_strings = on.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'')
      out += c;
  }
  return out + "'";
}

// What a client is told when the shard refused the router's own login: its own password is not the
// one that is wrong, and the router's internal codes mean nothing to it.
SqlError LoginErrorOf(const ShardTarget& target, const SqlError& said) {
  SqlError error;
  const bool can_come_back = said.sqlstate == "53300" || said.sqlstate == "57P03";
  const bool is_internal = said.sqlstate.starts_with("PR");
  error.sqlstate = can_come_back ? said.sqlstate : is_internal ? "57P03" : "08001";
  error.message = is_internal ? "shard \"" + target.name + "\" does not accept this router now"
                              : "cannot log in to shard \"" + target.name + "\"";
  error.detail = said.sqlstate + ": " + said.message;
  return error;
}

SqlError LostError(const ShardTarget& target, std::string detail) {
  SqlError error;
  error.sqlstate = "08006";
  error.message = "the connection to shard \"" + target.name + "\" was lost";
  error.detail = std::move(detail);
  return error;
}

SqlError UnreachableError(const ShardTarget& target, std::string detail) {
  SqlError error;
  error.sqlstate = "08001";
  error.message = "cannot connect to shard \"" + target.name + "\"";
  error.detail = std::move(detail);
  return error;
}

}  // namespace

const std::string_view kUnbindSql =
    "CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; "
    "SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP";

BackendConnection::BackendConnection(net::Worker& worker,
                                     ConnectionOwner& owner,
                                     ShardTarget target)
    : worker_(worker),
      owner_(owner),
      target_(std::move(target)),
      timer_(worker, [this] { OnTimeout(); }) {
  shard_ = target_.shard;
  role_ = target_.role;
}

absl::Status BackendConnection::Open(const OpenOptions& options) {
  const auto fd = net::StartConnect(target_.host, target_.port);
  if (!fd.ok())
    return fd.status();
  options_ = options;
  net::Channel::Handler* const handler = this;
  channel_.emplace(worker_, *fd, handler);
  login_.emplace(LoginOptions{.user = target_.user,
                              .password = target_.password,
                              .database = target_.database,
                              .application_name = "pgreeve:" + options.router_name,
                              .nonce = RandomNonce(),
                              .scram_only = options.scram_only});
  timer_.ArmAfter(options.connect_timeout);
  channel_->Send(login_->Start());
  return absl::OkStatus();
}

void BackendConnection::AddPrelude(Prelude prelude) {
  if (prelude_.bytes.empty() && prelude_replies_ == 0)
    prelude_ = std::move(prelude);
}

bool BackendConnection::EndLease() {
  user_ = nullptr;
  phase_ = Phase::kFree;
  if (!prelude_.bytes.empty())
    prelude_ = Prelude();
  if (prelude_replies_ > 0 || channel_->pending_bytes() > 0)
    return false;
  channel_->ResumeReading();
  return channel_->is_open();
}

void BackendConnection::Send(std::string_view bytes) {
  if (prelude_.bytes.empty()) {
    channel_->Send(bytes);
    return;
  }
  const Prelude sent = std::exchange(prelude_, Prelude());
  prelude_replies_ = sent.queries;
  binding_ = sent.binding;
  channel_->Send2(sent.bytes, bytes);
}

void BackendConnection::Unbind(absl::Duration timeout) {
  phase_ = Phase::kUnbind;
  timer_.ArmAfter(timeout);
  std::string query;
  wire::AppendQuery(query, kUnbindSql);
  channel_->Send(query);
}

void BackendConnection::Close() {
  if (phase_ == Phase::kDead)
    return;
  phase_ = Phase::kDead;
  user_ = nullptr;
  timer_.Disarm();
  if (!channel_.has_value())
    return;
  std::string terminate;
  wire::AppendTerminate(terminate);
  if (channel_->pending_bytes() == 0)
    channel_->Send(terminate);
  channel_->Close();
}

void BackendConnection::Lose(SqlError error) {
  if (phase_ == Phase::kDead)
    return;
  const Phase was = std::exchange(phase_, Phase::kDead);
  BackendUser* const user = std::exchange(user_, nullptr);
  timer_.Disarm();
  channel_->Close();
  owner_.OnConnectionLost(*this, was, error);
  if (was == Phase::kLent)
    user->OnBackendClosed(*this, error);
}

void BackendConnection::LoseToPeer(int error_number) {
  std::string detail =
      error_number == 0 ? "The shard closed the connection." : std::strerror(error_number);
  const bool connecting = phase_ == Phase::kLogin || phase_ == Phase::kAttach;
  Lose(connecting ? UnreachableError(target_, std::move(detail))
                  : LostError(target_, std::move(detail)));
}

void BackendConnection::OnTimeout() {
  if (phase_ == Phase::kUnbind)
    Lose(LostError(target_, "The reset of the session was not answered in time."));
  else
    LoseToPeer(ETIMEDOUT);
}

void BackendConnection::OnDrained() {
  if (phase_ == Phase::kLent)
    user_->OnBackendDrained(*this);
}

void BackendConnection::OnBroken() {
  LoseToPeer(channel_->error());
}

void BackendConnection::OnReadable() {
  const net::ReadResult read = channel_->Read(worker_.scratch());
  if (read.closed) {
    LoseToPeer(read.error);
    return;
  }
  const std::string_view bytes(worker_.scratch().data(), read.bytes);
  if (relays() && !bytes.empty())
    user_->OnBackendBytes(*this, bytes);
  else
    OnOwnReplies(bytes);
}

void BackendConnection::OnOwnReplies(std::string_view bytes) {
  reader_.Feed(bytes);
  while (phase_ != Phase::kDead) {
    if (relays()) {
      // The user may send, and a later prelude may read: the reader must be empty by then.
      std::string keep;
      const std::string_view rest = reader_.TakeRest(keep);
      if (!rest.empty())
        user_->OnBackendBytes(*this, rest);
      return;
    }
    wire::Frame frame;
    const wire::Scan scan = reader_.Next(&frame);
    if (scan == wire::Scan::kNeedMore)
      return;
    if (scan == wire::Scan::kBad) {
      LoseToPeer(EPROTO);
      return;
    }
    OnFrame(frame);
  }
}

void BackendConnection::OnFrame(const wire::Frame& frame) {
  switch (phase_) {
    case Phase::kLogin:
      OnLoginFrame(frame);
      break;
    case Phase::kAttach:
      OnAttachFrame(frame);
      break;
    case Phase::kUnbind:
      OnUnbindFrame(frame);
      break;
    case Phase::kLent:
      OnPreludeFrame(frame);
      break;
    case Phase::kFree:
    case Phase::kGranted:
    case Phase::kHeld:
      OnIdleFrame(frame);
      break;
    case Phase::kDead:
      break;
  }
}

void BackendConnection::OnLoginFrame(const wire::Frame& frame) {
  std::string out;
  const Login::Step step = login_->OnMessage(frame, out);
  ActOnLogin(step, out);
}

bool BackendConnection::OnDerived(std::string_view salted_password) {
  if (phase_ != Phase::kLogin || !login_.has_value())
    return false;
  std::string out;
  const Login::Step step = login_->OnDerived(salted_password, out);
  ActOnLogin(step, out);
  return true;
}

void BackendConnection::ActOnLogin(Login::Step step, const std::string& out) {
  channel_->Send(out);
  switch (step) {
    case Login::Step::kMore:
      break;
    case Login::Step::kDerive:
      owner_.OnDerivationNeeded(*this, login_->derivation());
      break;
    case Login::Step::kFailed:
      Lose(LoginErrorOf(target_, login_->error()));
      break;
    case Login::Step::kReady:
      pid_ = login_->pid();
      secret_ = std::move(login_->secret());
      parameters_ = std::move(login_->parameters());
      login_.reset();
      StartAttach();
      break;
  }
}

void BackendConnection::StartAttach() {
  if (!target_.attach) {
    BecomeReady();
    return;
  }
  phase_ = Phase::kAttach;
  std::string query;
  wire::AppendQuery(query,
                    "SELECT pgreeve.attach(" + Quoted(options_.router_name) + ", " +
                        std::to_string(options_.incarnation) + ", " +
                        std::to_string(target_.epoch) + ")");
  channel_->Send(query);
}

void BackendConnection::BecomeReady() {
  timer_.Disarm();
  phase_ = Phase::kFree;
  owner_.OnConnectionReady(*this);
}

void BackendConnection::OnAttachFrame(const wire::Frame& frame) {
  if (frame.type == wire::backend::kErrorResponse) {
    Lose(LoginErrorOf(target_, wire::DecodeError(frame.body).error));
  } else if (frame.type == wire::backend::kReadyForQuery) {
    if (frame.body == "I")
      BecomeReady();
    else
      LoseToPeer(EPROTO);
  }
}

void BackendConnection::OnUnbindFrame(const wire::Frame& frame) {
  if (frame.type == wire::backend::kErrorResponse) {
    const SqlError said = wire::DecodeError(frame.body).error;
    Lose(LostError(target_, "The reset of the session failed: " + said.message));
  } else if (frame.type == wire::backend::kReadyForQuery) {
    if (frame.body != "I") {
      LoseToPeer(EPROTO);
      return;
    }
    timer_.Disarm();
    phase_ = Phase::kFree;
    binding_ = Binding();
    owner_.OnConnectionUnbound(*this);
  }
}

void BackendConnection::OnPreludeFrame(const wire::Frame& frame) {
  if (frame.type == wire::backend::kErrorResponse) {
    const SqlError said = wire::DecodeError(frame.body).error;
    Lose(LostError(target_,
                   "Binding the session failed with " + said.sqlstate + ": " + said.message));
  } else if (frame.type == wire::backend::kReadyForQuery) {
    if (frame.body == "I")
      --prelude_replies_;
    else
      LoseToPeer(EPROTO);
  }
}

void BackendConnection::OnIdleFrame(const wire::Frame& frame) {
  // A reload of the configuration is told at any time; everything else was not asked for.
  if (frame.type == wire::backend::kParameterStatus || frame.type == wire::backend::kNoticeResponse)
    return;
  if (frame.type == wire::backend::kErrorResponse)
    Lose(LostError(target_, wire::DecodeError(frame.body).error.message));
  else
    LoseToPeer(EPROTO);
}

}  // namespace pgreeve::pool
