// Asks one of our own HTTP servers whether it is well: what `--health` of a container does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace pgreeve::http {

// GET `path`; OK when the answer is 2xx. `address` is numeric; 0.0.0.0 and :: mean this machine.
// Blocks for at most `timeout`. Errors: kUnavailable with the reason or the answer's body.
absl::Status Probe(std::string address,
                   uint16_t port,
                   std::string_view path,
                   absl::Duration timeout = absl::Seconds(3));

}  // namespace pgreeve::http
