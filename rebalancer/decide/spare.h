// Which shards to create ahead of need: each tier and region of the settings keeps a number of
// empty shards, so that a new tenant never waits for CREATE DATABASE. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "router/base/ids.h"

namespace pgreeve::rebalancer {

struct ShardUse {
  NodeId node;
  std::string tier;
  std::string region;
  bool open = false;  // takes new tenants
  int32_t tenants = 0;
  int32_t capacity = 0;
};

struct NodeRoom {
  NodeId id;
  std::string name;
  std::string region;
  int32_t shards_max = 0;  // 0: no limit
  bool enabled = true;
};

// "Keep `spares` shards with room that hold no tenant, in this tier and region."
struct SpareRule {
  std::string tier;
  std::string region;
  int32_t spares = 1;
};

struct SpareRequest {
  std::string tier;
  std::string region;
  NodeId node;
  bool operator==(const SpareRequest&) const = default;
};

// One request per missing spare; a node is used again only after its new shard is counted. Rules
// that no node can serve are left out and named in `unserved`.
struct SparePlan {
  std::vector<SpareRequest> create;
  std::vector<SpareRule> unserved;
};

SparePlan PlanSpares(const std::vector<SpareRule>& rules,
                     const std::vector<ShardUse>& shards,
                     const std::vector<NodeRoom>& nodes);

// The node of the region with the fewest shards and room for one more; ties go to the lower id.
std::optional<NodeId> ChooseNode(const std::string& region,
                                 const std::vector<ShardUse>& shards,
                                 const std::vector<NodeRoom>& nodes);

}  // namespace pgreeve::rebalancer
