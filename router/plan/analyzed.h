// What the cache keeps of a text. Internal to this layer.
#pragma once

#include <cstdint>

#include "router/plan/planner.h"
#include "router/sql/statement_facts.h"

namespace pgreeve::plan {

class Analyzed {
 public:
  sql::TextFacts facts;
  uint64_t source_hash = 0;  // XXH3 of the text that offsets in `facts` belong to
  uint64_t schema_epoch = 0;
  uint64_t environment = 0;     // search_path and the like; numbers are not used twice
  bool hinted = false;          // a pgreeve comment stands in it
  bool needs_literals = false;  // some value is in the text, not in the parameters
  bool only_queries = false;    // by the lexer; for texts that were not parsed
  bool too_long = false;
  std::size_t bytes = 0;  // about what it occupies
};

}  // namespace pgreeve::plan
