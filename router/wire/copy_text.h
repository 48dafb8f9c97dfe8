// Rows of COPY … FROM STDIN in text and csv format, read as Postgres reads them: to know a row's
// tenant, the router must see the same fields as the shard will.
// Pure; any thread. Encoding UTF8 only.
// Source: src/backend/commands/copyfromparse.c of PostgreSQL 15 (CopyReadLineText,
// CopyReadAttributesText, CopyReadAttributesCSV).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace pgreeve::wire {

constexpr std::size_t kCopyRowBytesMax = std::size_t{16} << 20;  // of one row as sent
constexpr std::size_t kCopyFieldsMax = 1600;                     // of one row, as a table's columns

struct CopyFormat {
  static CopyFormat Text() { return {}; }

  static CopyFormat Csv() {
    CopyFormat format;
    format.csv = true;
    format.delimiter = ',';
    format.null_string.clear();
    return format;
  }

  bool csv = false;
  char delimiter = '\t';
  std::string null_string = "\\N";
  char quote = '"';     // csv
  char escape = '"';    // csv
  bool header = false;  // true and MATCH alike: the first line is no row
};

struct CopyRowReaderOptions {
  CopyFormat format;
  // Names of the columns that each row must have; empty: not checked.
  std::vector<std::string> columns;
  std::size_t row_bytes_max = kCopyRowBytesMax;
};

using CopyRow = std::vector<std::optional<std::string>>;  // nullopt = NULL

// Feed() a payload, call Next() until it says false, feed the next one; Finish() at CopyDone, then
// Next() until it says false once more. Messages may be cut anywhere, even inside a character.
class CopyRowReader {
 public:
  explicit CopyRowReader(CopyRowReaderOptions options) : options_(std::move(options)) {}

  // Ignored behind the end marker `\.`, as Postgres does. The reader holds one unfinished row
  // beside what was fed last: the caller reads all rows before it feeds again.
  void Feed(std::string_view data);

  void Finish() { finished_ = true; }

  // True: `row` is the next one. False: more data is needed, or after Finish() none is left.
  // Errors, which repeat at every later call: 22P04 malformed, 22021 not UTF-8, 54000 a row over
  // the limit. The line number is in the detail.
  absl::StatusOr<bool> Next(CopyRow& row);

  // The bytes of the row that Next() gave last, without its line end. Valid until the next call.
  std::string_view raw_row() const { return raw_row_; }

  // Counts lines from 1, the header and line ends inside quotes too.
  uint64_t line_number() const { return line_number_; }

  // The end marker has been read, or all data after Finish().
  bool ended() const { return ended_; }

  // Bytes held that belong to no finished row.
  std::size_t buffered_bytes() const { return buffer_.size() - start_; }

 private:
  enum class LineEnd : uint8_t { kUnknown, kNewline, kReturn, kBoth };
  enum class Found : uint8_t { kNothing, kLine, kLastLine };

  absl::StatusOr<bool> ReadRow(CopyRow& row);
  absl::StatusOr<Found> FindLine();
  absl::StatusOr<Found> TakeLine(char line_end);
  absl::StatusOr<bool> IsEndMarker();
  bool CanDecide(char c) const;
  void TrackQuotes(char c);
  char At(std::size_t offset) const;
  absl::Status CheckEncoding(std::string_view text) const;
  absl::Status ReadFields(std::string_view line, CopyRow& row);
  absl::Status Malformed(std::string_view message, std::string_view hint = "") const;
  absl::Status TooLong() const;
  std::string Where() const;

  CopyRowReaderOptions options_;
  std::string buffer_;
  std::size_t start_ = 0;      // of the current line
  std::size_t at_ = 0;         // the next byte to look at
  std::size_t line_size_ = 0;  // of the line that FindLine() found, without its end
  std::string_view raw_row_;
  uint64_t line_number_ = 0;
  LineEnd line_end_ = LineEnd::kUnknown;  // the first line decides, all others must agree
  bool in_line_ = false;
  bool in_quotes_ = false;
  bool after_escape_ = false;
  bool header_pending_ = options_.format.header;
  bool finished_ = false;
  bool ended_ = false;
  absl::Status failed_;
};

// Appends `value` as an SQL literal: NULL or '…' with quotes doubled. For sessions whose
// standard_conforming_strings is on (the router sees to that).
// Errors: 22021 when it contains a zero byte; `out` is then unchanged.
absl::Status AppendSqlLiteral(std::string& out, std::optional<std::string_view> value);

}  // namespace pgreeve::wire
