#include "rebalancer/decide/tenant_share.h"

#include <algorithm>
#include <cmath>

#include <absl/container/flat_hash_set.h>

namespace pgreeve::rebalancer {
namespace {

void AddShare(const LeafFacts& leaf, const std::string& tenant, double share, UseByTenant& use) {
  TenantUse& one = use[tenant];
  one.rows += std::llround(static_cast<double>(std::max<int64_t>(leaf.rows, 0)) * share);
  one.bytes += std::llround(static_cast<double>(leaf.bytes) * share);
}

}  // namespace

MeasureMethod ChooseMethod(const LeafFacts& leaf, int64_t count_bytes_max) {
  if (leaf.bytes == 0)
    return MeasureMethod::kSkip;
  if (leaf.bytes <= count_bytes_max || leaf.rows < 0 || !leaf.statistics.known)
    return MeasureMethod::kCount;
  return MeasureMethod::kEstimate;
}

void AddEstimate(const LeafFacts& leaf,
                 const std::vector<std::string>& residents,
                 UseByTenant& use) {
  const absl::flat_hash_set<std::string> known(residents.begin(), residents.end());
  absl::flat_hash_set<std::string> named;
  double left = 1.0 - leaf.statistics.null_fraction;
  for (const auto& [tenant, share] : leaf.statistics.most_common) {
    left -= share;
    if (known.contains(tenant) && named.insert(tenant).second)
      AddShare(leaf, tenant, share, use);
  }
  const std::size_t others = known.size() - named.size();
  if (others == 0 || left <= 0)
    return;
  for (const std::string& tenant : known) {
    if (!named.contains(tenant))
      AddShare(leaf, tenant, left / static_cast<double>(others), use);
  }
}

void AddCounts(const LeafFacts& leaf,
               const std::vector<std::pair<std::string, int64_t>>& counts,
               UseByTenant& use) {
  int64_t total = 0;
  for (const auto& [tenant, rows] : counts)
    total += rows;
  if (total <= 0)
    return;
  for (const auto& [tenant, rows] : counts) {
    TenantUse& one = use[tenant];
    one.rows += rows;
    one.bytes += std::llround(static_cast<double>(leaf.bytes) * static_cast<double>(rows) /
                              static_cast<double>(total));
  }
}

std::vector<std::string> ParseArray(std::string_view text) {
  std::vector<std::string> values;
  if (text.size() < 2 || text.front() != '{' || text.back() != '}')
    return values;
  text = text.substr(1, text.size() - 2);
  std::size_t i = 0;
  while (i < text.size()) {
    std::string value;
    bool quoted = false;
    if (text[i] == '"') {
      quoted = true;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size())
          ++i;
        value += text[i];
      }
      ++i;  // the closing quote
    } else {
      for (; i < text.size() && text[i] != ','; ++i)
        value += text[i];
    }
    if (!quoted && value == "NULL")
      value.clear();
    values.push_back(std::move(value));
    if (i < text.size() && text[i] != ',')
      return {};
    ++i;  // the comma
  }
  return values;
}

}  // namespace pgreeve::rebalancer
