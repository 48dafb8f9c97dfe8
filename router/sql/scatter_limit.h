// LIMIT and OFFSET of a cross-shard statement.
#pragma once

#include <cstdint>

#include <absl/status/status.h>

struct Node;
struct SelectStmt;

namespace pgreeve::sql {

struct ScatterLimit {
  bool has_count = false;
  bool has_offset = false;
  bool constant = true;  // then `count` and `offset` say it all
  int64_t count = -1;
  int64_t offset = 0;
};

// Errors: 0A000 for WITH TIES and for what is neither a constant nor a parameter.
absl::Status ReadLimit(const SelectStmt* select, ScatterLimit* limit);

// Makes a shard's copy of the statement return all rows that may be among the first `count` behind
// `offset` of all shards.
void LimitPartial(const ScatterLimit& limit, SelectStmt* partial);

}  // namespace pgreeve::sql
