#include "router/plan/hint.h"

#include <algorithm>

namespace pgreeve::plan {
namespace {

constexpr std::string_view kSeparators = " \t\r\n,;";

// Takes a value from the front of `rest`: quoted, or up to a separator.
std::string TakeValue(std::string_view& rest, bool& closed) {
  closed = true;
  std::string value;
  if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) {
    const std::size_t end = std::min(rest.find_first_of(kSeparators), rest.size());
    value = rest.substr(0, end);
    rest.remove_prefix(end);
    return value;
  }
  const char quote = rest.front();
  rest.remove_prefix(1);
  closed = false;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != quote) {
      value += c;
    } else if (!rest.empty() && rest.front() == quote) {
      value += quote;
      rest.remove_prefix(1);
    } else {
      closed = true;
      break;
    }
  }
  return value;
}

}  // namespace

Hint ParseHint(std::string_view comment) {
  Hint hint;
  while (true) {
    const std::size_t start = comment.find_first_not_of(kSeparators);
    if (start == std::string_view::npos)
      break;
    comment.remove_prefix(start);
    const std::size_t end = comment.find_first_of("= \t\r\n,;");
    const std::string_view key = comment.substr(0, end);
    const std::size_t equals =
        end == std::string_view::npos ? end : comment.find_first_not_of(" \t\r\n", end);
    if (key != "tenant" || !hint.tenant.empty() || equals == std::string_view::npos ||
        comment[equals] != '=') {
      hint.unknown = key.empty() ? "=" : key;
      return hint;
    }
    comment.remove_prefix(equals + 1);
    const std::size_t value = comment.find_first_not_of(" \t\r\n");
    comment.remove_prefix(value == std::string_view::npos ? comment.size() : value);
    bool closed = true;
    hint.tenant = TakeValue(comment, closed);
    if (!closed || hint.tenant.empty()) {
      hint.unknown = "tenant=";
      return hint;
    }
  }
  if (hint.tenant.empty())
    hint.unknown = "(empty)";
  return hint;
}

}  // namespace pgreeve::plan
