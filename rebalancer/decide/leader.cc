#include "rebalancer/decide/leader.h"

namespace pgreeve::rebalancer {

bool MayAct(const LeaderState& state, absl::Duration lease) {
  return state.token != 0 && state.since_renewed < lease * 2 / 3;
}

LeaderDecision DecideWithoutCatalog(const LeaderState& state, absl::Duration lease) {
  if (state.token != 0 && !MayAct(state, lease))
    return {LeaderAct::kStepDown, lease / 3};
  return {LeaderAct::kWait, lease / 6};
}

LeaderDecision DecideLeader(std::string_view self,
                            const LeaderState& state,
                            const LeaseRow& row,
                            absl::Duration lease) {
  if (state.token != 0) {
    const bool mine = row.holder == self && row.token == state.token;
    if (!mine || !MayAct(state, lease))
      return {LeaderAct::kStepDown, lease / 6};
    if (state.since_renewed >= lease / 3)
      return {LeaderAct::kRenew, lease / 3};
    return {LeaderAct::kWait, lease / 3 - state.since_renewed};
  }
  if (row.holder.empty() || !row.live)
    return {LeaderAct::kTake, lease / 3};
  // A process that was killed comes back under its name and need not wait for its own lease.
  if (row.holder == self)
    return {LeaderAct::kReplace, lease / 3};
  return {LeaderAct::kWait, lease / 6};
}

}  // namespace pgreeve::rebalancer
