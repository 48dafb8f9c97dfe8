// Distinct types for the numbers that name things, so that none is taken for another.
// Immutable values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace pgreeve {

// One database on one Postgres cluster. 0 means "none"; catalog numbers start at 1.
struct ShardId {
  int32_t value = 0;
  auto operator<=>(const ShardId&) const = default;

  explicit operator bool() const { return value != 0; }
};

// A Postgres cluster, which may hold several shards. 0 means "none".
struct NodeId {
  int32_t value = 0;
  auto operator<=>(const NodeId&) const = default;
};

// Version of all placement: compared by the catalog's timeline first, then by the counter.
struct Epoch {
  uint32_t timeline = 0;
  uint64_t n = 0;
  auto operator<=>(const Epoch&) const = default;
};

// "3.118": the timeline, a dot, the counter.
inline std::string ToString(Epoch epoch) {
  return std::to_string(epoch.timeline) + "." + std::to_string(epoch.n);
}

template <class H>
H AbslHashValue(H h, ShardId id) {
  return H::combine(std::move(h), id.value);
}

}  // namespace pgreeve
