// Who leads: what one rebalancer process does next about the lease row in the catalog. Whether the
// row is live is judged by the catalog's clock; how long ago the last renewal succeeded is judged
// by this process's own monotonic clock, so that a process that was stopped for a while knows that
// it no longer leads. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/time/time.h>

namespace pgreeve::rebalancer {

// The lease row as last read. An empty holder: there is none.
struct LeaseRow {
  std::string holder;
  int64_t token = 0;
  bool live = false;
};

enum class LeaderAct {
  kWait,      // nothing to do before `LeaderDecision::again_in`
  kTake,      // compare-and-set the row to this process
  kReplace,   // resign what an earlier life of this process holds, then take: the token must grow
  kRenew,     // extend the row
  kStepDown,  // stop acting as leader at once
};

struct LeaderState {
  int64_t token = 0;             // of the lease that this process holds; 0: does not lead
  absl::Duration since_renewed;  // monotonic, since the request of the last take or renewal
};

struct LeaderDecision {
  LeaderAct act = LeaderAct::kWait;
  absl::Duration again_in;  // ask again after this long at the latest
};

// `lease` is the length that a take or renewal asks for. A leader renews at a third of it and steps
// down at two thirds without a renewal: before any other process can take the lease by the
// catalog's clock, even when clocks run a little differently.
LeaderDecision DecideLeader(std::string_view self,
                            const LeaderState& state,
                            const LeaseRow& row,
                            absl::Duration lease);

// The same question while the catalog does not answer: lead on, or step down.
LeaderDecision DecideWithoutCatalog(const LeaderState& state, absl::Duration lease);

// Whether `state` still allows to act as leader; asked before every act.
bool MayAct(const LeaderState& state, absl::Duration lease);

}  // namespace pgreeve::rebalancer
