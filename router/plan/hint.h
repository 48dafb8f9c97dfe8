// /* pgreeve: tenant=… */ in front of a text. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace pgreeve::plan {

struct Hint {
  std::string tenant;   // as written, without quotes
  std::string unknown;  // the first thing that is not a known hint; empty: all are known
};

// `comment` is what stands behind "pgreeve:". Values may be quoted: tenant='a b'. Several hints are
// separated by commas, semicolons or blanks.
Hint ParseHint(std::string_view comment);

}  // namespace pgreeve::plan
