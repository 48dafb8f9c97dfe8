// What a libpq connection string names. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

namespace pgreeve::cli {

struct DsnParts {
  std::string host;  // the first one; hostaddr wins; empty: the local socket
  uint16_t port = 5432;
  std::string database;
};

// Reads a URL or key=value string without connecting. Errors: 22023.
absl::StatusOr<DsnParts> ReadDsn(const std::string& dsn);

}  // namespace pgreeve::cli
