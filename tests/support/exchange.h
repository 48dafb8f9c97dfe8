// Test helpers for code that reads a byte stream: every way to cut one in two, and bytes written
// so that a reader sees where a field ends.
#pragma once

#include <string>
#include <string_view>

#include "router/base/status.h"

namespace pgreeve::test {

// "00000" when OK: a test then names what it expects in one word.
inline std::string SqlStateOf(const absl::Status& status) {
  return status.ok() ? "00000" : ToSqlError(status).sqlstate;
}

// A literal with its zero bytes.
template <std::size_t size>
std::string Raw(const char (&literal)[size]) {
  return std::string(literal, size - 1);
}

// Calls `check(head, tail)` with `bytes` cut at each place, both ends included.
template <class Check>
void AtEverySplit(std::string_view bytes, Check check) {
  for (std::size_t at = 0; at <= bytes.size(); at++)
    check(bytes.substr(0, at), bytes.substr(at));
}

}  // namespace pgreeve::test
