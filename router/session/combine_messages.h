// The combine step of a scatter as messages for a backend: one statement over arrays, or a
// transaction that fills a temporary table first. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "router/merge/merger.h"
#include "router/session/prepared.h"
#include "router/wire/client_messages.h"

namespace pgreeve::session {

struct CombineMessages {
  std::string bytes;
  int readies = 0;  // ReadyForQuery messages that answer it; the last but one when staged
};

CombineMessages EncodeCombine(const merge::CombineQuery& query,
                              const ParameterTypes& types,
                              const wire::Bind& bind,
                              const std::vector<int16_t>& result_formats);

}  // namespace pgreeve::session
