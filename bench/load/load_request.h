// The bytes of one query in one protocol mode, as libpq sends them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgreeve::bench {

enum class Mode { kSimple, kExtended, kPrepared };

struct RequestOptions {
  Mode mode = Mode::kSimple;
  std::string sql;                      // "{}" becomes a number that differs between queries
  std::vector<std::string> parameters;  // text; not in simple mode
};

// How many numbers "{}" takes in turn.
constexpr int kVariants = 64;

// One Parse and Sync before the first query; empty when the mode needs none.
std::string PreparationOf(const RequestOptions& options);

// Each ends in one ReadyForQuery. kVariants of them, or one when no number stands in the text.
std::vector<std::string> RequestsOf(const RequestOptions& options);

}  // namespace pgreeve::bench
