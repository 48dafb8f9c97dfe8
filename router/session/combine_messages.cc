#include "router/session/combine_messages.h"

#include "router/session/backend_call.h"

namespace pgreeve::session {

CombineMessages EncodeCombine(const merge::CombineQuery& query,
                              const ParameterTypes& types,
                              const wire::Bind& bind,
                              const std::vector<int16_t>& result_formats) {
  CombineMessages messages;
  ParameterTypes all = types;
  for (std::size_t i = 0; i < query.arrays.size(); i++)
    all.push_back(0);
  if (query.staged()) {
    wire::AppendQuery(messages.bytes, "BEGIN");
    wire::AppendQuery(messages.bytes, query.create_sql);
    wire::AppendQuery(messages.bytes, query.copy_sql);
    for (const std::string& chunk : query.copy_chunks)
      wire::AppendCopyData(messages.bytes, chunk);
    wire::AppendCopyDone(messages.bytes);
    messages.readies += 3;
  }
  const std::string tail = EncodeBindTail(bind, result_formats, query.arrays);
  AppendExtended(messages.bytes, {.sql = query.sql, .types = all, .bind_after_names = tail});
  messages.readies++;
  if (query.staged()) {
    wire::AppendQuery(messages.bytes, "COMMIT");
    messages.readies++;
  }
  return messages;
}

}  // namespace pgreeve::session
