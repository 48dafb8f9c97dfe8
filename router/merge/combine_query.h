// The combine step as SQL for a Postgres: the plan's text with its marks filled, and the partial
// rows as arrays or as COPY data. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "router/merge/merger.h"
#include "router/merge/partial_rows.h"
#include "router/merge/type_name.h"

namespace pgreeve::merge {

struct CombineInput {
  const plan::ScatterPlan& plan;
  const PartialRows& rows;
  // Of each partial column.
  const std::vector<TypeName>& types;
  // Output names of a listing, behind the hidden columns.
  const std::vector<wire::FieldDescription>& expected;
  const MergeOptions& options;
};

CombineQuery MakeCombineQuery(const CombineInput& input);

}  // namespace pgreeve::merge
