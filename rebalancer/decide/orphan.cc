#include "rebalancer/decide/orphan.h"

#include <charconv>

namespace pgreeve::rebalancer {
namespace {

constexpr std::string_view kPrefix = "pgreeve:";

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

}  // namespace

std::string_view DecisionGid(std::string_view gid) {
  return gid.substr(0, gid.rfind('@'));
}

std::optional<Gid> ParseGid(std::string_view gid) {
  if (!gid.starts_with(kPrefix))
    return std::nullopt;
  const std::string_view decision = DecisionGid(gid);
  if (decision.size() != gid.size() && !ParseNumber(gid.substr(decision.size() + 1)))
    return std::nullopt;
  const std::string_view rest = decision.substr(kPrefix.size());
  const std::size_t last = rest.rfind(':');
  if (last == std::string_view::npos || last == 0)
    return std::nullopt;
  const std::size_t middle = rest.rfind(':', last - 1);
  if (middle == std::string_view::npos || middle == 0)
    return std::nullopt;
  const auto incarnation = ParseNumber(rest.substr(middle + 1, last - middle - 1));
  const auto number = ParseNumber(rest.substr(last + 1));
  if (!incarnation || !number)
    return std::nullopt;
  return Gid{std::string(rest.substr(0, middle)), *incarnation, *number};
}

bool IsOrphan(const PreparedTransaction& transaction, absl::Duration age_min) {
  return transaction.age >= age_min && ParseGid(transaction.gid).has_value();
}

std::string ResolveSql(Verdict verdict, std::string_view gid) {
  std::string sql = verdict == Verdict::kCommit ? "COMMIT PREPARED '" : "ROLLBACK PREPARED '";
  for (const char c : gid) {
    if (c == '\'')
      sql += '\'';
    sql += c;
  }
  sql += '\'';
  return sql;
}

}  // namespace pgreeve::rebalancer
