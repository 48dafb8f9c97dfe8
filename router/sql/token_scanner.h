// Walks the tokens of a statement where their places in the text are needed (to cut a part out, to
// splice a text). Not for the hot path: that is lexer.h. Value; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgreeve::sql {

struct Token {
  uint32_t begin = 0;
  uint32_t end = 0;

  bool empty() const { return begin == end; }
};

class TokenScanner {
 public:
  // Strings are read with standard_conforming_strings on.
  TokenScanner(std::string_view sql, uint32_t begin) : sql_(sql), at_(begin) {}

  // Skips blanks and comments, then takes a word, a quoted identifier or string (prefix included),
  // or one other byte. Empty at the end.
  Token Next();

  // Where the next token begins.
  uint32_t Peek();

  // Behind the parenthesis that closes the one that comes next. Stays when none comes next.
  void SkipParentheses();

  // Takes the next token when it is this word, in any case.
  bool Accept(std::string_view lower_case_word);

  // a, a.b, a.b.c
  void SkipQualifiedName();

  uint32_t at() const { return at_; }

 private:
  void SkipBlanks();
  void Quoted(char quote, bool backslashes);

  std::string_view sql_;
  uint32_t at_;
};

// The statement without blanks, comments and semicolons around it.
struct Slice {
  uint32_t begin = 0;
  uint32_t length = 0;
};

// `length` 0: to the end of the text, as RawStmt has it.
Slice Trim(std::string_view sql, int location, int length);

}  // namespace pgreeve::sql
