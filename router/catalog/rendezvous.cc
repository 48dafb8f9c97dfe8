#include "router/catalog/rendezvous.h"

#include "router/base/stable_hash.h"

namespace pgreeve::catalog {

uint64_t RendezvousScore(const TenantId& id, ShardId shard) {
  return StableHash64(id.canonical(), static_cast<uint64_t>(shard.value));
}

std::optional<ShardId> PickShard(const TenantId& id, std::span<const Candidate> candidates) {
  std::optional<ShardId> best;
  uint64_t best_score = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.tenants >= candidate.capacity)
      continue;
    const uint64_t score = RendezvousScore(id, candidate.shard);
    const bool wins =
        !best || score > best_score || (score == best_score && candidate.shard < *best);
    if (wins) {
      best = candidate.shard;
      best_score = score;
    }
  }
  return best;
}

}  // namespace pgreeve::catalog
