#include "router/sql/lexer.h"

#include <cstring>

#include "router/base/stable_hash.h"
#include "router/sql/byte_class.h"

namespace pgreeve::sql {
namespace {

// Bytes that stand for a literal in the key; none can begin a token of SQL.
char Marker(LiteralKind kind) {
  return static_cast<char>(1 + static_cast<int>(kind));
}

// Frames the text of a literal that was cut out before its cast to a reg* type was seen.
constexpr char kLateLiteral = 15;

// Texts with hints are shapes of their own.
constexpr char kHintMark = 16;
constexpr char kMisplacedHintMark = 17;

class Lexer {
 public:
  Lexer(std::string_view sql, bool conforming, LexedText& out)
      : at_(sql.data()),
        begin_(sql.data()),
        end_(sql.data() + sql.size()),
        conforming_(conforming),
        out_(out) {
    // A blank is written only where a blank or a comment was; a late literal once more.
    const std::size_t room = sql.size() * 2 + 64;
    if (out.buffer.size() < room)
      out.buffer.resize(room);
    key_ = out.buffer.data();
    out.literals.clear();
    out.statements = 0;
    out.literal_utility = false;
    out.only_queries = true;
    out.hint = {};
    out.hint_misplaced = false;
  }

  void Run() {
    while (at_ < end_)
      Step();
    out_.key_size = static_cast<std::size_t>(key_ - out_.buffer.data());
  }

 private:
  // What the last token was, as far as the next one cares.
  enum class Last : uint8_t { kNone, kToken, kBy, kLimit, kComma, kLiteral, kCast, kKeeper };

  void Step() {
    switch (ClassOf(*at_)) {
      case kSpace:
        ++at_;
        gap_ = true;
        return;
      case kWord:
        return Word();
      case kDigit:
        return Number();
      case kQuote:
        return String(at_, LiteralKind::kString, !conforming_);
      case kDoubleQuote:
        return QuotedIdentifier(at_);
      case kDollarSign:
        return Dollar();
      case kMinus:
        if (Peek(1) == '-')
          return LineComment();
        return Operator();
      case kSlash:
        if (Peek(1) == '*')
          return BlockComment();
        return Operator();
      case kSemicolon:
        return Semicolon();
      case kOpen:
      case kClose:
        return Parenthesis();
      case kDot:
        if (Peek(1) == '.') {  // as in a[1..2]
          Operator();
          return Operator();
        }
        if (IsDigit(Peek(1)))
          return Number();
        return Operator();
      case kComma:
        StartToken();
        *key_++ = *at_++;
        last_ = Last::kComma;
        last_wordy_ = last_operator_ = false;
        return;
      case kOperator:
      case kOther:
        return Operator();
    }
  }

  char Peek(std::ptrdiff_t n) const { return end_ - at_ > n ? at_[n] : '\0'; }

  void StartToken() {
    if (!in_statement_) {
      in_statement_ = true;
      ++out_.statements;
    }
  }

  void Blank() {
    if (gap_)
      *key_++ = ' ';
    gap_ = false;
  }

  void Operator() {
    StartToken();
    if (last_operator_)
      Blank();
    gap_ = false;
    last_ = *at_ == ':' && last_ == Last::kLiteral ? Last::kLiteral : Last::kToken;
    if (*at_ == ':' && last_ == Last::kLiteral && key_[-1] == ':')
      last_ = Last::kCast;
    *key_++ = *at_++;
    last_operator_ = true;
    last_wordy_ = false;
  }

  void Parenthesis() {
    const bool first = !in_statement_;
    StartToken();
    const char c = *at_++;
    *key_++ = c;
    if (c == '(') {
      ++depth_;
      if (last_ == Last::kKeeper && keep_depth_ == 0)
        keep_depth_ = depth_;
      // A parenthesis before the first word does not hide it.
      if (first)
        head_pending_ = true;
    } else {
      if (keep_depth_ == depth_)
        keep_depth_ = 0;
      if (by_depth_ == depth_)
        by_depth_ = -1;
      --depth_;
    }
    gap_ = false;
    last_ = Last::kToken;
    last_operator_ = last_wordy_ = false;
  }

  void Semicolon() {
    ++at_;
    *key_++ = ';';
    in_statement_ = false;
    head_pending_ = true;
    keep_all_ = false;
    depth_ = 0;
    keep_depth_ = 0;
    by_depth_ = -1;
    gap_ = last_operator_ = last_wordy_ = false;
    last_ = Last::kNone;
  }

  void Word() {
    if (Prefixed())
      return;
    StartToken();
    if (last_wordy_)
      Blank();
    gap_ = false;
    char* to = key_;
    while (at_ < end_ && Continues(*at_))
      *to++ = kTables.lower[static_cast<unsigned char>(*at_++)];
    const std::string_view word(key_, static_cast<std::size_t>(to - key_));
    key_ = to;
    last_wordy_ = true;
    last_operator_ = false;
    if (last_ == Last::kCast && word.starts_with("reg"))
      KeepLate();
    last_ = Last::kToken;
    if (head_pending_)
      Head(word);
    Keyword(word);
  }

  void Head(std::string_view word) {
    head_pending_ = false;
    const bool query = word == "select" || word == "insert" || word == "update" ||
                       word == "delete" || word == "with" || word == "values" || word == "table" ||
                       word == "merge";
    keep_all_ = !query;
    if (!query)
      out_.only_queries = false;
  }

  void Keyword(std::string_view word) {
    switch (word.size()) {
      case 2:
        if (word == "by") {
          last_ = Last::kBy;
          by_depth_ = depth_;
        }
        return;
      case 5:
        if (word == "limit") {
          last_ = Last::kLimit;
          by_depth_ = -1;
        }
        return;
      case 6:
        if (word == "setval")
          last_ = Last::kKeeper;
        return;
      case 7:
        if (word == "nextval" || word == "currval")
          last_ = Last::kKeeper;
        return;
      case 10:
        if (word == "set_config")
          last_ = Last::kKeeper;
        return;
      case 11:
        if (word == "to_regclass")
          last_ = Last::kKeeper;
        return;
      default:
        return;
    }
  }

  // e'…' b'…' x'…' n'…' u&'…' u&"…": true when it was one.
  bool Prefixed() {
    const char next = Peek(1);
    if (next != '\'' && next != '&')
      return false;
    const char* from = at_;
    switch (Lower(*at_)) {
      case 'e':
      case 'b':
      case 'x':
      case 'n':
        if (next != '\'')
          return false;
        ++at_;
        if (Lower(*from) == 'e')
          String(from, LiteralKind::kEscape, true);
        else if (Lower(*from) == 'n')
          String(from, LiteralKind::kNational, !conforming_);
        else
          String(from, LiteralKind::kBits, false);
        return true;
      case 'u':
        if (next != '&' || (Peek(2) != '\'' && Peek(2) != '"'))
          return false;
        at_ += 2;
        if (*at_ == '\'')
          String(from, LiteralKind::kUnicode, false);
        else
          QuotedIdentifier(from);
        return true;
      default:
        return false;
    }
  }

  // `from` is the first byte of the token (a prefix perhaps); at_ is on the opening quote.
  void QuotedIdentifier(const char* from) {
    StartToken();
    if (last_wordy_)
      Blank();
    gap_ = false;
    ++at_;
    while (at_ < end_) {
      if (*at_++ != '"')
        continue;
      if (at_ < end_ && *at_ == '"')
        ++at_;
      else
        break;
    }
    Copy(from);
    if (head_pending_)
      Head({});
    last_ = Last::kToken;
    last_wordy_ = true;
    last_operator_ = false;
  }

  void Copy(const char* from) {
    const auto n = static_cast<std::size_t>(at_ - from);
    std::memcpy(key_, from, n);
    key_ += n;
  }

  void String(const char* from, LiteralKind kind, bool backslashes) {
    if (backslashes && kind == LiteralKind::kString)
      kind = LiteralKind::kEscape;
    do {
      ++at_;
      while (at_ < end_) {
        const char c = *at_++;
        if (c == '\\' && backslashes && at_ < end_)
          ++at_;
        if (c != '\'')
          continue;
        if (at_ < end_ && *at_ == '\'')
          ++at_;
        else
          break;
      }
    } while (Continued());
    Add(from, kind);
  }

  // Whether another quoted part follows behind blanks with a newline; then at_ is on its quote.
  bool Continued() {
    bool newline = false;
    for (const char* p = at_; p < end_; ++p) {
      if (*p == '\n' || *p == '\r') {
        newline = true;
      } else if (*p == '-' && p + 1 < end_ && p[1] == '-') {
        while (p + 1 < end_ && p[1] != '\n' && p[1] != '\r')
          ++p;
      } else if (*p == '\'' && newline) {
        at_ = p;
        return true;
      } else if (ClassOf(*p) != kSpace) {
        return false;
      }
    }
    return false;
  }

  void Number() {
    const char* from = at_;
    LiteralKind kind = LiteralKind::kInteger;
    while (IsDigit(Peek(0)))
      ++at_;
    if (Peek(0) == '.' && !(at_ > from && Peek(1) == '.')) {
      kind = LiteralKind::kNumeric;
      ++at_;
      while (IsDigit(Peek(0)))
        ++at_;
    }
    if (Lower(Peek(0)) == 'e') {
      const std::ptrdiff_t sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
      if (IsDigit(Peek(1 + sign))) {
        kind = LiteralKind::kNumeric;
        at_ += 1 + sign;
        while (IsDigit(Peek(0)))
          ++at_;
      }
    }
    Add(from, kind);
  }

  void Dollar() {
    if (IsDigit(Peek(1))) {
      StartToken();
      if (last_wordy_)
        Blank();
      gap_ = false;
      const char* from = at_++;
      while (IsDigit(Peek(0)))
        ++at_;
      Copy(from);
      last_ = Last::kToken;
      last_wordy_ = true;
      last_operator_ = false;
      return;
    }
    const char* tag = at_ + 1;
    while (tag < end_ && *tag != '$' && Continues(*tag))
      ++tag;
    if (tag == end_ || *tag != '$')
      return Operator();
    const std::string_view delimiter(at_, static_cast<std::size_t>(tag + 1 - at_));
    const std::string_view rest(tag + 1, static_cast<std::size_t>(end_ - tag - 1));
    const std::size_t found = rest.find(delimiter);
    const char* from = at_;
    at_ = found == std::string_view::npos ? end_ : rest.data() + found + delimiter.size();
    Add(from, LiteralKind::kDollar);
  }

  void Add(const char* from, LiteralKind kind) {
    StartToken();
    if (head_pending_)
      Head({});
    out_.literals.push_back(
        {static_cast<uint32_t>(from - begin_), static_cast<uint32_t>(at_ - from), kind});
    if (Keeps(kind)) {
      if (last_wordy_ || gap_)
        *key_++ = ' ';
      Copy(from);
      last_wordy_ = true;
    } else {
      *key_++ = Marker(kind);
      last_wordy_ = false;
    }
    gap_ = last_operator_ = false;
    last_ = Last::kLiteral;
  }

  bool Keeps(LiteralKind kind) {
    if (keep_all_) {
      out_.literal_utility = true;
      return true;
    }
    if (keep_depth_ != 0 && kind != LiteralKind::kInteger)
      return true;
    if (kind != LiteralKind::kInteger)
      return false;
    return last_ == Last::kBy || last_ == Last::kLimit ||
           (last_ == Last::kComma && by_depth_ == depth_);
  }

  // The literal in front of a cast to a reg* type names something: it joins the key after all.
  void KeepLate() {
    const Literal& literal = out_.literals.back();
    if (late_ == out_.literals.size())
      return;
    late_ = out_.literals.size();
    *key_++ = kLateLiteral;
    std::memcpy(key_, begin_ + literal.offset, literal.length);
    key_ += literal.length;
    *key_++ = kLateLiteral;
  }

  void LineComment() {
    while (at_ < end_ && *at_ != '\n' && *at_ != '\r')
      ++at_;
    gap_ = true;
  }

  void BlockComment() {
    const char* from = at_ + 2;
    at_ += 2;
    int depth = 1;
    while (at_ < end_ && depth > 0) {
      const char next = Peek(1);
      if (*at_ == '/' && next == '*') {
        ++depth;
        at_ += 2;
      } else if (*at_ == '*' && next == '/') {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    }
    gap_ = true;
    if (depth == 0)
      Hint({from, static_cast<std::size_t>(at_ - 2 - from)});
  }

  void Hint(std::string_view comment) {
    const std::size_t start = comment.find_first_not_of(" \t\r\n");
    constexpr std::string_view kPrefix = "pgreeve:";
    if (start == std::string_view::npos || !comment.substr(start).starts_with(kPrefix))
      return;
    const bool misplaced = out_.statements > 0 || out_.hint.data() != nullptr;
    *key_++ = misplaced ? kMisplacedHintMark : kHintMark;
    if (misplaced)
      out_.hint_misplaced = true;
    else
      out_.hint = comment.substr(start + kPrefix.size());
  }

  const char* at_;
  const char* begin_;
  const char* end_;
  char* key_ = nullptr;
  bool conforming_;
  bool gap_ = false;            // blanks or comments since the last token
  bool last_wordy_ = false;     // the last token would merge with a word
  bool last_operator_ = false;  // … with an operator
  bool in_statement_ = false;
  bool head_pending_ = true;  // the first word of the statement is still to come
  bool keep_all_ = false;     // literals of this statement stay
  int depth_ = 0;
  int keep_depth_ = 0;  // inside the arguments of nextval and the like; 0: no
  int by_depth_ = -1;   // inside an ORDER BY or GROUP BY list at this depth
  std::size_t late_ = 0;
  Last last_ = Last::kNone;
  LexedText& out_;
};

}  // namespace

void Lex(std::string_view sql, bool standard_conforming_strings, uint64_t seed, LexedText& out) {
  Lexer lexer(sql, standard_conforming_strings, out);
  lexer.Run();
  out.hash = StableHash64(out.key(), seed);
}

std::optional<std::string> LiteralValue(std::string_view sql, const Literal& literal) {
  std::string_view text = sql.substr(literal.offset, literal.length);
  switch (literal.kind) {
    case LiteralKind::kInteger:
    case LiteralKind::kNumeric:
      return std::string(text);
    case LiteralKind::kBits:
    case LiteralKind::kUnicode:
      return std::nullopt;
    case LiteralKind::kDollar: {
      const std::size_t tag = text.find('$', 1);
      if (tag == std::string_view::npos || text.size() < 2 * (tag + 1))
        return std::nullopt;
      return std::string(text.substr(tag + 1, text.size() - 2 * (tag + 1)));
    }
    case LiteralKind::kEscape:
      if (text.find('\\') != std::string_view::npos)
        return std::nullopt;
      break;
    case LiteralKind::kString:
    case LiteralKind::kNational:
      break;
  }
  std::string value;
  text.remove_prefix(text.find('\''));
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-' && !inside)
      return std::nullopt;  // a comment between the parts of a continued string
    if (text[i] != '\'') {
      if (inside)
        value.push_back(text[i]);
    } else if (inside && i + 1 < text.size() && text[i + 1] == '\'') {
      value.push_back('\'');
      ++i;
    } else {
      inside = !inside;
    }
  }
  if (inside)
    return std::nullopt;
  return value;
}

}  // namespace pgreeve::sql
