// The SQL functions that the router answers: SELECT pgreeve.where_is(…) and the like. Those that
// only read the placement are answered at once; the others ask the shards and the catalog.
// Worker thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "router/session/local_reply.h"
#include "router/session/task.h"
#include "router/session/worker_context.h"

namespace pgreeve::session {

// where_is(id), tables(), tenants(), version(): no task is needed.
bool IsLocalFunction(std::string_view name);
// Errors: 3D000 unknown tenant, 42883 no such function or wrong arguments.
absl::StatusOr<LocalReply> AnswerFunction(const plan::StatementPlan& plan,
                                          const WorkerContext& context);

// RowDescription or NoData of a statement that the router answers.
void AppendLocalDescription(const plan::StatementPlan& plan, std::string& out);

// create_tenant, shard_table, reference_table.
std::unique_ptr<Task> MakeFunctionTask(TaskHost& host,
                                       const plan::StatementPlan& plan,
                                       TaskInput input);

}  // namespace pgreeve::session
