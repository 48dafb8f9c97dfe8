// Which relation a name means, and what kind it is. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "router/sql/analyze.h"
#include "router/sql/statement_facts.h"

namespace pgreeve::sql {

struct FoundRelation {
  RelationClass kind = RelationClass::kUndeclared;
  const TableFact* fact = nullptr;  // valid as long as options.tables
  std::string schema;               // where it was found; as written when undeclared
};

// `schema` is empty for unqualified names.
FoundRelation FindRelation(std::string_view schema,
                           std::string_view name,
                           const AnalyzeOptions& options);

}  // namespace pgreeve::sql
