// One statement on every shard, all or nothing: two-phase commit where there is more than one.
// Shards are taken in the order of their numbers. Worker thread only.
// Source: fencing, "Two-phase commit": the decision is in the catalog before the second phase, and
// each participant notes the gid inside its prepared transaction.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>

#include "router/session/backend_call.h"

namespace pgreeve::session {

struct BroadcastStatement {
  std::string messages;  // simple Query or extended up to Sync: one ReadyForQuery
};

class Broadcast {
 public:
  using Done = absl::AnyInvocable<void(std::optional<SqlError>)>;
  // Messages of the first shard's answer (rows, CommandComplete); errors are in Done.
  using OnFrame = absl::AnyInvocable<void(const wire::Frame&)>;

  Broadcast(WorkerContext& context,
            catalog::RoleClass role,
            std::shared_ptr<const pool::SettingsSet> settings);
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // Errors: the first shard's own; 08007 with the gid when the outcome is not known; PR-311.
  void Run(BroadcastStatement statement, OnFrame on_frame, Done done);
  void Cancel();
  void Abandon();

 private:
  struct Shard;

  void Lease(std::size_t index);
  void RunOn(std::size_t index);
  void Prepare();
  void Commit();
  void Rollback(SqlError error);
  // Sends `sql` to every shard; `next` once all have answered, with the first error.
  void OnAll(const std::string& sql, Done next);
  void OnAllParticipants(const std::string& verb, Done next);
  void Everywhere(const std::function<std::string(ShardId)>& sql_of, Done next);
  void End(std::optional<SqlError> error);

  WorkerContext& ctx_;
  catalog::RoleClass role_;
  std::shared_ptr<const pool::SettingsSet> settings_;
  std::shared_ptr<const catalog::Placement> placement_;
  std::vector<std::unique_ptr<Shard>> shards_;
  BroadcastStatement statement_;
  OnFrame on_frame_;
  Done done_;
  std::string gid_;
  std::size_t outstanding_ = 0;
  std::optional<SqlError> first_error_;
  bool deciding_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pgreeve::session
