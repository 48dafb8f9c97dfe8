// An answer that the router gives by itself: no rows and a tag, or a small table of text.
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/wire/backend_messages.h"

namespace pgreeve::session {

struct LocalReply {
  std::vector<wire::FieldDescription> fields;  // empty: no result set
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string tag;                // of CommandComplete
  std::string notices;            // whole NoticeResponse messages, sent first
  std::optional<SqlError> error;  // instead of all else

  // RowDescription (or NoData), rows and CommandComplete as messages.
  void AppendDescription(std::string& out) const {
    if (fields.empty())
      wire::AppendNoData(out);
    else
      wire::AppendRowDescription(out, fields);
  }

  void AppendRows(std::string& out) const {
    out += notices;
    std::vector<wire::Value> values;
    for (const auto& row : rows) {
      values.clear();
      for (const auto& value : row)
        values.push_back(value ? wire::Value(*value) : std::nullopt);
      wire::AppendDataRow(out, values);
    }
    wire::AppendCommandComplete(out, tag);
  }

  // As the answer to a simple query.
  void AppendAll(std::string& out) const {
    if (!fields.empty())
      wire::AppendRowDescription(out, fields);
    AppendRows(out);
  }

  static LocalReply Tag(std::string tag) {
    LocalReply reply;
    reply.tag = std::move(tag);
    return reply;
  }

  static LocalReply Table(const std::vector<std::string>& columns,
                          std::vector<std::vector<std::optional<std::string>>> rows,
                          std::string_view verb = "SELECT") {
    LocalReply reply;
    for (const std::string& column : columns)
      reply.fields.push_back(wire::TextColumn(column));
    reply.tag = std::string(verb);
    if (verb == "SELECT")
      reply.tag += " " + std::to_string(rows.size());
    reply.rows = std::move(rows);
    return reply;
  }
};

}  // namespace pgreeve::session
