#include "router/merge/combine_query.h"

#include <charconv>
#include <utility>

#include "router/merge/native_value.h"

namespace pgreeve::merge {

namespace {

constexpr std::string_view kMarkPrefix = "pgreeve_";
constexpr std::string_view kNowMark = "'pgreeve_now'";

std::string Quoted(std::string_view name, char quote) {
  std::string out(1, quote);
  for (const char c : name) {
    if (c == quote)
      out += c;
    out += c;
  }
  out += quote;
  return out;
}

std::string ColumnName(std::size_t column) {
  return "pgreeve_c" + std::to_string(column);
}

// "pgreeve_c0, pgreeve_c1"; with `types`, each followed by its type.
std::string ColumnList(const std::vector<TypeName>& types, bool with_types) {
  std::string list;
  for (std::size_t i = 0; i < types.size(); ++i) {
    list += i == 0 ? "" : ", ";
    list += ColumnName(i);
    if (with_types)
      list += " " + types[i].sql;
  }
  return list;
}

std::string VisibleList(const CombineInput& input) {
  std::string list;
  for (std::size_t i = 0; i < input.expected.size(); ++i) {
    list += i == 0 ? "" : ", ";
    list += ColumnName(static_cast<std::size_t>(input.plan.hidden_columns) + i);
    // An output column may have no name that could be written.
    if (!input.expected[i].name.empty())
      list += " AS " + Quoted(input.expected[i].name, '"');
  }
  return list;
}

// The planner has refused statements whose own names or constants hold the prefix, so every
// occurrence is a mark.
std::string FillMarks(const CombineInput& input, std::string_view source) {
  const std::string_view sql = input.plan.combine_sql;
  std::string out;
  std::size_t at = 0;
  for (std::size_t found = sql.find(kMarkPrefix); found != std::string_view::npos;
       found = sql.find(kMarkPrefix, at)) {
    if (found > 0 && sql.substr(found - 1, kNowMark.size()) == kNowMark) {
      out += sql.substr(at, found - 1 - at);
      out += Quoted(input.options.now, '\'');
      at = found - 1 + kNowMark.size();
      continue;
    }
    out += sql.substr(at, found - at);
    std::size_t end = found + kMarkPrefix.size();
    while (end < sql.size() &&
           ((sql[end] >= 'a' && sql[end] <= 'z') || (sql[end] >= '0' && sql[end] <= '9')))
      ++end;
    const std::string_view mark = sql.substr(found, end - found);
    const std::string_view what = mark.substr(kMarkPrefix.size());
    std::size_t column = 0;
    if (what == "partial") {
      out += source;
    } else if (what == "visible") {
      out += VisibleList(input);
    } else if (what.substr(0, 1) == "t" &&
               std::from_chars(what.data() + 1, what.data() + what.size(), column).ec ==
                   std::errc() &&
               column < input.types.size()) {
      out += input.types[column].sql;
    } else {
      out += mark;
    }
    at = end;
  }
  out += sql.substr(at);
  return out;
}

void AppendElement(wire::Value value, std::string& array) {
  array += array.size() == 1 ? "" : ",";
  if (!value) {
    array += "NULL";
    return;
  }
  array += '"';
  for (const char c : *value) {
    if (c == '"' || c == '\\')
      array += '\\';
    array += c;
  }
  array += '"';
}

void AppendCopyValue(wire::Value value, std::string& line) {
  if (!value) {
    line += "\\N";
    return;
  }
  for (const char c : *value) {
    switch (c) {
      case '\\':
        line += "\\\\";
        break;
      case '\n':
        line += "\\n";
        break;
      case '\r':
        line += "\\r";
        break;
      case '\t':
        line += "\\t";
        break;
      default:
        line += c;
    }
  }
}

CombineQuery MakeInline(const CombineInput& input) {
  CombineQuery query;
  query.arrays.assign(input.types.size(), "{");
  std::vector<wire::Value> values;
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    if (!wire::DecodeDataRow(input.rows[row], values).ok())
      continue;  // checked when it came
    for (std::size_t i = 0; i < values.size() && i < query.arrays.size(); ++i)
      AppendElement(values[i], query.arrays[i]);
  }
  bool by_text = false;
  std::string unnest = "unnest(";
  std::string casts;
  for (std::size_t i = 0; i < input.types.size(); ++i) {
    query.arrays[i] += '}';
    const TypeName& type = input.types[i];
    query.array_types.push_back((type.by_text ? "pg_catalog.text" : type.sql) + "[]");
    unnest += i == 0 ? "$" : ", $";
    unnest += std::to_string(static_cast<std::size_t>(input.options.parameters) + i + 1) +
              "::" + query.array_types.back();
    casts += (i == 0 ? "" : ", ") + ColumnName(i);
    if (type.by_text)
      casts += "::" + type.sql + " AS " + ColumnName(i);
    by_text = by_text || type.by_text;
  }
  const std::string columns = "(" + ColumnList(input.types, false) + ")";
  std::string source = by_text ? "(SELECT " + casts + " FROM " + unnest + ") AS pgreeve_rows" +
                                     columns + ") AS pgreeve_partial"
                               : unnest + ") AS pgreeve_partial" + columns;
  query.sql = FillMarks(input, source);
  return query;
}

CombineQuery MakeStaged(const CombineInput& input) {
  CombineQuery query;
  query.create_sql = "CREATE TEMPORARY TABLE pgreeve_partial (" + ColumnList(input.types, true) +
                     ") ON COMMIT DROP";
  query.copy_sql = "COPY pg_temp.pgreeve_partial FROM STDIN";
  std::vector<wire::Value> values;
  std::string chunk;
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    if (!wire::DecodeDataRow(input.rows[row], values).ok())
      continue;  // checked when it came
    for (std::size_t i = 0; i < values.size(); ++i) {
      chunk += i == 0 ? "" : "\t";
      AppendCopyValue(values[i], chunk);
    }
    chunk += '\n';
    if (chunk.size() >= kChunkBytes)
      query.copy_chunks.push_back(std::exchange(chunk, {}));
  }
  if (!chunk.empty())
    query.copy_chunks.push_back(std::move(chunk));
  query.sql = FillMarks(input, "pg_temp.pgreeve_partial AS pgreeve_partial");
  return query;
}

}  // namespace

CombineQuery MakeCombineQuery(const CombineInput& input) {
  const bool small = input.rows.size() <= input.options.inline_rows_max &&
                     input.rows.bytes() <= input.options.inline_bytes_max;
  return small ? MakeInline(input) : MakeStaged(input);
}

}  // namespace pgreeve::merge
