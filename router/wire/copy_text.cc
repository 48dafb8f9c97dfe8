#include "router/wire/copy_text.h"

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/wire/utf8.h"

namespace pgreeve::wire {
namespace {

bool IsOctal(char c) {
  return c >= '0' && c <= '7';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// Walks over one line.
class Cursor {
 public:
  explicit Cursor(std::string_view line) : line_(line) {}

  bool AtEnd() const { return at_ == line_.size(); }

  char Peek() const { return line_[at_]; }

  char Take() { return line_[at_++]; }

  std::size_t position() const { return at_; }

  std::string_view Between(std::size_t from, std::size_t to) const {
    return line_.substr(from, to - from);
  }

 private:
  std::string_view line_;
  std::size_t at_ = 0;
};

char TakeOctal(Cursor& cursor, char first) {
  int value = first - '0';
  for (int digits = 1; digits < 3 && !cursor.AtEnd() && IsOctal(cursor.Peek()); digits++)
    value = value * 8 + (cursor.Take() - '0');
  return static_cast<char>(value & 0xff);
}

// `\x` without a digit behind it is an x.
char TakeHex(Cursor& cursor) {
  if (cursor.AtEnd() || HexValue(cursor.Peek()) < 0)
    return 'x';
  int value = HexValue(cursor.Take());
  if (!cursor.AtEnd() && HexValue(cursor.Peek()) >= 0)
    value = value * 16 + HexValue(cursor.Take());
  return static_cast<char>(value);
}

// What stands behind a backslash.
char TakeEscaped(Cursor& cursor) {
  const char c = cursor.Take();
  if (IsOctal(c))
    return TakeOctal(cursor, c);
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case 'x':
      return TakeHex(cursor);
    default:
      return c;
  }
}

// A field as it was read; `last` when the line ends with it.
struct Field {
  std::string text;
  std::string_view raw;
  bool quoted = false;
  bool last = false;
  bool terminated = true;  // false: the line ends inside its quotes
};

Field TakeTextField(Cursor& cursor, const CopyFormat& format) {
  Field field;
  const std::size_t start = cursor.position();
  std::size_t end = start;
  while (true) {
    end = cursor.position();
    if (cursor.AtEnd()) {
      field.last = true;
      break;
    }
    char c = cursor.Take();
    if (c == format.delimiter)
      break;
    if (c == '\\') {
      if (cursor.AtEnd()) {  // a lone backslash at the end stands for nothing
        field.last = true;
        break;
      }
      c = TakeEscaped(cursor);
    }
    field.text.push_back(c);
  }
  field.raw = cursor.Between(start, end);
  return field;
}

// Reads on behind an opening quote up to the closing one.
void TakeQuoted(Cursor& cursor, const CopyFormat& format, Field& field) {
  while (!cursor.AtEnd()) {
    const char c = cursor.Take();
    if (c == format.escape && !cursor.AtEnd() &&
        (cursor.Peek() == format.escape || cursor.Peek() == format.quote)) {
      field.text.push_back(cursor.Take());
      continue;
    }
    if (c == format.quote)
      return;
    field.text.push_back(c);
  }
  field.terminated = false;
}

Field TakeCsvField(Cursor& cursor, const CopyFormat& format) {
  Field field;
  const std::size_t start = cursor.position();
  std::size_t end = start;
  while (field.terminated) {
    end = cursor.position();
    if (cursor.AtEnd()) {
      field.last = true;
      break;
    }
    const char c = cursor.Take();
    if (c == format.delimiter)
      break;
    if (c == format.quote) {
      field.quoted = true;
      TakeQuoted(cursor, format, field);
    } else {
      field.text.push_back(c);
    }
  }
  field.raw = cursor.Between(start, end);
  return field;
}

}  // namespace

void CopyRowReader::Feed(std::string_view data) {
  raw_row_ = {};
  if (ended_ || !failed_.ok())
    return;
  buffer_.erase(0, start_);
  at_ -= start_;
  start_ = 0;
  buffer_.append(data);
}

absl::StatusOr<bool> CopyRowReader::Next(CopyRow& row) {
  raw_row_ = {};
  if (!failed_.ok())
    return failed_;
  auto result = ReadRow(row);
  if (!result.ok())
    failed_ = result.status();
  return result;
}

absl::StatusOr<bool> CopyRowReader::ReadRow(CopyRow& row) {
  while (!ended_) {
    ASSIGN_OR_RETURN(const Found found, FindLine());
    if (found == Found::kNothing)
      return false;
    const std::string_view line = std::string_view(buffer_).substr(start_, line_size_);
    start_ = at_;
    in_line_ = false;
    ended_ = found == Found::kLastLine;
    RETURN_IF_ERROR(CheckEncoding(line));
    if (header_pending_) {
      header_pending_ = false;
      continue;
    }
    if (ended_ && line.empty())
      return false;
    RETURN_IF_ERROR(ReadFields(line, row));
    raw_row_ = line;
    return true;
  }
  return false;
}

char CopyRowReader::At(std::size_t offset) const {
  return at_ + offset < buffer_.size() ? buffer_[at_ + offset] : '\0';
}

// Whether all bytes are there that decide what `c`, the byte at `at_`, means.
bool CopyRowReader::CanDecide(char c) const {
  if (finished_)
    return true;
  const std::size_t ahead = buffer_.size() - at_ - 1;
  if (c == '\r')
    return ahead >= 1;
  if (c != '\\' || (options_.format.csv && at_ != start_))
    return true;
  if (ahead < 1 || At(1) != '.')
    return ahead >= 1;
  return ahead >= (line_end_ == LineEnd::kBoth ? 3 : 2);
}

void CopyRowReader::TrackQuotes(char c) {
  const CopyFormat& format = options_.format;
  // A quote that doubles as the escape works as a toggle.
  const bool is_escape = format.escape != format.quote && c == format.escape;
  if (in_quotes_ && is_escape)
    after_escape_ = !after_escape_;
  if (c == format.quote && !after_escape_)
    in_quotes_ = !in_quotes_;
  if (!is_escape)
    after_escape_ = false;
  if (in_quotes_ && c == (line_end_ == LineEnd::kNewline ? '\n' : '\r'))
    line_number_++;
}

absl::StatusOr<CopyRowReader::Found> CopyRowReader::FindLine() {
  if (!in_line_) {
    in_line_ = true;
    in_quotes_ = false;
    after_escape_ = false;
    at_ = start_;
    line_number_++;
  }
  const bool csv = options_.format.csv;
  for (; at_ < buffer_.size(); at_++) {
    if (at_ - start_ > options_.row_bytes_max)
      return TooLong();
    const char c = buffer_[at_];
    if (!CanDecide(c))
      return Found::kNothing;
    if (csv)
      TrackQuotes(c);
    if ((c == '\r' || c == '\n') && !in_quotes_)
      return TakeLine(c);
    if (c == '\\' && (!csv || at_ == start_)) {
      ASSIGN_OR_RETURN(const bool is_end, IsEndMarker());
      if (is_end)
        return Found::kLastLine;
      if (!csv && at_ + 1 < buffer_.size())
        at_++;  // whatever it is, even a line end, the backslash takes it
    }
  }
  if (!finished_)
    return Found::kNothing;
  line_size_ = at_ - start_;
  if (line_size_ > options_.row_bytes_max)
    return TooLong();
  return Found::kLastLine;
}

absl::StatusOr<CopyRowReader::Found> CopyRowReader::TakeLine(char line_end) {
  const bool csv = options_.format.csv;
  LineEnd kind = LineEnd::kNewline;
  if (line_end == '\r') {
    const bool with_newline = At(1) == '\n' && line_end_ != LineEnd::kReturn;
    kind = with_newline ? LineEnd::kBoth : LineEnd::kReturn;
  }
  if (line_end_ != LineEnd::kUnknown && kind != line_end_) {
    if (line_end == '\n') {
      return csv ? Malformed("unquoted newline found in data",
                             "Use quoted CSV field to represent newline.")
                 : Malformed("literal newline found in data", "Use \"\\n\" to represent newline.");
    }
    return csv ? Malformed("unquoted carriage return found in data",
                           "Use quoted CSV field to represent carriage return.")
               : Malformed("literal carriage return found in data",
                           "Use \"\\r\" to represent carriage return.");
  }
  line_end_ = kind;
  line_size_ = at_ - start_;
  at_ += kind == LineEnd::kBoth ? 2 : 1;
  return Found::kLine;
}

// `at_` is at a backslash. True: it begins the end marker, which is then behind `at_`.
absl::StatusOr<bool> CopyRowReader::IsEndMarker() {
  if (At(1) != '.')
    return false;
  const bool csv = options_.format.csv;
  std::size_t offset = 2;
  if (line_end_ == LineEnd::kBoth) {
    if (At(offset) != '\r') {
      if (csv)
        return false;
      return At(offset) == '\n'
                 ? Malformed("end-of-copy marker does not match previous newline style")
                 : Malformed("end-of-copy marker corrupt");
    }
    offset++;
  }
  const char end = At(offset);
  if (end != '\r' && end != '\n') {
    if (csv)
      return false;
    return Malformed("end-of-copy marker corrupt");
  }
  if ((line_end_ == LineEnd::kReturn && end != '\r') ||
      ((line_end_ == LineEnd::kNewline || line_end_ == LineEnd::kBoth) && end != '\n'))
    return Malformed("end-of-copy marker does not match previous newline style");
  line_size_ = at_ - start_;
  at_ += offset + 1;
  return true;
}

absl::Status CopyRowReader::CheckEncoding(std::string_view text) const {
  const std::size_t bad = FindInvalidUtf8(text);
  if (bad == text.npos)
    return absl::OkStatus();
  return SqlStatus("22021",
                   "invalid byte sequence for encoding \"UTF8\": 0x" + ToHex(text.substr(bad, 1)),
                   Where());
}

absl::Status CopyRowReader::ReadFields(std::string_view line, CopyRow& row) {
  row.clear();
  const CopyFormat& format = options_.format;
  Cursor cursor(line);
  for (bool last = false; !last;) {
    Field field = format.csv ? TakeCsvField(cursor, format) : TakeTextField(cursor, format);
    if (!field.terminated)
      return Malformed("unterminated CSV quoted field");
    last = field.last;
    if (row.size() == kCopyFieldsMax ||
        (!options_.columns.empty() && row.size() == options_.columns.size()))
      return Malformed("extra data after last expected column");
    if (!field.quoted && field.raw == format.null_string) {
      row.emplace_back(std::nullopt);
      continue;
    }
    // Escapes can spell what the line itself may not hold.
    if (!format.csv)
      RETURN_IF_ERROR(CheckEncoding(field.text));
    row.emplace_back(std::move(field.text));
  }
  if (row.size() < options_.columns.size())
    return Malformed("missing data for column \"" + options_.columns[row.size()] + "\"");
  return absl::OkStatus();
}

absl::Status CopyRowReader::Malformed(std::string_view message, std::string_view hint) const {
  return SqlStatus("22P04", message, Where(), hint);
}

absl::Status CopyRowReader::TooLong() const {
  return SqlStatus("54000",
                   "a COPY row is longer than " + std::to_string(options_.row_bytes_max) + " bytes",
                   Where());
}

std::string CopyRowReader::Where() const {
  return "COPY, line " + std::to_string(line_number_);
}

absl::Status AppendSqlLiteral(std::string& out, std::optional<std::string_view> value) {
  if (!value) {
    out += "NULL";
    return absl::OkStatus();
  }
  if (value->find('\0') != value->npos)
    return SqlStatus("22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
  out.push_back('\'');
  for (const char c : *value) {
    if (c == '\'')
      out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
  return absl::OkStatus();
}

}  // namespace pgreeve::wire
