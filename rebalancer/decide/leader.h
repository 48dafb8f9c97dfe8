// Who leads: what one rebalancer process does next about the lease row in the catalog. Expiry is
// judged by the catalog's clock (`expires_in` comes from a query); how long ago the last renewal
// succeeded is judged by this process's own monotonic clock, so that a process that was stopped
// for a while knows that it no longer leads. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include <absl/time/time.h>

namespace pgreeve::rebalancer {

// The lease row as last read. An empty holder: nobody has it.
struct LeaseRow {
  std::string holder;
  absl::Duration expires_in;  // zero or negative: expired
};

enum class LeaderAct {
  kWait,      // nothing to do before `LeaderDecision::again_in`
  kTake,      // compare-and-set the row to this process
  kRenew,     // extend the row
  kStepDown,  // stop acting as leader at once
};

struct LeaderState {
  bool leading = false;
  absl::Duration
      since_renewed;  // monotonic, since the request of the last successful take or renew
};

struct LeaderDecision {
  LeaderAct act = LeaderAct::kWait;
  absl::Duration again_in;  // ask again after this long at the latest
};

// `lease` is the length that a take or renew asks for. A leader renews at a third of it and steps
// down at two thirds without a renewal: before any other process can take the lease by the
// catalog's clock, even when clocks run a little differently.
LeaderDecision DecideLeader(std::string_view self,
                            const LeaderState& state,
                            const LeaseRow& row,
                            absl::Duration lease);

// The same question while the catalog does not answer: lead on, or step down.
LeaderDecision DecideWithoutCatalog(const LeaderState& state, absl::Duration lease);

std::string_view ToString(LeaderAct act);

}  // namespace pgreeve::rebalancer
