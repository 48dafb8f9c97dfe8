// Work that the router does itself for one statement, over several turns of the loop: a scatter, a
// broadcast, a COPY under row security, a verb of the catalog. Worker thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/status.h"
#include "router/plan/plan.h"
#include "router/pool/pool.h"
#include "router/session/prepared.h"
#include "router/wire/frame.h"

namespace pgreeve::session {

struct WorkerContext;
class Session;

struct TaskResult {
  std::optional<SqlError> error = {};
  int reject_code = 0;  // with `error`: PR-nnn, 0 when it came from a shard
  // Success: rows and CommandComplete have been sent already.
};

// What a task may ask of the session that runs it.
class TaskHost {
 public:
  virtual WorkerContext& context() = 0;
  virtual void SendToClient(std::string_view bytes) = 0;
  // More is kept for the client than it should be: stop producing until Task::OnClientDrained.
  virtual bool ClientIsBehind() const = 0;
  // Ends the task, which is destroyed at the end of the turn.
  virtual void FinishTask(TaskResult result) = 0;
  // Who asks, for audit rows.
  virtual std::string_view actor() const = 0;
  virtual const std::shared_ptr<const pool::SettingsSet>& settings() const = 0;
  // A task that reads client messages (COPY) wants the next ones.
  virtual void ResumeInput() = 0;
  // A pgreeve.* setting of the session; empty when not set.
  virtual std::string_view Setting(std::string_view name) const = 0;

 protected:
  ~TaskHost() = default;
};

// The statement as the client sent it.
struct TaskInput {
  std::string sql = {};        // the one statement's text
  std::string bind_body = {};  // extended protocol: the Bind message's body
  PreparedPtr statement = {};  // extended protocol
  bool describe = true;        // send RowDescription before the rows (simple protocol)
  bool describe_only = false;  // send RowDescription (or NoData) and end
};

class Task {
 public:
  virtual ~Task() = default;
  virtual void Start() = 0;
  // Stop soon; FinishTask follows with 57014.
  virtual void Cancel() = 0;
  // The client is gone: let go of everything; FinishTask must not be called any more.
  virtual void Abandon() = 0;

  virtual void OnClientDrained() {}

  // A COPY task takes CopyData, CopyDone and CopyFail. False: not now, ask again after
  // ResumeInput.
  virtual bool WantsCopy() const { return false; }

  virtual void OnCopyMessage(const wire::Frame&) {}
};

}  // namespace pgreeve::session
