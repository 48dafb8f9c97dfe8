// Text → facts: PostgreSQL's grammar, then one walk over the raw tree. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "router/base/table_set.h"
#include "router/sql/lexer.h"
#include "router/sql/statement_facts.h"

namespace pgreeve::sql {

struct AnalyzeOptions {
  const TableSet* tables = nullptr;
  // Where unqualified names are looked up; empty: {"public"}.
  std::vector<std::string> search_path;
  int depth_max = 400;        // of the tree; deeper statements are opaque
  int relations_max = 1000;   // per statement
  int sources_max = 100'000;  // constants per statement that may name a tenant
};

// `lexed` must be Lex() of the same text. Cost: 1–15 µs.
TextFacts Analyze(std::string_view sql, const LexedText& lexed, const AnalyzeOptions& options);

// Tables that frameworks keep their migrations in: whole copies on every shard without being
// declared. Names as the parser folds them.
bool IsMigrationTable(std::string_view name);

}  // namespace pgreeve::sql
