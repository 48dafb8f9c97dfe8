#include "router/policy/lend_policy.h"

#include <algorithm>

namespace pgreeve::policy {

ReturnedStep DecideReturned(const Returned& returned) {
  if (returned.must_close)
    return ReturnedStep::kClose;
  if (returned.must_reset)
    return ReturnedStep::kUnbind;
  if (returned.waiting == 0)
    return ReturnedStep::kKeep;
  if (returned.blank)
    return ReturnedStep::kLendNext;
  const bool patient = returned.streak < kStreakMax && returned.next_waited < kTurnPatience;
  if (returned.same_is_next || (returned.same_waits && patient))
    return ReturnedStep::kLendSame;
  return returned.coming >= returned.waiting ? ReturnedStep::kKeep : ReturnedStep::kUnbind;
}

QueuedStep DecideQueued(const Queued& queued) {
  if (queued.waiting == 0)
    return QueuedStep::kWait;
  if (queued.free_blank > 0)
    return QueuedStep::kLendBlank;
  if (queued.waiting <= static_cast<std::size_t>(queued.opening + queued.unbinding))
    return QueuedStep::kWait;
  if (queued.free_bound > 0)
    return QueuedStep::kUnbindIdle;
  if (queued.may_open && queued.total < queued.limit && queued.opening < kOpeningMax)
    return QueuedStep::kOpen;
  return QueuedStep::kWait;
}

bool MustYield(int32_t held, int32_t limit, int32_t members) {
  if (limit < members)
    return held > 0;
  const int32_t share = (limit + members - 1) / std::max(members, 1);
  return held > share;
}

}  // namespace pgreeve::policy
