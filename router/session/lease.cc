// A session's backend: borrowed, given back, lost; its bytes on their way to the client.
#include "router/session/login.h"
#include "router/session/session.h"

namespace pgreeve::session {

bool Session::AcquireFor(const Target& target) {
  if (backend_ != nullptr) {
    if (lease_target_.SameBackend(target)) {
      // A pinned session keeps its backend longer than a token lives.
      if (pins_ != 0 && transaction_.idle() && !unit_open_)
        ctx_.pool.RenewBinding(backend_);
      return true;
    }
    ReleaseBackend(dirty_ ? pool::Return::kDirty : pool::Return::kClean);
  }
  lease_target_ = target;
  lease_placement_ = ctx_.placement;  // the lease may outlive the version that its tenant is of
  const pool::LeaseRequest request{
      .shard = target.shard,
      .role = target.role,
      .tenant = target.tenant,
      .settings = settings_.current(),
  };
  backend_ = ctx_.pool.Acquire(request, this, this);
  if (backend_ != nullptr) {
    if (ctx_.server_parameters.empty())
      ctx_.server_parameters = backend_->parameters();
    SetState(metrics::ClientState::kActive);
    return true;
  }
  wait_ = Wait::kLease;
  SetState(metrics::ClientState::kWaiting);
  return false;
}

void Session::OnLease(pool::Backend* backend) {
  backend_ = backend;
  wait_ = Wait::kNothing;
  SetState(metrics::ClientState::kActive);
  Resume();
}

void Session::OnLeaseFailed(const SqlError& error) {
  wait_ = Wait::kNothing;
  lease_error_ = std::make_unique<SqlError>(error);
  Resume();
  lease_error_.reset();
}

void Session::Resume() {
  if (script_ != nullptr)
    ContinueScript();
  if (stage_ != Stage::kClosed)
    Drain();
}

void Session::MaybeRelease() {
  if (backend_ != nullptr && wait_ == Wait::kNothing && !relay_.busy() && pins_ == 0 &&
      !unit_open_ && script_ == nullptr && (transaction_.idle() || transaction_.lazy())) {
    ReleaseBackend(dirty_ ? pool::Return::kDirty : pool::Return::kClean);
  }
}

void Session::ReleaseBackend(pool::Return how) {
  pool::Backend* backend = backend_;
  backend_ = nullptr;
  if (how != pool::Return::kBroken)
    dirty_ = false;
  backend->unnamed_statement = 0;  // whoever has it next, this session included, parses again
  lease_placement_.reset();
  relay_.Reset();
  if (backend_full_) {
    backend_full_ = false;
    if (!read_paused_)
      channel_.ResumeReading();
  }
  ctx_.pool.Release(backend, how);
}

void Session::OnBackendBytes(pool::Backend& backend, std::string_view bytes) {
  ctx_.slots.Bytes(metrics::Side::kBackend, metrics::Direction::kReceived, bytes.size());
  const absl::Status fed = relay_.Feed(bytes, *this);
  FlushOutput();
  if (stage_ == Stage::kClosed)
    return;
  if (!fed.ok()) {
    BackendFailed(ToSqlError(fed));
    return;
  }
  if (channel_.pending_bytes() > ctx_.limits.client_pending_bytes_max && backend_ != nullptr) {
    client_behind_ = true;
    backend.PauseReading();
  }
  if (ready_ && call_done_) {
    ready_ = false;
    auto done = std::move(call_done_);
    call_done_ = nullptr;
    std::optional<SqlError> error = std::move(call_error_);
    call_error_.reset();
    done(std::move(error));
  } else if (ready_) {
    ready_ = false;
    UnitDone();
    Resume();
  } else if (flush_unit_ && !relay_.busy()) {
    flush_unit_ = false;
    wait_ = Wait::kNothing;
    Drain();
  } else if (copy_in_) {
    Drain();
  }
}

void Session::OnBackendClosed(pool::Backend&, const SqlError& error) {
  backend_ = nullptr;
  relay_.Reset();
  BackendLost(error);
}

void Session::BackendFailed(const SqlError& error) {
  ReleaseBackend(pool::Return::kBroken);
  BackendLost(error);
}

// A connection to a shard broke under a unit. Nobody knows what the shard did last, and part of an
// answer may have left: the client's connection ends, as it would have with Postgres.
void Session::BackendLost(const SqlError& error) {
  if (stage_ == Stage::kClosed)
    return;
  SqlError told = error;
  if (told.sqlstate.substr(0, 2) != "57" && told.sqlstate.substr(0, 2) != "08") {
    told.detail = told.message + (told.detail.empty() ? "" : ": " + told.detail);
    told.message = "the connection to the shard was lost";
    told.sqlstate = "08006";
  }
  if (wait_ != Wait::kReplies && transaction_.idle() && pins_ == 0 && !unit_open_)
    return;  // it was idle in our hands
  Fatal(told, metrics::Refusal::kCount_);
}

void Session::OnBackendDrained(pool::Backend&) {
  if (backend_full_) {
    backend_full_ = false;
    if (!read_paused_)
      channel_.ResumeReading();
    Drain();
  }
}

}  // namespace pgreeve::session
