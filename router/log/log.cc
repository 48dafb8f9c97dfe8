#include "router/log/log.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <absl/time/clock.h>

#include "router/log/rate_limit.h"

namespace pgreeve::log {
namespace {

struct State {
  std::mutex mutex;
  Options options;
  RateLimit limit{Options{}.burst, Options{}.window};
  int fd = 2;
};

// Never destroyed: threads may log while the process ends.
State& TheState() {
  static auto* state = new State;
  return *state;
}

std::string_view ToString(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

// Length of the valid UTF-8 sequence at the start of `text`; 0: none. Log lines carry what clients
// send, and one bad byte must not spoil a line for its reader.
std::size_t Utf8Length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xc2 && first <= 0xdf ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80)
      return 0;
  }
  if (length == 3 && ((first == 0xe0 && at(1) < 0xa0) || (first == 0xed && at(1) >= 0xa0)))
    return 0;
  if (length == 4 && ((first == 0xf0 && at(1) < 0x90) || (first == 0xf4 && at(1) >= 0x90)))
    return 0;
  return length;
}

void AppendEscaped(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = Utf8Length(text.substr(i));
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else if (length == 0) {
      out += "\\ufffd";
    } else {
      out.append(text.substr(i, length));
      i += length;
      continue;
    }
    ++i;
  }
}

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  AppendEscaped(out, text);
  out += '"';
}

// logfmt quotes only what a reader could misread.
void AppendLogfmt(std::string& out, std::string_view text) {
  bool plain = !text.empty();
  for (const char c : text)
    plain = plain && c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  if (plain)
    out += text;
  else
    AppendQuoted(out, text);
}

void AppendReal(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  out.append(text, end.ptr);
}

class LineWriter {
 public:
  explicit LineWriter(Format format) : json_(format == Format::kJson) { line_ = json_ ? "{" : ""; }

  void Text(std::string_view name, std::string_view value) {
    Name(name);
    if (json_)
      AppendQuoted(line_, value);
    else
      AppendLogfmt(line_, value);
  }

  void Raw(std::string_view name, std::string_view value) {
    Name(name);
    line_ += value;
  }

  void Add(const Field& field) {
    switch (field.type) {
      case Field::Type::kText:
        return Text(field.name, field.text);
      case Field::Type::kSigned:
        return Raw(field.name, std::to_string(static_cast<int64_t>(field.number)));
      case Field::Type::kUnsigned:
        return Raw(field.name, std::to_string(field.number));
      case Field::Type::kBool:
        return Raw(field.name, field.number != 0 ? "true" : "false");
      case Field::Type::kDouble:
        Name(field.name);
        AppendReal(line_, field.real);
        return;
    }
  }

  std::string Take() {
    if (json_)
      line_ += '}';
    return std::move(line_);
  }

 private:
  void Name(std::string_view name) {
    if (line_.size() > (json_ ? 1u : 0u))
      line_ += json_ ? ',' : ' ';
    if (json_)
      AppendQuoted(line_, name);
    else
      line_ += name;
    line_ += json_ ? ':' : '=';
  }

  bool json_;
  std::string line_;
};

// A log that blocks or fails must not stop the process: what cannot be written is lost.
void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::string FormatLine(const Options& options,
                       absl::Time at,
                       Level level,
                       std::string_view event,
                       std::string_view message,
                       Fields fields,
                       uint64_t suppressed) {
  LineWriter line(options.format);
  line.Text("ts", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", at, absl::UTCTimeZone()));
  line.Text("level", ToString(level));
  line.Text("event", event);
  line.Text("msg", message);
  line.Text("component", options.component);
  if (!options.id.empty())
    line.Text(options.component == "router" ? "router_id" : options.component + "_id", options.id);
  for (const Field& field : fields)
    line.Add(field);
  if (suppressed > 0)
    line.Raw("suppressed", std::to_string(suppressed));
  return line.Take();
}

void Configure(Options options) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.limit = RateLimit(options.burst, options.window);
  state.options = std::move(options);
}

void WriteTo(int fd) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  state.fd = fd;
}

bool Enabled(Level level) {
  State& state = TheState();
  const std::lock_guard lock(state.mutex);
  return level >= state.options.level;
}

void Event(Level level, std::string_view event, std::string_view message, Fields fields) {
  State& state = TheState();
  const absl::Time now = absl::Now();
  const std::lock_guard lock(state.mutex);
  if (level < state.options.level)
    return;
  const std::optional<uint64_t> suppressed = state.limit.Admit(event, now);
  if (!suppressed.has_value())
    return;
  std::string line = FormatLine(state.options, now, level, event, message, fields, *suppressed);
  line += '\n';
  WriteAll(state.fd, line);
}

}  // namespace pgreeve::log
