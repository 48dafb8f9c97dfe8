// Reads and prints single values of settings. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>

#include "config/settings_table.h"

namespace pgreeve::config {

// kText, kSecret, kChoice → string; kList; kInteger, kBytes, kDuration (microseconds); kBool.
using Value = std::variant<std::string, std::vector<std::string>, int64_t, bool>;

// "200ms" → 200000 microseconds. Errors: the unit is missing or unknown, out of range.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);
// "64MB" → 67108864.
absl::StatusOr<int64_t> ParseBytes(std::string_view text);

// The shortest exact form: "1500ms", "5s", "64MB".
std::string PrintDuration(int64_t microseconds);
std::string PrintBytes(int64_t bytes);

// Reads a value given as text (default values); numbers and lists as in the file.
absl::StatusOr<Value> ParseText(const Setting& setting, std::string_view text);
// Range and choice. Errors: "must be 1..10000 (got 0)".
absl::Status Check(const Setting& setting, const Value& value);

void Store(const Setting& setting, const Value& value, const Place& place);
Value Fetch(const Setting& setting, const Place& place);
// For people: without quotes; secrets as "(set)" or "".
std::string Print(const Setting& setting, const Value& value);
// As TOML.
std::string PrintToml(const Setting& setting, const Value& value);
// "1..10000 backends", "json|logfmt".
std::string PrintRange(const Setting& setting);
std::string_view TypeName(Type type);

}  // namespace pgreeve::config
