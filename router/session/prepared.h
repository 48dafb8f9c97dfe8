// Prepared statements and portals of one session, and the names they have on backends. A client's
// statement name is the client's; a backend knows the statement under a name made of its number,
// which all sessions of a worker share for the same text, parameter types and settings.
// Worker thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "router/base/string_map.h"
#include "router/plan/planner.h"
#include "router/wire/backend_messages.h"

namespace pgreeve::session {

using ParameterTypes = absl::InlinedVector<uint32_t, 8>;

struct PreparedStatement {
  uint64_t id = 0;
  std::string text;
  ParameterTypes types;  // as the client declared them; 0 = to be inferred
  std::shared_ptr<const plan::Analyzed> analyzed;
  bool router_level = false;  // BEGIN, SET pgreeve.…: its Parse is not sent to a shard by itself
  bool sql_level = false;     // made by PREPARE; `text` is the inner statement, `prepare_rest` all
                              // behind the name
  std::string prepare_rest;
  // Learned from a shard when a cross-shard statement was described; see scatter_task.h.
  std::optional<std::vector<wire::FieldDescription>> fields;
  ParameterTypes resolved_types;
};

using PreparedPtr = std::shared_ptr<PreparedStatement>;

// A portal that the router itself executes (everything else lives on the backend).
struct LocalPortal {
  PreparedPtr statement;
  std::string bind_body;  // the Bind message's body, owned
};

// Numbers for (text, types). Worker thread only; one per worker.
class StatementRegistry {
 public:
  // `settings`: the id of the session's settings. Postgres reads literals by them (DateStyle,
  // TimeZone, standard_conforming_strings) when a statement is prepared, not when it runs.
  uint64_t IdOf(std::string_view text,
                const ParameterTypes& types,
                bool sql_level,
                uint64_t settings) {
    std::string key(sql_level ? "S" : "P");
    key.append(reinterpret_cast<const char*>(&settings), sizeof settings);
    for (const uint32_t type : types) {
      key.append(reinterpret_cast<const char*>(&type), sizeof type);
    }
    key += '\0';
    key += text;
    if (ids_.size() >= kEntriesMax)
      ids_.clear();  // numbers are never reused, so a forgotten text just gets a new one
    const auto [it, inserted] = ids_.try_emplace(std::move(key), next_);
    if (inserted)
      next_ += 2;
    return it->second;
  }

  // For a statement without a name, which no other session can share. Odd: named; even: unnamed.
  uint64_t NextId() { return next_unnamed_ += 2; }

  static bool IsShared(uint64_t id) { return id % 2 == 1; }

  static constexpr std::size_t kEntriesMax = 50000;

 private:
  StringMap<uint64_t> ids_;
  uint64_t next_ = 1;
  uint64_t next_unnamed_ = 0;
};

inline std::string BackendName(uint64_t id) {
  return "pgreeve_" + std::to_string(id);
}

}  // namespace pgreeve::session
