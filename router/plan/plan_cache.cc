#include "router/plan/plan_cache.h"

#include <utility>

namespace pgreeve::plan {
namespace {

// A list node, a slot of the hash table, a shared_ptr's block.
constexpr std::size_t kEntryBytes = 200;

}  // namespace

void PlanCache::Put(uint64_t hash, std::string_view key, std::shared_ptr<const Analyzed> analyzed) {
  if (const auto found = by_hash_.find(hash); found != by_hash_.end())
    Evict(found->second);
  const std::size_t bytes = kEntryBytes + key.size() + analyzed->bytes;
  if (bytes > options_.bytes_max || options_.entries_max == 0)
    return;
  while (!entries_.empty() &&
         (bytes_ + bytes > options_.bytes_max || entries_.size() >= options_.entries_max)) {
    Evict(std::prev(entries_.end()));
    ++evictions_;
  }
  entries_.push_front({hash, std::string(key), std::move(analyzed), bytes});
  by_hash_.emplace(hash, entries_.begin());
  bytes_ += bytes;
}

void PlanCache::Evict(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_hash_.erase(entry->hash);
  entries_.erase(entry);
}

void PlanCache::Clear() {
  entries_.clear();
  by_hash_.clear();
  bytes_ = 0;
}

PlanCacheStats PlanCache::Stats() const {
  PlanCacheStats stats;
  stats.hits = hits_;
  stats.misses = misses_;
  stats.evictions = evictions_;
  stats.entries = entries_.size();
  stats.bytes = bytes_;
  return stats;
}

}  // namespace pgreeve::plan
