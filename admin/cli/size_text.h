// Sizes as people write them. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/status/statusor.h>

namespace pgreeve::cli {

// "512", "64kB", "1.5 GB", as in postgresql.conf: units B, kB, MB, GB, TB of 1024, in any case.
// Errors: 22023.
absl::StatusOr<int64_t> ParseSize(std::string_view text);

}  // namespace pgreeve::cli
