#include "router/sql/scatter_refusal.h"

#include <string>

#include "router/base/status.h"

namespace pgreeve::sql {

absl::Status ScatterRefused(ScatterRefusal refusal, std::string_view what) {
  const ScatterRefusalText& text = TextOf(refusal);
  std::string detail = "PR-" + std::to_string(static_cast<int>(refusal)) + ": ";
  detail += text.doc;
  if (!what.empty()) {
    detail += " Found: ";
    detail += what;
    detail += '.';
  }
  return SqlStatus("0A000", text.message, detail, text.hint);
}

}  // namespace pgreeve::sql
