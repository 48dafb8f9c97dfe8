#include "router/log/rate_limit.h"

#include <utility>

namespace pgreeve::log {

std::optional<uint64_t> RateLimit::Admit(std::string_view event, absl::Time now) {
  auto it = events_.find(event);
  if (it == events_.end()) {
    if (events_.size() >= kEventsMax)
      return 0;
    it = events_.try_emplace(std::string(event)).first;
  }
  Window& window = it->second;
  if (now - window.begin >= window_ || now < window.begin) {
    window.begin = now;
    window.lines = 0;
  }
  if (window.lines >= burst_) {
    ++window.suppressed;
    return std::nullopt;
  }
  ++window.lines;
  return std::exchange(window.suppressed, 0);
}

}  // namespace pgreeve::log
