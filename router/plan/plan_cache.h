// Analyses by normalised text, least recently used out first. Worker thread only.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "router/plan/analyzed.h"
#include "router/plan/planner.h"

namespace pgreeve::plan {

class PlanCache {
 public:
  explicit PlanCache(const PlanCacheOptions& options) : options_(options) {}

  // The hash finds, the whole key decides. Null: not there. Does not allocate.
  const std::shared_ptr<const Analyzed>* Find(uint64_t hash, std::string_view key) {
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end() || found->second->key != key) {
      ++misses_;
      return nullptr;
    }
    ++hits_;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->analyzed;
  }

  // Replaces what has the same hash.
  void Put(uint64_t hash, std::string_view key, std::shared_ptr<const Analyzed> analyzed);

  void Clear();

  PlanCacheStats Stats() const;

 private:
  struct Entry {
    uint64_t hash = 0;
    std::string key;
    std::shared_ptr<const Analyzed> analyzed;
    std::size_t bytes = 0;
  };

  using Entries = std::list<Entry>;

  void Evict(Entries::iterator entry);

  PlanCacheOptions options_;
  Entries entries_;  // most recently used first
  absl::flat_hash_map<uint64_t, Entries::iterator> by_hash_;
  std::size_t bytes_ = 0;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
  uint64_t evictions_ = 0;
};

}  // namespace pgreeve::plan
