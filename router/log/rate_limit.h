// How often one event may be written: `burst` lines in each window, then a count of what was left
// out. Pure: the time is passed in. Not thread-safe; the log holds its mutex.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "router/base/string_map.h"

namespace pgreeve::log {

class RateLimit {
 public:
  // Distinct event ids remembered; more are not limited (there are fewer in the code).
  static constexpr std::size_t kEventsMax = 1000;

  RateLimit(int burst, absl::Duration window) : burst_(burst), window_(window) {}

  // Null: leave the line out. Else how many were left out since the last line of this event.
  std::optional<uint64_t> Admit(std::string_view event, absl::Time now);

 private:
  struct Window {
    absl::Time begin = absl::InfinitePast();
    int lines = 0;
    uint64_t suppressed = 0;
  };

  int burst_;
  absl::Duration window_;
  StringMap<Window> events_;
};

}  // namespace pgreeve::log
