// What a COPY … FROM STDIN names: the table, its columns, the format's options. Any thread.
// Source: PostgreSQL 15 "COPY"; src/backend/commands/copy.c, ProcessCopyOptions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

namespace pgreeve::sql {

struct CopyStatement {
  std::string schema;  // empty: not named
  std::string table;
  std::vector<std::string> columns;  // empty: all
  // In the order written, names in lower case; a flag without a value is "true".
  std::vector<std::pair<std::string, std::string>> options;
};

// `sql` is one COPY statement of a table. Errors: 42601 when it is not.
absl::StatusOr<CopyStatement> ParseCopyStatement(std::string_view sql);

}  // namespace pgreeve::sql
