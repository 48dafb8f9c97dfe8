// Growing waits between attempts to reach something that is down: doubled each time up to a limit,
// spread by a number the caller draws so that many processes do not return in step. Pure.
#pragma once

#include <cstdint>

#include <absl/time/time.h>

namespace pgreeve::rebalancer {

class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration limit) : first_(first), limit_(limit) {}

  // The wait before the next attempt; `random` is any 32 random bits. Between half of the nominal
  // wait and all of it.
  absl::Duration Next(uint32_t random) {
    const absl::Duration nominal = wait_ == absl::ZeroDuration() ? first_ : wait_;
    wait_ = nominal * 2 > limit_ ? limit_ : nominal * 2;
    return nominal / 2 + nominal / 2 * (static_cast<double>(random) / 4294967296.0);
  }

  void Succeeded() { wait_ = absl::ZeroDuration(); }

 private:
  absl::Duration first_;
  absl::Duration limit_;
  absl::Duration wait_;
};

}  // namespace pgreeve::rebalancer
