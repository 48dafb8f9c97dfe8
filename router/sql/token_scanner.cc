#include "router/sql/token_scanner.h"

namespace pgreeve::sql {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool IsWord(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' ||
         u == '$' || u >= 128;
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

void TokenScanner::SkipBlanks() {
  while (at_ < sql_.size()) {
    if (IsBlank(sql_[at_])) {
      ++at_;
    } else if (sql_.substr(at_, 2) == "--") {
      while (at_ < sql_.size() && sql_[at_] != '\n' && sql_[at_] != '\r')
        ++at_;
    } else if (sql_.substr(at_, 2) == "/*") {
      int depth = 0;
      do {
        const std::string_view two = sql_.substr(at_, 2);
        depth += two == "/*" ? 1 : two == "*/" ? -1 : 0;
        at_ += two == "/*" || two == "*/" ? 2 : 1;
      } while (depth > 0 && at_ < sql_.size());
    } else {
      return;
    }
  }
}

void TokenScanner::Quoted(char quote, bool backslashes) {
  ++at_;
  while (at_ < sql_.size()) {
    const char c = sql_[at_++];
    if (c == '\\' && backslashes && at_ < sql_.size()) {
      ++at_;
    } else if (c == quote) {
      if (at_ >= sql_.size() || sql_[at_] != quote)
        return;
      ++at_;
    }
  }
}

Token TokenScanner::Next() {
  SkipBlanks();
  Token token{at_, at_};
  if (at_ >= sql_.size())
    return token;
  const char c = sql_[at_];
  if (c == '"' || c == '\'') {
    Quoted(c, false);
  } else if (c == '$') {
    const std::size_t tag = sql_.find('$', at_ + 1);
    const std::string_view delimiter =
        tag == std::string_view::npos ? std::string_view() : sql_.substr(at_, tag + 1 - at_);
    bool word = !delimiter.empty();
    for (std::size_t i = 1; i + 1 < delimiter.size(); ++i)
      word =
          word && IsWord(delimiter[i]) && !(i == 1 && delimiter[i] >= '0' && delimiter[i] <= '9');
    const std::size_t close = word ? sql_.find(delimiter, tag + 1) : std::string_view::npos;
    if (close != std::string_view::npos) {
      at_ = static_cast<uint32_t>(close + delimiter.size());
    } else {
      while (at_ < sql_.size() && IsWord(sql_[at_]))
        ++at_;
    }
  } else if (IsWord(c)) {
    while (at_ < sql_.size() && IsWord(sql_[at_]))
      ++at_;
    const bool one = at_ - token.begin == 1;
    if (one && at_ < sql_.size() && sql_[at_] == '\'')
      Quoted('\'', Lower(c) == 'e');
    else if (one && Lower(c) == 'u' && at_ + 1 < sql_.size() && sql_[at_] == '&' &&
             (sql_[at_ + 1] == '"' || sql_[at_ + 1] == '\''))
      Quoted(sql_[++at_], false);
  } else {
    ++at_;
  }
  token.end = at_;
  return token;
}

uint32_t TokenScanner::Peek() {
  SkipBlanks();
  return at_;
}

void TokenScanner::SkipParentheses() {
  if (Peek() >= sql_.size() || sql_[at_] != '(')
    return;
  int depth = 0;
  while (true) {
    const Token token = Next();
    if (token.empty())
      return;
    depth += sql_[token.begin] == '(' ? 1 : sql_[token.begin] == ')' ? -1 : 0;
    if (depth == 0)
      return;
  }
}

bool TokenScanner::Accept(std::string_view lower_case_word) {
  const uint32_t before = at_;
  const Token token = Next();
  bool same = token.end - token.begin == lower_case_word.size();
  for (std::size_t i = 0; same && i < lower_case_word.size(); ++i)
    same = Lower(sql_[token.begin + i]) == lower_case_word[i];
  if (!same)
    at_ = before;
  return same;
}

void TokenScanner::SkipQualifiedName() {
  Next();
  while (Peek() < sql_.size() && sql_[at_] == '.') {
    ++at_;
    Next();
  }
}

Slice Trim(std::string_view sql, int location, int length) {
  const auto start = static_cast<uint32_t>(location < 0 ? 0 : location);
  const std::size_t end_of_text = sql.size();
  std::size_t end = length <= 0 ? end_of_text : start + static_cast<std::size_t>(length);
  if (end > end_of_text)
    end = end_of_text;
  TokenScanner scanner(sql, start);
  const uint32_t begin = scanner.Peek();
  while (end > begin && (IsBlank(sql[end - 1]) || sql[end - 1] == ';'))
    --end;
  return {begin, static_cast<uint32_t>(end > begin ? end - begin : 0)};
}

}  // namespace pgreeve::sql
