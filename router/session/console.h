// The console: what operators type into the database `pgreeve`. PgBouncer's commands first, with
// its columns, then ours. Any protocol; each command is one statement. Worker thread of the
// session.
#pragma once

#include <string_view>

#include "router/session/local_reply.h"
#include "router/session/worker_context.h"

namespace pgreeve::session {

// Never fails: an unknown command is LocalReply::error (42601 with a hint).
LocalReply AnswerConsole(WorkerContext& context, std::string_view sql);

}  // namespace pgreeve::session
