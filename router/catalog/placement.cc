#include "router/catalog/placement.h"

#include <algorithm>

namespace pgreeve::catalog {

std::vector<ShardId> Placement::ServingShards() const {
  std::vector<ShardId> ids;
  for (const auto& [id, shard] : shards) {
    if (shard.state == ShardState::kOpen || shard.state == ShardState::kDraining)
      ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::size_t Placement::tenant_count() const {
  std::size_t count = 0;
  for (const auto& bucket : buckets_)
    count += bucket == nullptr ? 0 : bucket->size();
  return count;
}

void Placement::PutTenant(TenantInfo tenant) {
  Bucket& bucket = Writable(tenant.id);
  TenantId id = tenant.id;
  bucket.insert_or_assign(std::move(id), std::move(tenant));
}

void Placement::RemoveTenant(const TenantId& id) {
  if (FindTenant(id) != nullptr)
    Writable(id).erase(id);
}

std::size_t Placement::BucketOf(const TenantId& id) {
  return StableHash64(id.canonical()) % kBuckets;
}

// A bucket that another version holds too is copied first: versions are immutable once shared. That
// it is shared cannot be told from use_count() alone, which another thread may be lowering.
Placement::Bucket& Placement::Writable(const TenantId& id) {
  const std::size_t at = BucketOf(id);
  std::shared_ptr<Bucket>& bucket = buckets_[at];
  if (bucket == nullptr) {
    bucket = std::make_shared<Bucket>();
  } else if (!own_.set[at] || bucket.use_count() > 1) {
    bucket = std::make_shared<Bucket>(*bucket);
  }
  own_.set.set(at);
  return *bucket;
}

}  // namespace pgreeve::catalog
