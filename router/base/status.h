// Errors as values: absl::Status with what a Postgres client wants to know beside it. Factories
// take std::string_view (Debian's absl::string_view is another type). Any thread.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace pgreeve {

// What ErrorResponse carries, minus the severity. `position` counts characters from 1; 0 = none.
struct SqlError {
  std::string sqlstate = "XX000";
  std::string message = {};
  std::string detail = {};
  std::string hint = {};
  int position = 0;
};

// A status that remembers SQLSTATE, DETAIL and HINT as payloads. Never OK.
absl::Status SqlStatus(std::string_view sqlstate,
                       std::string_view message,
                       std::string_view detail = "",
                       std::string_view hint = "");
absl::Status ToStatus(const SqlError& error);

// The reverse; a status without payload becomes XX000 (08006 when kUnavailable, 57014 when
// kDeadlineExceeded or kCancelled). `status` must not be OK.
SqlError ToSqlError(const absl::Status& status);

}  // namespace pgreeve
