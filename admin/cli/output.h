// What commands print: a table of cells, rendered for people (aligned columns), for programs
// (JSON) or for spreadsheets (CSV). Nothing here knows of commands or connections. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace pgreeve::cli {

enum class Format : uint8_t { kTable, kJson, kCsv };

enum class ColumnKind : uint8_t {
  kText,
  kNumber,  // right aligned; a bare number in JSON
  kBool,    // "t" or "f"; true or false in JSON, yes or no for people
};

struct Column {
  std::string name;  // as JSON key and CSV header; upper-cased for people
  ColumnKind kind = ColumnKind::kText;
};

// Nullopt is SQL's NULL: "-" for people, null in JSON, an empty field in CSV.
using Cell = std::optional<std::string>;

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // `cells` has one entry per column; missing ones are NULL, surplus ones are dropped.
  void Add(std::vector<Cell> cells);

  std::size_t rows() const { return rows_.size(); }

  // With a line feed at the end. `color` makes the header bold; table format only.
  std::string Render(Format format, bool color = false) const;

 private:
  std::string ForPeople(bool color) const;
  std::string AsJson() const;
  std::string AsCsv() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Errors: 22023 with the names that exist.
absl::StatusOr<Format> ParseFormat(std::string_view name);

// `text` with control characters written as \n, \t, \x1b: names come from others and must not
// steer the terminal.
std::string Printable(std::string_view text);

// Columns that a UTF-8 text takes on a terminal, counting each code point as one.
std::size_t DisplayWidth(std::string_view text);

// A JSON string with its quotes.
std::string JsonString(std::string_view text);

// 1536 → "1.5 kB", for people.
std::string HumanBytes(int64_t bytes);

// 25290 → "25,290", for people.
std::string HumanNumber(int64_t number);

}  // namespace pgreeve::cli
