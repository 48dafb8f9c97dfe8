// The armed timers of one worker: a binary heap by time that knows where each timer stands, so that
// disarming and moving one leaves nothing behind. Worker thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/time/time.h>

namespace pgreeve::net {

class Timer;

class TimerHeap {
 public:
  void Arm(Timer* timer, absl::Duration at);
  void Disarm(Timer* timer);

  bool empty() const { return entries_.empty(); }

  // Time of the first; not to be called when empty.
  absl::Duration first_at() const { return entries_.front().at; }

  // Numbers of timers armed from now on are at least this.
  uint64_t next_number() const { return next_number_; }

  // Takes out the first timer when it is due at `now` and was armed before number `before`.
  Timer* PopDue(absl::Duration now, uint64_t before);

 private:
  struct Entry {
    absl::Duration at;
    uint64_t number;
    Timer* timer;

    bool Before(const Entry& other) const {
      return at < other.at || (at == other.at && number < other.number);
    }
  };

  void Place(std::size_t index, const Entry& entry);
  void SiftUp(std::size_t index);
  void SiftDown(std::size_t index);

  std::vector<Entry> entries_;
  uint64_t next_number_ = 0;
};

}  // namespace pgreeve::net
