// Answers one SELECT of an operator from all shards: describes it on one of them, runs the partial
// on each in a snapshot of its own, merges (merge/merger.h), runs the combine step in Postgres
// where the router cannot prove it. Worker thread only.
#pragma once

#include <memory>

#include "router/session/task.h"

namespace pgreeve::session {

std::unique_ptr<Task> MakeScatterTask(TaskHost& host,
                                      const plan::StatementPlan& plan,
                                      TaskInput input);

}  // namespace pgreeve::session
