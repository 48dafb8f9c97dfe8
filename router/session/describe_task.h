// Asks one shard what a prepared statement takes and returns, without running it. Worker thread
// only.
#pragma once

#include <memory>

#include "router/session/task.h"

namespace pgreeve::session {

// Sends ParameterDescription and RowDescription (or NoData) to the client.
std::unique_ptr<Task> MakeDescribeTask(TaskHost& host,
                                       ShardId shard,
                                       catalog::RoleClass role,
                                       PreparedPtr statement);

}  // namespace pgreeve::session
