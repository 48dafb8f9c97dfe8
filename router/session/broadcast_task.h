// DDL and writes to reference tables: one statement on every shard, all or nothing (broadcast.h);
// DDL is journalled in the catalog for shards that are made later. Worker thread only.
#pragma once

#include <memory>

#include "router/session/task.h"

namespace pgreeve::session {

std::unique_ptr<Task> MakeBroadcastTask(TaskHost& host,
                                        const plan::StatementPlan& plan,
                                        TaskInput input);

}  // namespace pgreeve::session
