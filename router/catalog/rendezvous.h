// Which shard a new tenant gets: rendezvous hashing among the shards that have room. It chooses the
// initial home only; the directory stores the answer, and from then on the directory routes.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "router/base/ids.h"
#include "router/base/tenant_id.h"

namespace pgreeve::catalog {

struct Candidate {
  ShardId shard;
  int32_t tenants = 0;
  int32_t capacity = 0;
};

// XXH3_64 of the canonical id with the shard's number as the seed.
uint64_t RendezvousScore(const TenantId& id, ShardId shard);

// The candidate with the highest score, the lower number on a tie. Full shards are skipped: adding
// or filling a shard moves no other tenant's choice. Empty when no candidate has room.
std::optional<ShardId> PickShard(const TenantId& id, std::span<const Candidate> candidates);

}  // namespace pgreeve::catalog
