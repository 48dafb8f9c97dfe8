// When to try a shard again that could not be reached: after 50 ms, twice as long each time, 2 s at
// most. Pure: time comes in.
#pragma once

#include <algorithm>

#include <absl/time/time.h>

namespace pgreeve::policy {

class Backoff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(50);
  static constexpr absl::Duration kLast = absl::Seconds(2);

  void OnFailure(absl::Duration now) {
    // Attempts that ran side by side fail together and count once.
    if (now < until_)
      return;
    delay_ = delay_ == absl::ZeroDuration() ? kFirst : std::min(delay_ * 2, kLast);
    until_ = now + delay_;
  }

  void OnSuccess() {
    delay_ = absl::ZeroDuration();
    until_ = -absl::InfiniteDuration();
  }

  bool MayTry(absl::Duration now) const { return now >= until_; }

  // Time until MayTry; zero when it is so already.
  absl::Duration Remaining(absl::Duration now) const {
    return std::max(until_ - now, absl::ZeroDuration());
  }

 private:
  absl::Duration delay_;
  absl::Duration until_ = -absl::InfiniteDuration();
};

}  // namespace pgreeve::policy
