#include "rebalancer/decide/leader.h"

#include <algorithm>

namespace pgreeve::rebalancer {

LeaderDecision DecideWithoutCatalog(const LeaderState& state, absl::Duration lease) {
  if (state.leading && state.since_renewed >= lease * 2 / 3)
    return {LeaderAct::kStepDown, lease / 3};
  return {LeaderAct::kWait, lease / 6};
}

LeaderDecision DecideLeader(std::string_view self,
                            const LeaderState& state,
                            const LeaseRow& row,
                            absl::Duration lease) {
  const bool expired = row.holder.empty() || row.expires_in <= absl::ZeroDuration();
  const bool mine = row.holder == self;
  if (state.leading) {
    if (!mine || state.since_renewed >= lease * 2 / 3)
      return {LeaderAct::kStepDown, lease / 3};
    if (state.since_renewed >= lease / 3)
      return {LeaderAct::kRenew, lease / 3};
    return {LeaderAct::kWait, lease / 3 - state.since_renewed};
  }
  // An unexpired row under the own name is of an earlier life of this process, or the answer to a
  // take that got lost; nobody else acts under it, so it is taken again at once.
  if (expired || mine)
    return {LeaderAct::kTake, lease / 3};
  return {LeaderAct::kWait, std::min(row.expires_in, lease / 3)};
}

std::string_view ToString(LeaderAct act) {
  switch (act) {
    case LeaderAct::kWait:
      return "wait";
    case LeaderAct::kTake:
      return "take";
    case LeaderAct::kRenew:
      return "renew";
    case LeaderAct::kStepDown:
      return "step_down";
  }
  return "unknown";
}

}  // namespace pgreeve::rebalancer
