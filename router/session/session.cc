// A session's beginning and end, and what the relay tells it.
#include "router/session/session.h"

#include "router/session/login.h"

namespace pgreeve::session {

void Session::Start(WorkerContext& context, int fd, std::string peer, bool local) {
  auto* session = new Session(context, fd, std::move(peer), local);
  context.sessions.insert(session);
}

Session::Session(WorkerContext& context, int fd, std::string peer, bool local)
    : ctx_(context),
      channel_(context.worker, fd, this),
      peer_(std::move(peer)),
      timer_(context.worker, [this] { OnTimer(); }),
      local_peer_(local) {
  ctx_.slots.ClientAccepted();
  SetState(metrics::ClientState::kLogin);
  timer_.ArmAfter(ctx_.limits.login_timeout);
}

Session::~Session() {
  SetState(metrics::ClientState::kNone);
  ctx_.sessions.erase(this);
  if (pid_ != 0)
    ctx_.by_pid.erase(pid_);
  if (counted_) {
    if (const auto it = ctx_.login_connections.find(user_); it != ctx_.login_connections.end())
      it->second--;
  }
  ctx_.slots.PreparedStatements(-static_cast<int>(prepared_.size()));
}

void Session::SetState(metrics::ClientState state) {
  if (state == state_)
    return;
  ctx_.slots.ClientMoved(state_, state);
  state_ = state;
}

std::string Session::TenantText() const {
  return tenant_id_.empty() ? "" : tenant_id_.Text();
}

// --- the relay's words

void Session::Forward(std::string_view bytes) {
  // One piece, the usual case, leaves at once from where it was received; pieces that the router
  // adds to are collected, so that a turn is one send.
  if (output_.empty() && !collect_) {
    SendToClient(bytes);
    return;
  }
  output_.append(bytes);
}

void Session::FlushOutput() {
  if (output_.empty())
    return;
  SendToClient(output_);
  output_.clear();
  if (output_.capacity() > kKeptBytes)
    output_ = std::string();
}

void Session::SendToClient(std::string_view bytes) {
  if (!channel_.is_open())
    return;
  channel_.Send(bytes);
  ctx_.slots.Bytes(metrics::Side::kClient, metrics::Direction::kSent, bytes.size());
}

bool Session::ClientIsBehind() const {
  return channel_.pending_bytes() > ctx_.limits.client_pending_bytes_max;
}

void Session::OnStatementDone(int32_t effect, int index, std::string_view tag) {
  last_tag_ = tag.substr(0, tag.find(' '));
  if (effect < 0)
    effect = index;
  if (static_cast<std::size_t>(effect) < effects_.size())
    Apply(effects_[static_cast<std::size_t>(effect)], tag);
}

void Session::OnError(std::string_view body) {
  unit_failed_ = true;
  if (backend_ != nullptr)
    backend_->unnamed_statement = 0;  // a Parse behind the error was skipped
  const wire::ServerError error = wire::DecodeError(body);
  ctx_.slots.ErrorSent(error.error.sqlstate, metrics::Origin::kShard);
  if (flush_unit_)
    skip_to_sync_ = true;
}

void Session::OnQuietError(std::string_view body) {
  if (!call_error_)
    call_error_ = wire::DecodeError(body).error;
}

void Session::RunInTransaction(std::string messages,
                               int readies,
                               absl::AnyInvocable<void(std::optional<SqlError>)> done) {
  std::string out;
  if (transaction_.lazy())
    AppendPendingBegin(out);
  out += messages;
  for (int i = 0; i < readies; i++)
    relay_.Expect({.kind = Expectation::Kind::kQuery, .swallow = true, .quiet = true});
  call_done_ = std::move(done);
  SendQueryToBackend(out);
}

void Session::ResumeInput() {
  Drain();
}

void Session::OnParameterStatus(std::string_view name, std::string_view value) {
  ctx_.server_parameters.insert_or_assign(std::string(name), std::string(value));
}

void Session::OnCopyIn() {
  copy_in_ = true;
  if (channel_.is_open() && read_paused_)
    channel_.ResumeReading();
}

char Session::OnReady(char status) {
  ready_ = true;
  if (call_done_) {
    transaction_.OnReady(status);
    return '\0';
  }
  unit_open_ = false;
  if (outside_) {
    outside_ = false;
  } else {
    const bool was_open = !transaction_.idle();
    transaction_.OnReady(status);
    if (transaction_.idle())
      TransactionEnded(!unit_failed_ && last_tag_ != "ROLLBACK", was_open);
  }
  return script_ != nullptr && !unit_failed_ && script_->next < script_->plans.size()
             ? '\0'
             : transaction_.status();
}

// --- endings

void Session::UnitDone() {
  wait_ = Wait::kNothing;
  copy_in_ = false;
  flush_unit_ = false;
  collect_ = false;
  effects_.clear();
  DropUnconfirmed();
  if (unit_started_ != absl::ZeroDuration())
    CountUnit();
  if (script_ != nullptr && unit_failed_)
    script_.reset();
  unit_failed_ = false;
  const bool held = backend_ != nullptr && (!transaction_.idle() && !transaction_.lazy());
  if (script_ == nullptr)
    MaybeRelease();
  SetState(!transaction_.idle() ? metrics::ClientState::kInTransaction
                                : metrics::ClientState::kIdle);
  if (held && ctx_.limits.idle_transaction_timeout > absl::ZeroDuration())
    timer_.ArmAfter(ctx_.limits.idle_transaction_timeout);
  if (shutdown_ && transaction_.idle() && script_ == nullptr)
    Shutdown(true);
}

void Session::CountUnit() {
  const absl::Duration took = ctx_.worker.now() - unit_started_;
  unit_started_ = absl::ZeroDuration();
  const bool at_shard =
      unit_route_ == metrics::Route::kSingle || unit_route_ == metrics::Route::kAnyShard;
  ctx_.slots.QueryFinished({.route = unit_route_,
                            .kind = unit_kind_,
                            .shard = at_shard ? lease_target_.shard : ShardId(),
                            .tier = unit_tier_,
                            .duration = took});
  if (unit_route_ == metrics::Route::kSingle && !tenant_id_.empty())
    ctx_.slots.TenantQueried(tenant_id_, unit_tier_, took);
}

void Session::SendReady() {
  std::string out;
  wire::AppendReadyForQuery(out, transaction_.status());
  SendToClient(out);
}

void Session::OnTimer() {
  if (stage_ == Stage::kLogin) {
    Fatal({.sqlstate = "08P01", .message = "canceling authentication due to timeout"},
          metrics::Refusal::kTimeout);
    return;
  }
  if (wait_ == Wait::kNothing && !transaction_.idle()) {
    Fatal({.sqlstate = "25P03",
           .message = "terminating connection due to idle-in-transaction timeout"},
          metrics::Refusal::kCount_);
  }
}

void Session::Fatal(const SqlError& error, metrics::Refusal reason) {
  if (stage_ == Stage::kClosed)
    return;
  if (reason != metrics::Refusal::kCount_)
    ctx_.slots.ClientRefused(reason);
  ctx_.slots.ErrorSent(error.sqlstate, metrics::Origin::kRouter);
  std::string out;
  wire::AppendErrorResponse(out, error, "FATAL");
  FlushOutput();
  SendToClient(out);
  Close();
}

void Session::Close() {
  if (stage_ == Stage::kClosed)
    return;
  stage_ = Stage::kClosed;
  timer_.Disarm();
  if (task_ != nullptr) {
    task_->Abandon();
    task_.reset();
  }
  if (wait_ == Wait::kLease)
    ctx_.pool.Forget(this);
  if (backend_ != nullptr) {
    const bool clean =
        wait_ == Wait::kNothing && !relay_.busy() && transaction_.idle() && !unit_open_;
    ReleaseBackend(clean ? pool::Return::kDirty : pool::Return::kBroken);
  }
  channel_.CloseAfterDrain();
  if (!channel_.is_open())
    Delete();
}

void Session::Delete() {
  if (deleting_)
    return;
  deleting_ = true;
  ctx_.worker.Defer([this] { delete this; });
}

void Session::OnDrained() {
  if (stage_ == Stage::kClosed) {
    if (!channel_.is_open())
      Delete();
    return;
  }
  if (client_behind_) {
    client_behind_ = false;
    if (backend_ != nullptr)
      backend_->ResumeReading();
  }
  if (task_ != nullptr)
    task_->OnClientDrained();
}

void Session::OnBroken() {
  if (stage_ == Stage::kClosed) {
    Delete();
    return;
  }
  Close();
}

void Session::Shutdown(bool now) {
  shutdown_ = true;
  if (stage_ == Stage::kClosed)
    return;
  const bool between = wait_ == Wait::kNothing && transaction_.idle();
  if (now || between) {
    Fatal({.sqlstate = "57P01",
           .message = "terminating connection due to administrator command",
           .detail = "The router is shutting down.",
           .hint = "Reconnect: another router takes over."},
          metrics::Refusal::kCount_);
  }
}

void Session::CancelQuery() {
  if (task_ != nullptr) {
    task_->Cancel();
    if (call_done_ && backend_ != nullptr)
      ctx_.pool.CancelQuery(backend_);
  } else if (wait_ == Wait::kReplies && backend_ != nullptr) {
    ctx_.pool.CancelQuery(backend_);
  } else if (wait_ == Wait::kLease) {
    ctx_.pool.Forget(this);
    OnLeaseFailed({.sqlstate = "57014", .message = "canceling statement due to user request"});
  }
}

}  // namespace pgreeve::session
