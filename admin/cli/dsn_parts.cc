#include "admin/cli/dsn_parts.h"

#include <charconv>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

std::string_view First(std::string_view list) {
  return list.substr(0, list.find(','));
}

}  // namespace

absl::StatusOr<DsnParts> ReadDsn(const std::string& dsn) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(dsn.c_str(), &problem), PQconninfoFree);
  if (options == nullptr) {
    // libpq's text quotes the string, which may hold a password.
    PQfreemem(problem);
    return SqlStatus("22023",
                     "the DSN cannot be read",
                     "",
                     "Write postgresql://user@host:port/database, or host=… port=… dbname=….");
  }
  DsnParts parts;
  std::string address;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr)
      continue;
    const std::string_view keyword = option->keyword;
    const std::string_view value = option->val;
    if (keyword == "host")
      parts.host = First(value);
    else if (keyword == "hostaddr")
      address = First(value);
    else if (keyword == "dbname")
      parts.database = value;
    else if (keyword == "port" && !value.empty()) {
      const std::string_view port = First(value);
      const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
      if (error != std::errc() || end != port.data() + port.size() || parts.port == 0)
        return SqlStatus("22023", fmt::format("\"{}\" is no port", port));
    }
  }
  if (!address.empty())
    parts.host = address;
  return parts;
}

}  // namespace pgreeve::cli
