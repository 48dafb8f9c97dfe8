#include "router/session/relay.h"

#include <algorithm>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/wire/frame.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace msg = wire::backend;
using Kind = Expectation::Kind;

absl::Status Surprise(char type) {
  return SqlStatus("08P01",
                   "the shard sent a message that nothing had asked for",
                   std::string("message type '") + type + "'");
}

void ForwardReady(char status, RelaySink& sink) {
  if (status == 0)
    return;
  std::string message;
  wire::AppendReadyForQuery(message, status);
  sink.Forward(message);
}

// Messages that may come at any time, whatever was asked.
bool IsAsynchronous(char type) {
  return type == msg::kNoticeResponse || type == msg::kParameterStatus ||
         type == msg::kNotificationResponse;
}

}  // namespace

void Relay::ExpectPlain(bool statements_matter) {
  plain_ = true;
  statements_matter_ = statements_matter;
  statement_index_ = 0;
}

void Relay::Expect(Expectation expectation) {
  expected_.push_back(std::move(expectation));
  statement_index_ = 0;
}

void Relay::PopFront() {
  if (++head_ < expected_.size())
    return;
  expected_.clear();
  head_ = 0;
}

void Relay::FlushSynthetic(RelaySink& sink) {
  while (pending() && front().kind == Kind::kSynthetic) {
    const Expectation done = std::move(expected_[head_]);
    PopFront();
    sink.Forward(done.insert);
    if (done.effect >= 0)
      sink.OnParsed(done.effect);
  }
}

void Relay::Reset() {
  expected_.clear();
  head_ = 0;
  held_.clear();
  rest_bytes_ = 0;
  plain_ = false;
  skipping_ = false;
}

// Rows and copy data are passed on piece by piece; everything else is looked at whole.
bool Relay::MayCut(char type) const {
  return type == msg::kDataRow || type == msg::kCopyData ||
         (plain_ && type == msg::kRowDescription);
}

// Rows belong to an Execute or a simple query.
bool Relay::ExpectsRows() const {
  return plain_ || (pending() && (front().kind == Kind::kExecute || front().kind == Kind::kQuery));
}

bool Relay::ForwardsRows() const {
  if (plain_)
    return true;
  return pending() && !front().swallow && !skipping_;
}

absl::Status Relay::Feed(std::string_view in, RelaySink& sink) {
  std::size_t run_begin = 0;  // [run_begin, at) is for the client and not sent yet
  std::size_t at = 0;
  const auto flush = [&](std::size_t end) {
    if (end > run_begin)
      sink.Forward(in.substr(run_begin, end - run_begin));
  };
  if (rest_bytes_ > 0) {
    at = static_cast<std::size_t>(std::min<uint64_t>(rest_bytes_, in.size()));
    rest_bytes_ -= at;
    if (!rest_forwarded_)
      run_begin = at;
  }
  if (!held_.empty()) {
    // Complete the held message first: its header, then its body.
    while (true) {
      std::size_t want = wire::kHeaderBytes;
      if (held_.size() >= wire::kHeaderBytes) {
        const uint32_t length = ReadUint32(held_.data() + 1);
        if (length < 4 || length > wire::kMessageBytesLimit)
          return SqlStatus("08P01", "the shard sent a message with an invalid length");
        want = std::size_t{length} + 1;
        if (want > kHeldMessageBytesMax && !MayCut(held_[0]))
          return SqlStatus("08P01", "the shard sent an oversized control message");
      }
      if (held_.size() >= want && held_.size() >= wire::kHeaderBytes && !MayCut(held_[0])) {
        if (want > wire::kHeaderBytes || ReadUint32(held_.data() + 1) == 4) {
          const std::string message = std::move(held_);
          held_.clear();
          run_begin = at;
          RETURN_IF_ERROR(OnMessage(message[0], message, sink));
          break;
        }
      }
      if (held_.size() == wire::kHeaderBytes && MayCut(held_[0])) {
        rest_forwarded_ = ForwardsRows();
        if (!ExpectsRows())
          return Surprise(held_[0]);
        if (rest_forwarded_)
          sink.Forward(held_);
        const uint64_t body = ReadUint32(held_.data() + 1) - 4;
        held_.clear();
        const auto take = static_cast<std::size_t>(std::min<uint64_t>(body, in.size() - at));
        run_begin = rest_forwarded_ ? at : at + take;
        at += take;
        rest_bytes_ = body - take;
        break;
      }
      if (at == in.size())
        return absl::OkStatus();
      const std::size_t take = std::min(want - held_.size(), in.size() - at);
      held_.append(in.substr(at, take));
      at += take;
      run_begin = at;
    }
  }
  while (at < in.size()) {
    const std::size_t left = in.size() - at;
    if (left < wire::kHeaderBytes) {
      flush(at);
      held_.assign(in.substr(at));
      return absl::OkStatus();
    }
    const char type = in[at];
    const uint32_t length = ReadUint32(in.data() + at + 1);
    if (length < 4 || length > wire::kMessageBytesLimit) {
      flush(at);
      return SqlStatus("08P01", "the shard sent a message with an invalid length");
    }
    const std::size_t whole = std::size_t{length} + 1;
    if (MayCut(type)) {
      if (!ExpectsRows()) {
        flush(at);
        return Surprise(type);
      }
      const bool forward = ForwardsRows();
      const std::size_t take = std::min(whole, left);
      if (!forward) {
        flush(at);
        run_begin = at + take;
      }
      at += take;
      rest_bytes_ = whole - take;
      rest_forwarded_ = forward;
      continue;
    }
    if (whole > kHeldMessageBytesMax) {
      flush(at);
      return SqlStatus("08P01", "the shard sent an oversized control message");
    }
    if (whole > left) {
      flush(at);
      held_.assign(in.substr(at));
      return absl::OkStatus();
    }
    // Plain mode passes everything but ReadyForQuery on with the run it stands in.
    const std::string_view message = in.substr(at, whole);
    if (plain_ && type != msg::kReadyForQuery) {
      NoteCommon(type, message.substr(wire::kHeaderBytes), sink);
      at += whole;
      continue;
    }
    if (plain_) {
      // With its ReadyForQuery the answer leaves in one piece, unless the client sees another.
      const auto status = wire::DecodeReadyForQuery(message.substr(wire::kHeaderBytes));
      if (!status.ok()) {
        flush(at);
        return status.status();
      }
      plain_ = false;
      const char seen = sink.OnReady(*status);
      if (seen == *status) {
        at += whole;
        continue;
      }
      flush(at);
      at += whole;
      run_begin = at;
      ForwardReady(seen, sink);
      continue;
    }
    flush(at);
    at += whole;
    run_begin = at;
    RETURN_IF_ERROR(OnMessage(type, message, sink));
  }
  flush(at);
  return absl::OkStatus();
}

void Relay::NoteCommon(char type, std::string_view body, RelaySink& sink) {
  switch (type) {
    case msg::kErrorResponse:
      sink.OnError(body);
      break;
    case msg::kCommandComplete:
      if (statements_matter_) {
        const auto tag = wire::DecodeCommandComplete(body);
        sink.OnStatementDone(-1, statement_index_++, tag.ok() ? *tag : std::string_view());
      }
      break;
    case msg::kEmptyQueryResponse:
      if (statements_matter_)
        sink.OnStatementDone(-1, statement_index_++, "");
      break;
    case msg::kParameterStatus:
      if (const auto status = wire::DecodeParameterStatus(body); status.ok())
        sink.OnParameterStatus(status->name, status->value);
      break;
    case msg::kCopyInResponse:
    case msg::kCopyBothResponse:
      sink.OnCopyIn();
      break;
    default:
      break;
  }
}

absl::Status Relay::OnMessage(char type, std::string_view whole, RelaySink& sink) {
  if (plain_) {
    if (type == msg::kReadyForQuery) {
      const auto status = wire::DecodeReadyForQuery(whole.substr(wire::kHeaderBytes));
      RETURN_IF_ERROR(status.status());
      plain_ = false;
      ForwardReady(sink.OnReady(*status), sink);
      return absl::OkStatus();
    }
    sink.Forward(whole);
    NoteCommon(type, whole.substr(wire::kHeaderBytes), sink);
    return absl::OkStatus();
  }
  if (IsAsynchronous(type)) {
    const bool swallowed = pending() && front().swallow;
    if (!swallowed || type == msg::kNotificationResponse)
      sink.Forward(whole);
    NoteCommon(type, whole.substr(wire::kHeaderBytes), sink);
    return absl::OkStatus();
  }
  FlushSynthetic(sink);
  if (!pending()) {
    // A backend that ends says why before it closes; that text is worth having.
    if (type == msg::kErrorResponse) {
      sink.OnError(whole.substr(wire::kHeaderBytes));
      return ToStatus(wire::DecodeError(whole.substr(wire::kHeaderBytes)).error);
    }
    return Surprise(type);
  }
  RETURN_IF_ERROR(OnTracked(type, whole, sink));
  FlushSynthetic(sink);
  return absl::OkStatus();
}

absl::Status Relay::OnTracked(char type, std::string_view whole, RelaySink& sink) {
  if (type == msg::kErrorResponse)
    return OnTrackedError(whole, sink);
  if (type == msg::kReadyForQuery)
    return OnTrackedReady(whole, sink);
  const Expectation& front = this->front();
  bool done = false;
  bool fits = false;
  switch (front.kind) {
    case Kind::kParse:
      done = fits = type == msg::kParseComplete;
      break;
    case Kind::kBind:
      done = fits = type == msg::kBindComplete;
      break;
    case Kind::kClose:
      done = fits = type == msg::kCloseComplete;
      break;
    case Kind::kDescribeStatement:
      fits = type == msg::kParameterDescription || type == msg::kRowDescription ||
             type == msg::kNoData;
      done = type == msg::kRowDescription || type == msg::kNoData;
      break;
    case Kind::kDescribePortal:
      done = fits = type == msg::kRowDescription || type == msg::kNoData;
      break;
    case Kind::kExecute:
      done = type == msg::kCommandComplete || type == msg::kEmptyQueryResponse ||
             type == msg::kPortalSuspended;
      fits = done || type == msg::kCopyInResponse || type == msg::kCopyOutResponse ||
             type == msg::kCopyDone || type == msg::kCopyBothResponse;
      break;
    case Kind::kQuery:
      fits = type == msg::kCommandComplete || type == msg::kEmptyQueryResponse ||
             type == msg::kRowDescription || type == msg::kCopyInResponse ||
             type == msg::kCopyOutResponse || type == msg::kCopyDone ||
             type == msg::kCopyBothResponse || type == msg::kFunctionCallResponse;
      break;
    case Kind::kSync:
    case Kind::kSynthetic:
      break;
  }
  if (!fits)
    return Surprise(type);
  if (!front.swallow)
    sink.Forward(whole);
  const std::string_view body = whole.substr(wire::kHeaderBytes);
  if (type == msg::kCommandComplete || type == msg::kEmptyQueryResponse ||
      type == msg::kPortalSuspended) {
    std::string_view tag;
    if (type == msg::kCommandComplete)
      tag = wire::DecodeCommandComplete(body).value_or(std::string_view());
    else if (type == msg::kPortalSuspended)
      tag = "suspended";
    if (!front.swallow)
      sink.OnStatementDone(front.effect, statement_index_++, tag);
    else if (front.effect >= 0)
      sink.OnParsed(front.effect);
  } else if (!front.swallow) {
    NoteCommon(type, body, sink);
  }
  if (type == msg::kParseComplete && front.effect >= 0)
    sink.OnParsed(front.effect);
  if (done)
    PopFront();
  return absl::OkStatus();
}

absl::Status Relay::OnTrackedError(std::string_view whole, RelaySink& sink) {
  const Expectation& front = this->front();
  const std::string_view body = whole.substr(wire::kHeaderBytes);
  if (front.quiet) {
    sink.OnQuietError(body);
    return absl::OkStatus();
  }
  if (front.kind == Kind::kQuery && front.swallow && front.insert.empty()) {
    // The router's own BEGIN or PREPARE failed: what follows would run outside of it.
    sink.OnError(body);
    return ToStatus(wire::DecodeError(body).error);
  }
  if (front.insert.empty()) {
    sink.Forward(whole);
    sink.OnError(body);
  } else {
    sink.Forward(front.insert);
  }
  if (front.kind == Kind::kQuery || front.kind == Kind::kSync)
    return absl::OkStatus();  // ReadyForQuery follows
  while (pending() && expected_[head_].kind != Kind::kSync)
    PopFront();
  skipping_ = true;
  if (!pending())
    skipping_ = false;  // the client's Sync has not come yet; the session skips to it
  return absl::OkStatus();
}

absl::Status Relay::OnTrackedReady(std::string_view whole, RelaySink& sink) {
  const Expectation& front = this->front();
  if (front.kind != Kind::kSync && front.kind != Kind::kQuery)
    return Surprise(msg::kReadyForQuery);
  const auto status = wire::DecodeReadyForQuery(whole.substr(wire::kHeaderBytes));
  RETURN_IF_ERROR(status.status());
  skipping_ = false;
  PopFront();
  FlushSynthetic(sink);
  statement_index_ = 0;
  if (!pending())
    ForwardReady(sink.OnReady(*status), sink);
  return absl::OkStatus();
}

}  // namespace pgreeve::session
