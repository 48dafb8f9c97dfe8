// COPY … FROM STDIN of one tenant under row security, which Postgres itself refuses: the rows are
// read here and inserted in batches, in one transaction. Worker thread only.
// Cost: about three times a plain COPY on the shard (postgres_spikes §B.5).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/functional/any_invocable.h>

#include "router/session/task.h"

namespace pgreeve::session {

// A backend that the task may use while it runs.
struct CopyTarget {
  ShardId shard;
  catalog::RoleClass role = catalog::RoleClass::kTenant;
  const catalog::TenantInfo* tenant = nullptr;
};

// Lends the session's own backend inside a transaction.
class CopyBackend {
 public:
  // Runs simple queries on the backend of the session's open transaction (ReadyForQuery once for
  // each); `done` gets the first error. Only inside a transaction that is the session's.
  virtual void RunInTransaction(std::string messages,
                                int readies,
                                absl::AnyInvocable<void(std::optional<SqlError>)> done) = 0;

 protected:
  ~CopyBackend() = default;
};

std::unique_ptr<Task> MakeCopyTask(TaskHost& host,
                                   CopyBackend& session,
                                   const plan::StatementPlan& plan,
                                   TaskInput input,
                                   CopyTarget target,
                                   bool own_transaction);

}  // namespace pgreeve::session
