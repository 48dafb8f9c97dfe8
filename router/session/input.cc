// A session's input: bytes become messages, messages become units; what has to wait stays in the
// buffer.
#include "router/session/login.h"
#include "router/session/refusals.h"
#include "router/session/session.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace from_client = wire::client;

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
    if (input_.capacity() > kKeptBytes)
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
    // A Sync behind Execute is ignored by a COPY; the one behind CopyDone ends the unit.
    if (copy_message && unit_has_task_)
      unit_syncs_ = false;
    if (copy_message)
      task_->OnCopyMessage(frame);
    else if (!EndsUnit(frame.type))
      return 0;  // behind the COPY
    return whole;
  }
  if (copy_message) {
    SendToBackend(frame.whole);
    if (frame.type != from_client::kCopyData) {
      copy_ended_ = true;
      copy_in_ = unit_extended_;  // the Sync behind it ends the unit
    }
    return whole;
  }
  // Postgres ignores Flush and Sync in COPY; with anything else it fails the COPY by itself.
  if (EndsUnit(frame.type)) {
    if (copy_ended_ && frame.type == from_client::kSync) {
      SendToBackend(frame.whole);
      copy_in_ = false;
    }
    return whole;
  }
  return 0;
}

// A simple Query ends the unnamed statement.
void Session::SendQueryToBackend(std::string_view bytes) {
  backend_->unnamed_statement = 0;
  SendToBackend(bytes);
}

void Session::SendToBackend(std::string_view bytes) {
  backend_->Send(bytes);
  ctx_.slots.Bytes(metrics::Side::kBackend, metrics::Direction::kSent, bytes.size());
  if (backend_->pending_bytes() > ctx_.limits.backend_pending_bytes_max && !backend_full_) {
    backend_full_ = true;
    channel_.PauseReading();
  }
}

}  // namespace pgreeve::session
