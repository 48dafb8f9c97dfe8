#include "router/session/session.h"

#include <algorithm>

#include "router/base/bytes.h"
#include "router/session/cancel_key.h"
#include "router/session/login.h"
#include "router/session/refusals.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace from_client = wire::client;

constexpr std::size_t kKeptInputBytes = 256;  // an idle session keeps no more than this allocated

bool EndsUnit(char type) {
  return type == from_client::kSync || type == from_client::kFlush;
}

bool IsExtended(char type) {
  switch (type) {
    case from_client::kParse:
    case from_client::kBind:
    case from_client::kDescribe:
    case from_client::kExecute:
    case from_client::kClose:
      return true;
    default:
      return EndsUnit(type);
  }
}

}  // namespace

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

// --- input

void Session::OnReadable() {
  const auto scratch = ctx_.worker.scratch();
  const net::ReadResult read = channel_.Read(scratch);
  if (read.bytes > 0) {
    ctx_.slots.Bytes(metrics::Side::kClient, metrics::Direction::kReceived, read.bytes);
    ProcessInput({scratch.data(), read.bytes});
  }
  if (read.closed && stage_ != Stage::kClosed)
    Close();
}

bool Session::MayConsume() const {
  if (stage_ == Stage::kClosed)
    return false;
  switch (wait_) {
    case Wait::kNothing:
      return true;
    case Wait::kReplies:
      return copy_in_;
    case Wait::kTask:
      return task_ != nullptr && task_->WantsCopy();
    case Wait::kLease:
      return false;
  }
  return false;
}

std::size_t Session::ConsumeOne(std::string_view bytes) {
  if (stage_ == Stage::kLogin)
    return ConsumeLogin(bytes);
  if (wait_ == Wait::kNothing)
    return ConsumeReady(bytes);
  return ConsumeCopyIn(bytes);
}

void Session::ProcessInput(std::string_view fresh) {
  if (!input_.empty()) {
    input_.append(fresh);
    Drain();
    return;
  }
  // The usual case: everything is handled where it was received, and nothing is copied.
  processing_ = true;
  std::size_t at = 0;
  while (at < fresh.size() && MayConsume()) {
    const std::size_t consumed = ConsumeOne(fresh.substr(at));
    if (consumed == 0)
      break;
    at += consumed;
    scanned_ = 0;
  }
  processing_ = false;
  if (stage_ == Stage::kClosed)
    return;
  if (at < fresh.size())
    input_.assign(fresh.substr(at));
  LimitInput();
  MaybeRelease();
}

void Session::Drain() {
  if (processing_ || stage_ == Stage::kClosed)
    return;
  processing_ = true;
  std::size_t at = 0;
  while (at < input_.size() && MayConsume()) {
    const std::size_t consumed = ConsumeOne(std::string_view(input_).substr(at));
    if (consumed == 0)
      break;
    at += consumed;
    scanned_ = 0;
  }
  processing_ = false;
  if (stage_ == Stage::kClosed)
    return;
  if (at == input_.size()) {
    input_.clear();
    if (input_.capacity() > kKeptInputBytes)
      input_ = std::string();
  } else if (at > 0) {
    input_.erase(0, at);
  }
  LimitInput();
  MaybeRelease();
}

// What a client pipelines behind a busy unit is kept up to the batch limit, then left in its
// socket.
void Session::LimitInput() {
  const bool full = input_.size() > ctx_.limits.batch_bytes_max && !MayConsume();
  if (full && !read_paused_) {
    read_paused_ = true;
    channel_.PauseReading();
  } else if (!full && read_paused_) {
    read_paused_ = false;
    channel_.ResumeReading();
  }
}

std::size_t Session::ConsumeReady(std::string_view bytes) {
  wire::Frame frame;
  std::size_t whole = 0;
  switch (wire::ScanFrame(bytes, ctx_.limits.message_bytes_max, &frame, &whole)) {
    case wire::Scan::kBad:
      Fatal({.sqlstate = "08P01",
             .message = "invalid message length",
             .hint = "The limit is limits.message_bytes_max."},
            metrics::Refusal::kProtocol);
      return 0;
    case wire::Scan::kNeedMore:
      return 0;
    case wire::Scan::kFrame:
      break;
  }
  if (frame.type == from_client::kQuery && !skip_to_sync_)
    return HandleQuery(frame) == Next::kConsumed ? whole : 0;
  if (IsExtended(frame.type)) {
    if (skip_to_sync_)
      return SkipToSync(frame);
    return ConsumeUnit(bytes);
  }
  switch (frame.type) {
    case from_client::kTerminate:
      Close();
      return 0;
    case from_client::kCopyData:
    case from_client::kCopyDone:
    case from_client::kCopyFail:
      return whole;  // what is left of a COPY that failed; Postgres ignores it too
    case from_client::kQuery:
      return whole;  // skipped with the failed batch, as Postgres does
    case from_client::kFunctionCall:
      RejectQuery(RefusalError(Refusal::kFunctionCall), Code(Refusal::kFunctionCall));
      return whole;
    default:
      Fatal({.sqlstate = "08P01",
             .message = "invalid frontend message type " +
                        std::to_string(static_cast<unsigned char>(frame.type))},
            metrics::Refusal::kProtocol);
      return 0;
  }
}

// A unit is looked at when its Sync or Flush is there; until then it stays in the buffer.
std::size_t Session::ConsumeUnit(std::string_view bytes) {
  std::size_t at = scanned_;
  while (at < bytes.size()) {
    wire::Frame frame;
    std::size_t whole = 0;
    const wire::Scan scan =
        wire::ScanFrame(bytes.substr(at), ctx_.limits.message_bytes_max, &frame, &whole);
    if (scan == wire::Scan::kBad) {
      Fatal({.sqlstate = "08P01", .message = "invalid message length"},
            metrics::Refusal::kProtocol);
      return 0;
    }
    if (scan == wire::Scan::kNeedMore)
      break;
    at += whole;
    if (EndsUnit(frame.type) || !IsExtended(frame.type)) {
      // A Query or Terminate in the middle of a batch ends the unit in front of it.
      const std::size_t unit = EndsUnit(frame.type) ? at : at - whole;
      scanned_ = 0;
      return HandleUnit(bytes, unit);
    }
  }
  scanned_ = at;
  if (bytes.size() > ctx_.limits.batch_bytes_max) {
    Fatal({.sqlstate = "54000",
           .message = "the batch is too large",
           .detail = "A batch of extended messages is held until its Sync or Flush.",
           .hint = "Send Sync more often, or raise limits.batch_bytes_max."},
          metrics::Refusal::kProtocol);
  }
  return 0;
}

std::size_t Session::SkipToSync(const wire::Frame& frame) {
  if (frame.type != from_client::kSync)
    return frame.whole.size();
  skip_to_sync_ = false;
  if (backend_ != nullptr && unit_open_) {
    // The backend skips as well; its ReadyForQuery ends the unit for both.
    unit_open_ = false;
    flush_unit_ = false;
    relay_.Expect({.kind = Expectation::Kind::kSync});
    SendToBackend(frame.whole);
    wait_ = Wait::kReplies;
    return frame.whole.size();
  }
  SendReady();
  UnitDone();
  return frame.whole.size();
}

std::size_t Session::ConsumeCopyIn(std::string_view bytes) {
  wire::Frame frame;
  std::size_t whole = 0;
  switch (wire::ScanFrame(bytes, ctx_.limits.message_bytes_max, &frame, &whole)) {
    case wire::Scan::kBad:
      Fatal({.sqlstate = "08P01", .message = "invalid message length"},
            metrics::Refusal::kProtocol);
      return 0;
    case wire::Scan::kNeedMore:
      return 0;
    case wire::Scan::kFrame:
      break;
  }
  const bool copy_message = frame.type == from_client::kCopyData ||
                            frame.type == from_client::kCopyDone ||
                            frame.type == from_client::kCopyFail;
  if (frame.type == from_client::kTerminate) {
    Close();
    return 0;
  }
  if (wait_ == Wait::kTask) {
    if (copy_message)
      task_->OnCopyMessage(frame);
    else if (!EndsUnit(frame.type))
      return 0;  // behind the COPY
    return whole;
  }
  if (copy_message) {
    SendToBackend(frame.whole);
    if (frame.type != from_client::kCopyData)
      copy_in_ = false;
    return whole;
  }
  // Postgres ignores Flush and Sync in COPY; with anything else it fails the COPY by itself.
  if (EndsUnit(frame.type))
    return whole;
  return 0;
}

void Session::SendToBackend(std::string_view bytes) {
  backend_->Send(bytes);
  ctx_.slots.Bytes(metrics::Side::kBackend, metrics::Direction::kSent, bytes.size());
  if (backend_->pending_bytes() > ctx_.limits.backend_pending_bytes_max && !backend_full_) {
    backend_full_ = true;
    channel_.PauseReading();
  }
}

// --- leases

bool Session::AcquireFor(const Target& target) {
  if (backend_ != nullptr) {
    if (lease_target_.SameBackend(target))
      return true;
    ReleaseBackend(pool::Return::kClean);
  }
  lease_target_ = target;
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
  wait_placement_ = ctx_.placement;  // keeps request.tenant valid
  SetState(metrics::ClientState::kWaiting);
  return false;
}

void Session::OnLease(pool::Backend* backend) {
  backend_ = backend;
  wait_ = Wait::kNothing;
  SetState(metrics::ClientState::kActive);
  Resume();
  wait_placement_.reset();
}

void Session::OnLeaseFailed(const SqlError& error) {
  wait_ = Wait::kNothing;
  wait_placement_.reset();
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
  relay_.Reset();
  if (backend_full_) {
    backend_full_ = false;
    if (!read_paused_)
      channel_.ResumeReading();
  }
  ctx_.pool.Release(backend, how);
}

// --- the backend's side

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
  if (output_.capacity() > kKeptInputBytes)
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
  SendToBackend(out);
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
  ctx_.slots.QueryFinished({.route = unit_route_,
                            .kind = unit_kind_,
                            .shard = lease_target_.shard,
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
