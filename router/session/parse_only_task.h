// A text that the router's parser does not accept, of a session that names no tenant: Postgres is
// asked whether the text is SQL at all. Its syntax error is the client's; if it accepts the text,
// the client gets the planner's refusal. Worker thread only.
#pragma once

#include <memory>

#include "router/session/task.h"

namespace pgreeve::session {

std::unique_ptr<Task> MakeParseOnlyTask(TaskHost& host,
                                        ShardId shard,
                                        catalog::RoleClass role,
                                        const plan::StatementPlan& plan,
                                        TaskInput input);

}  // namespace pgreeve::session
