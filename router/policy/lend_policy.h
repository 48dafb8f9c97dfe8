// What to do with a backend that comes back, and what to do for those who wait. Pure: numbers in,
// the next step out; pool/lane does it.
//
// The order of preference: a backend that carries the same tenant and settings (nothing to send), a
// blank one (a bind ahead of the statement), an idle one of another tenant (a round trip to unbind
// it), a new connection, waiting.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace pgreeve::policy {

// A backend stays with its tenant for so many leases in a row while others wait,
constexpr uint32_t kStreakMax = 16;
// and not once the next in turn has waited this long.
constexpr absl::Duration kTurnPatience = absl::Milliseconds(10);
// Connections of one shard and role that one worker opens side by side.
constexpr int32_t kOpeningMax = 8;

struct Returned {
  bool must_close = false;  // broken, retired, too old
  bool must_reset = false;  // its session state is not what its binding says
  bool blank = false;
  uint32_t streak = 0;        // leases in a row under this binding
  bool same_waits = false;    // somebody waits for exactly this binding
  bool same_is_next = false;  // and it is that one's turn
  std::size_t waiting = 0;
  std::size_t coming = 0;  // backends being opened or unbound: the waiters' to come
  absl::Duration next_waited = absl::ZeroDuration();  // of the one whose turn it is
};

enum class ReturnedStep : uint8_t { kClose, kUnbind, kLendSame, kLendNext, kKeep };

ReturnedStep DecideReturned(const Returned& returned);

struct Queued {
  std::size_t waiting = 0;
  std::size_t free_blank = 0;
  std::size_t free_bound = 0;
  int32_t opening = 0;
  int32_t unbinding = 0;
  int32_t total = 0;  // of this worker, in any state
  int32_t limit = 0;
  bool may_open = true;  // no back-off
};

enum class QueuedStep : uint8_t { kLendBlank, kUnbindIdle, kOpen, kWait };

QueuedStep DecideQueued(const Queued& queued);

// Whether a worker that holds `held` of a shard's `limit` connections gives one up for another
// worker that got none. `members` workers use the shard; where they are more than connections,
// these go round.
bool MustYield(int32_t held, int32_t limit, int32_t members);

}  // namespace pgreeve::policy
