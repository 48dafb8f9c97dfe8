#include "rebalancer/decide/spare.h"

#include <algorithm>
#include <cstddef>

namespace pgreeve::rebalancer {

std::optional<NodeId> ChooseNode(const std::string& region,
                                 const std::vector<ShardUse>& shards,
                                 const std::vector<NodeRoom>& nodes) {
  std::optional<NodeId> best;
  std::ptrdiff_t best_count = 0;
  for (const NodeRoom& node : nodes) {
    if (!node.enabled || node.region != region)
      continue;
    const auto count = std::count_if(
        shards.begin(), shards.end(), [&](const ShardUse& s) { return s.node == node.id; });
    if (node.shards_max > 0 && count >= node.shards_max)
      continue;
    if (!best || count < best_count || (count == best_count && node.id < *best)) {
      best = node.id;
      best_count = count;
    }
  }
  return best;
}

SparePlan PlanSpares(const std::vector<SpareRule>& rules,
                     const std::vector<ShardUse>& shards,
                     const std::vector<NodeRoom>& nodes) {
  SparePlan plan;
  std::vector<ShardUse> counted = shards;
  for (const SpareRule& rule : rules) {
    const auto ready = std::count_if(shards.begin(), shards.end(), [&](const ShardUse& s) {
      return s.open && s.tier == rule.tier && s.region == rule.region && s.tenants == 0 &&
             s.capacity > 0;
    });
    for (auto have = static_cast<int32_t>(ready); have < rule.spares; ++have) {
      const auto node = ChooseNode(rule.region, counted, nodes);
      if (!node) {
        plan.unserved.push_back(rule);
        break;
      }
      plan.create.push_back({rule.tier, rule.region, *node});
      counted.push_back({*node, rule.tier, rule.region, true, 0, 1});
    }
  }
  return plan;
}

}  // namespace pgreeve::rebalancer
