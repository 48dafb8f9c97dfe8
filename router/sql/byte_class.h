// What a byte means to the lexer, by PostgreSQL's scan.l. Internal to the lexer.
#pragma once

#include <array>
#include <cstdint>

namespace pgreeve::sql {

// What a byte begins.
enum Class : uint8_t {
  kOther,
  kSpace,
  kWord,
  kDigit,
  kQuote,
  kDoubleQuote,
  kDollarSign,
  kMinus,
  kSlash,
  kSemicolon,
  kOpen,
  kClose,
  kDot,
  kOperator,
  kComma,
};

constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool Letter(unsigned c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 128;
}

struct Tables {
  std::array<Class, 256> begins{};
  std::array<bool, 256> continues{};  // of an identifier
  std::array<char, 256> lower{};

  constexpr Tables() {
    for (unsigned c = 0; c < 256; ++c) {
      lower[c] = Lower(static_cast<char>(c));
      continues[c] = Letter(c) || (c >= '0' && c <= '9') || c == '$';
      if (Letter(c))
        begins[c] = kWord;
      else if (c >= '0' && c <= '9')
        begins[c] = kDigit;
    }
    for (const char c : {' ', '\t', '\n', '\r', '\f', '\v'})
      begins[static_cast<unsigned char>(c)] = kSpace;
    for (const char c :
         {'~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '*', '%', '<', '>', '=', ':'})
      begins[static_cast<unsigned char>(c)] = kOperator;
    begins['\''] = kQuote;
    begins['"'] = kDoubleQuote;
    begins['$'] = kDollarSign;
    begins['-'] = kMinus;
    begins['/'] = kSlash;
    begins[';'] = kSemicolon;
    begins['('] = kOpen;
    begins[')'] = kClose;
    begins['.'] = kDot;
    begins[','] = kComma;
  }
};

inline constexpr Tables kTables;

inline Class ClassOf(char c) {
  return kTables.begins[static_cast<unsigned char>(c)];
}

inline bool Continues(char c) {
  return kTables.continues[static_cast<unsigned char>(c)];
}

inline bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace pgreeve::sql
