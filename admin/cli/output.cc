#include "admin/cli/output.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::string_view kGap = "  ";

std::string Upper(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string CellForPeople(const Column& column, const Cell& cell) {
  if (!cell)
    return "-";
  if (column.kind == ColumnKind::kBool)
    return *cell == "t" ? "yes" : "no";
  return Printable(*cell);
}

std::string CellAsJson(const Column& column, const Cell& cell) {
  if (!cell)
    return "null";
  switch (column.kind) {
    case ColumnKind::kBool:
      return *cell == "t" ? "true" : "false";
    case ColumnKind::kNumber: {
      const bool numeric =
          !cell->empty() && cell->find_first_not_of("0123456789.-+eE") == std::string::npos;
      return numeric ? *cell : JsonString(*cell);  // NaN and Infinity are no JSON numbers
    }
    case ColumnKind::kText:
      break;
  }
  return JsonString(*cell);
}

std::string CsvField(const Cell& cell) {
  if (!cell)
    return "";
  // An empty text is quoted, which keeps it apart from NULL.
  if (!cell->empty() && cell->find_first_of("\",\r\n") == std::string::npos)
    return *cell;
  std::string field = "\"";
  for (const char c : *cell) {
    if (c == '"')
      field += '"';
    field += c;
  }
  return field + '"';
}

void Pad(std::string& line, const std::string& text, std::size_t width, bool right) {
  const std::size_t shown = DisplayWidth(text);
  const std::string blanks(width > shown ? width - shown : 0, ' ');
  line += right ? blanks + text : text + blanks;
}

}  // namespace

void Table::Add(std::vector<Cell> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Render(Format format, bool color) const {
  switch (format) {
    case Format::kJson:
      return AsJson();
    case Format::kCsv:
      return AsCsv();
    case Format::kTable:
      break;
  }
  return ForPeople(color);
}

std::string Table::ForPeople(bool color) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_[i].name.size();
    for (const auto& row : rows_)
      width = std::max(width, DisplayWidth(CellForPeople(columns_[i], row[i])));
    widths.push_back(width);
  }
  std::string text;
  const auto add_line =
      [&](const auto& cell_text, std::string_view before, std::string_view after) {
        std::string line;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
          if (i > 0)
            line += kGap;
          Pad(line, cell_text(i), widths[i], columns_[i].kind == ColumnKind::kNumber);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text.append(before).append(line).append(after).append("\n");
      };
  add_line([&](std::size_t i) { return Upper(columns_[i].name); },
           color ? kBold : std::string_view(),
           color ? kPlain : std::string_view());
  for (const auto& row : rows_)
    add_line([&](std::size_t i) { return CellForPeople(columns_[i], row[i]); }, "", "");
  return text;
}

std::string Table::AsJson() const {
  std::string text = "[";
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    text += r == 0 ? "\n  {" : ",\n  {";
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0)
        text += ", ";
      text += JsonString(columns_[i].name) + ": " + CellAsJson(columns_[i], rows_[r][i]);
    }
    text += '}';
  }
  return text + (rows_.empty() ? "]\n" : "\n]\n");
}

std::string Table::AsCsv() const {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    text += (i > 0 ? "," : "") + CsvField(columns_[i].name);
  text += '\n';
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += (i > 0 ? "," : "") + CsvField(row[i]);
    text += '\n';
  }
  return text;
}

absl::StatusOr<Format> ParseFormat(std::string_view name) {
  if (name == "table")
    return Format::kTable;
  if (name == "json")
    return Format::kJson;
  if (name == "csv")
    return Format::kCsv;
  return SqlStatus("22023",
                   fmt::format("unknown output format \"{}\"", Printable(name)),
                   "",
                   "Use table, json or csv.");
}

std::string Printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      shown += "\\n";
    else if (c == '\t')
      shown += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      shown += fmt::format("\\x{:02x}", static_cast<unsigned>(byte));
    else
      shown += c;
  }
  return shown;
}

std::size_t DisplayWidth(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string JsonString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      quoted.append(1, '\\').append(1, c);
    else if (c == '\n')
      quoted += "\\n";
    else if (byte < 0x20)
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    else
      quoted += c;
  }
  return quoted + '"';
}

std::string HumanBytes(int64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"bytes", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string HumanNumber(int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3)
    digits.insert(i - 3, ",");
  return digits;
}

}  // namespace pgreeve::cli
