// The one table of settings: name, type, unit, default, range, what a reload does, help text, and
// where the value lives. Everything else (loading, --check-config, reload, the reference page, the
// defaults file) walks this table. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/time/time.h>

#include "config/settings.h"

namespace pgreeve::config {

enum class Type : uint8_t {
  kText,
  kSecret,    // "env:NAME", "file:/path" or the text itself; never printed
  kList,      // of texts
  kInteger,   // `unit` says of what
  kBytes,     // 65536, "64kB", "64MB", "1GB"; 1 kB is 1024 bytes, as in Postgres
  kDuration,  // "200ms", "5s", "10min", "1h", "1d"; kept in microseconds
  kBool,
  kChoice,
};

enum class Reload : uint8_t { kNow, kRestart };

struct Setting {
  std::string_view name;  // "section.key"
  Type type = Type::kText;
  std::string_view unit;           // kInteger only
  std::string_view default_value;  // as in the file, texts without quotes, lists with brackets
  int64_t min = 0;                 // kInteger, kBytes, kDuration
  int64_t max = 0;
  std::vector<std::string_view> choices;  // kChoice, in the order of the enum
  Reload reload = Reload::kRestart;
  std::string_view help;
};

// Where a value lives in the structs; uint8_t stands for an enum.
using Place = std::
    variant<std::string*, std::vector<std::string>*, int64_t*, absl::Duration*, bool*, uint8_t*>;

template <class S>
struct Row {
  Setting setting;
  Place (*place)(S&);
};

const std::vector<Row<RouterSettings>>& RouterTable();
const std::vector<Row<RebalancerSettings>>& RebalancerTable();

}  // namespace pgreeve::config
