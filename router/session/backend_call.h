// A backend that the router itself uses for a task: leased, sent messages, its answer handed over
// message by message. Worker thread only. One call at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>

#include "router/base/status.h"
#include "router/pool/pool.h"
#include "router/session/worker_context.h"
#include "router/wire/client_messages.h"
#include "router/wire/frame.h"

namespace pgreeve::session {

class BackendCall final : public pool::BackendUser, public pool::Waiter {
 public:
  // Empty: it worked. An error leaves no lease (Acquire) or ends the call (Run).
  using Done = absl::AnyInvocable<void(std::optional<SqlError>)>;
  using OnFrame = absl::AnyInvocable<void(const wire::Frame&)>;

  explicit BackendCall(WorkerContext& context) : ctx_(context) {}

  ~BackendCall();
  BackendCall(const BackendCall&) = delete;
  BackendCall& operator=(const BackendCall&) = delete;

  // `done` may be called before this returns.
  void Acquire(const pool::LeaseRequest& request, Done done);

  // Sends and waits for `readies` ReadyForQuery messages. Each message that comes, errors and
  // ReadyForQuery included, is handed to `on_frame`; `done` gets the first error.
  // Errors: what the shard said; 08006 when the connection broke, now or since the last call (then
  // `done` is called before this returns).
  void Run(std::string messages, int readies, OnFrame on_frame, Done done);

  // More for a Run that is under way (CopyData and the like).
  void Send(std::string_view bytes) {
    if (backend_ != nullptr)
      backend_->Send(bytes);
  }

  std::size_t pending_bytes() const { return backend_ == nullptr ? 0 : backend_->pending_bytes(); }

  // Stops Run's query; its error comes through Run's `done`.
  void Cancel();
  // Clean when the last Run ended in 'I', else the connection is closed. No lease: no effect.
  void Release();
  // Lets go at once, whatever runs.
  void Abandon();

  bool leased() const { return backend_ != nullptr; }

  char status() const { return status_; }

  ShardId shard() const { return shard_; }

 private:
  void OnBackendBytes(pool::Backend& backend, std::string_view bytes) override;
  void OnBackendClosed(pool::Backend& backend, const SqlError& error) override;

  void OnBackendDrained(pool::Backend&) override {}

  void OnLease(pool::Backend* backend) override;
  void OnLeaseFailed(const SqlError& error) override;
  void Finish();

  WorkerContext& ctx_;
  std::shared_ptr<const catalog::Placement> placement_;  // keeps a waiting request valid
  ShardId shard_;
  pool::Backend* backend_ = nullptr;
  bool waiting_ = false;
  bool running_ = false;
  int readies_ = 0;
  char status_ = 'I';
  std::string held_;
  OnFrame on_frame_;
  Done done_;
  std::optional<SqlError> error_;
  std::optional<SqlError> lost_;  // why the lease is gone, when that happened between calls
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Messages of one statement in the extended protocol, up to Sync, without a name.
struct ExtendedStatement {
  std::string_view sql = {};
  ParameterTypes types = {};
  std::string_view bind_after_names = {};  // empty: no parameters, text results
  bool describe_statement = false;
  bool execute = true;
};

void AppendExtended(std::string& out, const ExtendedStatement& statement);

// Bind's formats, values and result formats, encoded again with other result formats.
std::string EncodeBindTail(const wire::Bind& bind,
                           const std::vector<int16_t>& result_formats,
                           const std::vector<std::string>& more_parameters = {});

}  // namespace pgreeve::session
