// Reads the comma-separated `x=value` attributes of a SCRAM message. Like MessageReader it never
// reads past its end, and after the first attribute that is not there ok() stays false.
// Pure; any thread. Source: RFC 5802 §7 "Formal Syntax".
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pgreeve::auth {

// Postgres' limit for what a client sends; more than any honest message needs.
constexpr std::size_t kScramMessageBytesMax = 1024;

class ScramAttributes {
 public:
  explicit ScramAttributes(std::string_view message) : rest_(message) {}

  bool ok() const { return ok_; }

  bool done() const { return ok_ && at_end_; }

  // The value of the next attribute, which must be called `name`.
  std::string_view Take(char name) {
    if (at_end_ || rest_.size() < 2 || rest_[0] != name || rest_[1] != '=') {
      ok_ = false;
      at_end_ = true;
      return {};
    }
    const std::size_t comma = rest_.find(',');
    const std::string_view value = rest_.substr(2, comma == rest_.npos ? comma : comma - 2);
    at_end_ = comma == rest_.npos;
    rest_.remove_prefix(at_end_ ? rest_.size() : comma + 1);
    return value;
  }

  // The letter of the next attribute; 0 at the end.
  char Next() const { return at_end_ || rest_.empty() ? '\0' : rest_[0]; }

  // Bytes that have not been taken.
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
  bool at_end_ = false;
};

// RFC 5802's `printable`: what a nonce is made of.
inline bool IsScramPrintable(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

}  // namespace pgreeve::auth
