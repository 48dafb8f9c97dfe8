// Groups and sorts partial rows without Postgres, for the types where that provably gives the same
// answer: keys whose texts are equal when they are, integers added in 128 bits, orders of numbers,
// moments, uuids and text under COLLATE "C". Any thread.
#pragma once

#include <cstdint>
#include <vector>

#include <absl/status/statusor.h>

#include "router/merge/merger.h"
#include "router/merge/partial_rows.h"

namespace pgreeve::merge {

struct NativeInput {
  const plan::ScatterPlan& plan;
  const PartialRows& rows;
  // Type of each partial column.
  const std::vector<uint32_t>& types;
};

// Do the types of the partial columns allow it?
bool NativeTypesAllow(const plan::ScatterPlan& plan, const std::vector<uint32_t>& types);

// Errors: kUnimplemented (0A000 PR-243) when a value is written in a way that is not known;
// 22003 when a sum does not fit its type.
absl::StatusOr<NativeRows> CombineNatively(const NativeInput& input);

// Collects DataRow messages in chunks.
class RowWriter {
 public:
  // The body of a DataRow, without its first `hidden` columns.
  void AddBody(std::string_view body, int hidden);
  void AddValues(const std::vector<wire::Value>& values);
  NativeRows Take();

 private:
  std::string& Chunk();

  NativeRows rows_;
};

}  // namespace pgreeve::merge
