// Who waits for a backend of one shard and role, and whose turn it is: tenants in turn, `weight`
// grants a turn, first in first out within a tenant. A tenant with a thousand waiters does not hold
// up one with a single waiter. Pure: time comes in.
// Cost: O(1) and no allocation in the long run; NextOf looks at kLookahead waiters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

namespace pgreeve::policy {

class WaitQueue {
 public:
  // Small numbers, used again after a waiter has gone: an index for the caller's own arrays.
  using Ticket = uint32_t;
  static constexpr Ticket kNone = std::numeric_limits<Ticket>::max();
  static constexpr int kLookahead = 16;

  // `tenant` and `binding` are numbers that stand for them; `weight` ≥ 1 is remembered for the
  // tenant as long as it has waiters.
  Ticket Push(uint64_t tenant, uint64_t binding, absl::Duration now, uint32_t weight = 1);

  // Takes a waiter out that gives up.
  void Remove(Ticket ticket);
  // Takes a waiter out that is served; the turn goes on when its tenant has had its share.
  void Serve(Ticket ticket);

  // Whose turn it is. kNone: nobody waits.
  Ticket Next() const;
  // The first waiter of `tenant`, among its first kLookahead, that wants exactly `binding`.
  Ticket NextOf(uint64_t tenant, uint64_t binding) const;

  // The one that has waited longest.
  Ticket Oldest() const { return oldest_; }

  std::size_t size() const { return size_; }

  bool empty() const { return size_ == 0; }

  absl::Duration since(Ticket ticket) const { return nodes_[ticket].since; }

  uint64_t binding(Ticket ticket) const { return nodes_[ticket].binding; }

 private:
  using Index = uint32_t;

  struct Node {
    uint64_t binding = 0;
    absl::Duration since;
    Index group = kNone;
    Ticket previous = kNone;  // in the tenant
    Ticket next = kNone;
    Ticket older = kNone;  // in order of arrival
    Ticket younger = kNone;
  };

  struct Group {
    uint64_t tenant = 0;
    Ticket first = kNone;
    Ticket last = kNone;
    uint32_t weight = 1;
    uint32_t served = 0;     // in this turn
    Index previous = kNone;  // in the ring of tenants that wait
    Index next = kNone;
  };

  Ticket NewNode();
  Index GroupOf(uint64_t tenant);
  void EnterRing(Index group);
  void LeaveRing(Index group);

  std::vector<Node> nodes_;
  std::vector<Ticket> free_nodes_;
  std::vector<Group> groups_;
  std::vector<Index> free_groups_;
  absl::flat_hash_map<uint64_t, Index> group_of_;
  Index turn_ = kNone;
  Ticket oldest_ = kNone;
  Ticket youngest_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace pgreeve::policy
