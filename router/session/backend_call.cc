#include "router/session/backend_call.h"

#include "router/base/bytes.h"
#include "router/wire/backend_messages.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {

BackendCall::~BackendCall() {
  *alive_ = false;
  Abandon();
}

void BackendCall::Acquire(const pool::LeaseRequest& request, Done done) {
  shard_ = request.shard;
  backend_ = ctx_.pool.Acquire(request, this, this);
  if (backend_ != nullptr) {
    done(std::nullopt);
    return;
  }
  waiting_ = true;
  placement_ = ctx_.placement;
  done_ = std::move(done);
}

void BackendCall::OnLease(pool::Backend* backend) {
  waiting_ = false;
  placement_.reset();
  backend_ = backend;
  Done done = std::move(done_);
  done(std::nullopt);
}

void BackendCall::OnLeaseFailed(const SqlError& error) {
  waiting_ = false;
  placement_.reset();
  Done done = std::move(done_);
  done(error);
}

void BackendCall::Run(std::string messages, int readies, OnFrame on_frame, Done done) {
  running_ = true;
  readies_ = readies;
  error_.reset();
  on_frame_ = std::move(on_frame);
  done_ = std::move(done);
  if (backend_ == nullptr) {  // it broke between two calls, when nobody was told
    error_ = lost_.value_or(SqlError{.sqlstate = "08006", .message = "no connection to the shard"});
    Finish();
    return;
  }
  backend_->Send(messages);
}

void BackendCall::OnBackendBytes(pool::Backend&, std::string_view bytes) {
  std::string joined;
  std::string_view rest = bytes;
  if (!held_.empty()) {
    held_.append(bytes);
    joined.swap(held_);
    rest = joined;
  }
  const std::shared_ptr<bool> alive = alive_;
  while (!rest.empty() && running_) {
    wire::Frame frame;
    const wire::Scan scan = wire::ScanFrame(rest, wire::kMessageBytesLimit, &frame);
    if (scan == wire::Scan::kNeedMore)
      break;
    if (scan == wire::Scan::kBad) {
      ctx_.pool.Release(backend_, pool::Return::kBroken);
      backend_ = nullptr;
      error_ = SqlError{.sqlstate = "08P01", .message = "the shard broke the protocol"};
      Finish();
      return;
    }
    rest.remove_prefix(frame.whole.size());
    if (frame.type == wire::backend::kErrorResponse && !error_)
      error_ = wire::DecodeError(frame.body).error;
    if (frame.type == wire::backend::kReadyForQuery) {
      status_ = wire::DecodeReadyForQuery(frame.body).value_or('E');
      readies_--;
    }
    if (on_frame_) {
      on_frame_(frame);
      if (!*alive || backend_ == nullptr)
        return;
    }
    if (readies_ == 0) {
      Finish();
      if (!*alive)
        return;
    }
  }
  held_.assign(rest);
}

void BackendCall::OnBackendClosed(pool::Backend&, const SqlError& error) {
  backend_ = nullptr;
  held_.clear();
  if (!running_) {
    lost_ = error;
    return;
  }
  if (!error_)
    error_ = error;
  Finish();
}

void BackendCall::Finish() {
  running_ = false;
  on_frame_ = nullptr;
  Done done = std::move(done_);
  std::optional<SqlError> error = std::move(error_);
  error_.reset();
  if (done)
    done(std::move(error));
}

void BackendCall::Cancel() {
  if (backend_ != nullptr && running_)
    ctx_.pool.CancelQuery(backend_);
}

void BackendCall::Release() {
  if (backend_ == nullptr)
    return;
  pool::Backend* backend = backend_;
  backend_ = nullptr;
  ctx_.pool.Release(
      backend,
      !running_ && status_ == 'I' && held_.empty() ? pool::Return::kClean : pool::Return::kBroken);
}

void BackendCall::Abandon() {
  if (waiting_) {
    waiting_ = false;
    ctx_.pool.Forget(this);
  }
  Release();
}

void AppendExtended(std::string& out, const ExtendedStatement& statement) {
  wire::AppendParse(out, "", statement.sql, statement.types);
  if (statement.describe_statement)
    wire::AppendDescribe(out, 'S', "");
  if (statement.execute) {
    std::string nothing;
    if (statement.bind_after_names.empty()) {
      AppendUint16(nothing, 0);
      AppendUint16(nothing, 0);
      AppendUint16(nothing, 0);
    }
    wire::AppendBind(out,
                     "",
                     "",
                     statement.bind_after_names.empty() ? std::string_view(nothing)
                                                        : statement.bind_after_names);
    wire::AppendDescribe(out, 'P', "");
    wire::AppendExecute(out, "", 0);
  }
  wire::AppendSync(out);
}

std::string EncodeBindTail(const wire::Bind& bind,
                           const std::vector<int16_t>& result_formats,
                           const std::vector<std::string>& more_parameters) {
  std::string out;
  const std::size_t own = bind.parameters.size();
  const std::size_t all = own + more_parameters.size();
  AppendUint16(out, static_cast<uint16_t>(all));
  for (std::size_t i = 0; i < all; i++)
    AppendUint16(out, i < own ? static_cast<uint16_t>(bind.FormatOf(i)) : 0);
  AppendUint16(out, static_cast<uint16_t>(all));
  for (const auto& value : bind.parameters) {
    if (!value) {
      AppendUint32(out, 0xffffffff);
      continue;
    }
    AppendUint32(out, static_cast<uint32_t>(value->size()));
    out += *value;
  }
  for (const std::string& value : more_parameters) {
    AppendUint32(out, static_cast<uint32_t>(value.size()));
    out += value;
  }
  AppendUint16(out, static_cast<uint16_t>(result_formats.size()));
  for (const int16_t format : result_formats)
    AppendUint16(out, static_cast<uint16_t>(format));
  return out;
}

}  // namespace pgreeve::session
