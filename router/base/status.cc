#include "router/base/status.h"

#include <charconv>
#include <optional>

#include <absl/strings/cord.h>

namespace pgreeve {
namespace {

constexpr char kPrefix[] = "pgreeve/";

void Put(absl::Status& status, const std::string& field, std::string_view value) {
  if (!value.empty())
    status.SetPayload(kPrefix + field, absl::Cord(std::string(value)));
}

std::string Take(const absl::Status& status, const std::string& field) {
  const auto cord = status.GetPayload(kPrefix + field);
  return cord ? std::string(*cord) : std::string();
}

absl::StatusCode CodeOf(std::string_view sqlstate) {
  const std::string_view cls = sqlstate.substr(0, 2);
  if (cls == "08" || cls == "57" || cls == "53")
    return absl::StatusCode::kUnavailable;
  if (cls == "0A")
    return absl::StatusCode::kUnimplemented;
  if (cls == "28" || sqlstate == "42501")
    return absl::StatusCode::kPermissionDenied;
  if (cls == "XX")
    return absl::StatusCode::kInternal;
  return absl::StatusCode::kInvalidArgument;
}

}  // namespace

absl::Status SqlStatus(std::string_view sqlstate,
                       std::string_view message,
                       std::string_view detail,
                       std::string_view hint) {
  absl::Status status(CodeOf(sqlstate), std::string(message));
  Put(status, "sqlstate", sqlstate);
  Put(status, "detail", detail);
  Put(status, "hint", hint);
  return status;
}

absl::Status ToStatus(const SqlError& error) {
  absl::Status status = SqlStatus(error.sqlstate, error.message, error.detail, error.hint);
  if (error.position > 0)
    Put(status, "position", std::to_string(error.position));
  return status;
}

SqlError ToSqlError(const absl::Status& status) {
  SqlError error;
  error.message = std::string(status.message());
  error.sqlstate = Take(status, "sqlstate");
  error.detail = Take(status, "detail");
  error.hint = Take(status, "hint");
  const std::string position = Take(status, "position");
  std::from_chars(position.data(), position.data() + position.size(), error.position);
  if (error.sqlstate.empty()) {
    switch (status.code()) {
      case absl::StatusCode::kUnavailable:
        error.sqlstate = "08006";
        break;
      case absl::StatusCode::kDeadlineExceeded:
      case absl::StatusCode::kCancelled:
        error.sqlstate = "57014";
        break;
      default:
        error.sqlstate = "XX000";
    }
  }
  return error;
}

}  // namespace pgreeve
