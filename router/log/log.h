// The structured log of the process: JSON lines or logfmt on standard error (or a file), one event
// a line. Any thread; a line is written under a short mutex. Never call it on the path of a
// query: it is for logins, changes, failures.
//
//   log::Info("login_failed", "password does not match", {{"user", user}, {"conn_id", id}});
//
// `event` is a stable snake_case id that people filter by; field names are those of docs/logs.md.
// Repeated events of one id are limited (RateLimit); what was left out is told by suppressed=n.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include <absl/time/time.h>

namespace pgreeve::log {

enum class Level : uint8_t { kDebug, kInfo, kWarning, kError };
enum class Format : uint8_t { kJson, kLogfmt };

// A name and a value that lives as long as the call.
class Field {
 public:
  enum class Type : uint8_t { kText, kSigned, kUnsigned, kDouble, kBool };

  Field(std::string_view key, std::string_view value) : name(key), type(Type::kText), text(value) {}

  Field(std::string_view key, const char* value) : Field(key, std::string_view(value)) {}

  Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}

  // In seconds; the name ends in _s.
  Field(std::string_view key, absl::Duration value)
      : name(key),
        type(Type::kDouble),
        real(absl::ToDoubleSeconds(value)) {}

  Field(std::string_view key, bool value) : name(key), type(Type::kBool), number(value ? 1 : 0) {}

  Field(std::string_view key, double value) : name(key), type(Type::kDouble), real(value) {}

  template <class T>

  requires std::is_integral_v<T> Field(std::string_view key, T value)
      : name(key),
        type(std::is_signed_v<T> ? Type::kSigned : Type::kUnsigned),
        number(static_cast<uint64_t>(value)) {}

  std::string_view name;
  Type type;
  std::string_view text;
  uint64_t number = 0;
  double real = 0;
};

using Fields = std::initializer_list<Field>;

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kJson;
  std::string component = "router";  // router, rebalancer, ctl
  std::string id;                    // router_id or rebalancer_id; empty: left out
  // Per event id: this many lines in each window, the rest counted.
  int burst = 20;
  absl::Duration window = absl::Seconds(10);
};

// Sets the options of the process' log; before the first thread starts, and on reload.
void Configure(Options options);

// Writes to this descriptor from now on (2 at start). Not closed by the log.
void WriteTo(int fd);

bool Enabled(Level level);

void Event(Level level, std::string_view event, std::string_view message, Fields fields = {});

inline void Debug(std::string_view event, std::string_view message, Fields fields = {}) {
  Event(Level::kDebug, event, message, fields);
}

inline void Info(std::string_view event, std::string_view message, Fields fields = {}) {
  Event(Level::kInfo, event, message, fields);
}

inline void Warning(std::string_view event, std::string_view message, Fields fields = {}) {
  Event(Level::kWarning, event, message, fields);
}

inline void Error(std::string_view event, std::string_view message, Fields fields = {}) {
  Event(Level::kError, event, message, fields);
}

// One line without its end, as Event writes it. Pure; for tests and other writers.
std::string FormatLine(const Options& options,
                       absl::Time at,
                       Level level,
                       std::string_view event,
                       std::string_view message,
                       Fields fields,
                       uint64_t suppressed);

}  // namespace pgreeve::log
