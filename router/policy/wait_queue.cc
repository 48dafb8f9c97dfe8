#include "router/policy/wait_queue.h"

#include <algorithm>

namespace pgreeve::policy {

WaitQueue::Ticket WaitQueue::NewNode() {
  if (free_nodes_.empty()) {
    nodes_.emplace_back();
    return static_cast<Ticket>(nodes_.size() - 1);
  }
  const Ticket ticket = free_nodes_.back();
  free_nodes_.pop_back();
  nodes_[ticket] = Node();
  return ticket;
}

WaitQueue::Index WaitQueue::GroupOf(uint64_t tenant) {
  const auto [it, is_new] = group_of_.try_emplace(tenant, kNone);
  if (!is_new)
    return it->second;
  if (free_groups_.empty()) {
    it->second = static_cast<Index>(groups_.size());
    groups_.emplace_back();
  } else {
    it->second = free_groups_.back();
    free_groups_.pop_back();
    groups_[it->second] = Group();
  }
  groups_[it->second].tenant = tenant;
  EnterRing(it->second);
  return it->second;
}

// A newcomer's turn comes after everybody else's.
void WaitQueue::EnterRing(Index group) {
  Group& entering = groups_[group];
  if (turn_ == kNone) {
    entering.previous = entering.next = group;
    turn_ = group;
    return;
  }
  entering.next = turn_;
  entering.previous = groups_[turn_].previous;
  groups_[entering.previous].next = group;
  groups_[turn_].previous = group;
}

void WaitQueue::LeaveRing(Index group) {
  const Group& leaving = groups_[group];
  if (leaving.next == group) {
    turn_ = kNone;
  } else {
    groups_[leaving.previous].next = leaving.next;
    groups_[leaving.next].previous = leaving.previous;
    if (turn_ == group)
      turn_ = leaving.next;
  }
  group_of_.erase(leaving.tenant);
  free_groups_.push_back(group);
}

WaitQueue::Ticket WaitQueue::Push(uint64_t tenant,
                                  uint64_t binding,
                                  absl::Duration now,
                                  uint32_t weight) {
  const Index group_index = GroupOf(tenant);
  const Ticket ticket = NewNode();
  Node& node = nodes_[ticket];
  Group& group = groups_[group_index];
  group.weight = std::max(weight, 1U);
  node.binding = binding;
  node.since = now;
  node.group = group_index;
  node.previous = group.last;
  if (group.last == kNone)
    group.first = ticket;
  else
    nodes_[group.last].next = ticket;
  group.last = ticket;
  node.older = youngest_;
  if (youngest_ == kNone)
    oldest_ = ticket;
  else
    nodes_[youngest_].younger = ticket;
  youngest_ = ticket;
  ++size_;
  return ticket;
}

void WaitQueue::Remove(Ticket ticket) {
  const Node& node = nodes_[ticket];
  Group& group = groups_[node.group];
  (node.previous == kNone ? group.first : nodes_[node.previous].next) = node.next;
  (node.next == kNone ? group.last : nodes_[node.next].previous) = node.previous;
  (node.older == kNone ? oldest_ : nodes_[node.older].younger) = node.younger;
  (node.younger == kNone ? youngest_ : nodes_[node.younger].older) = node.older;
  if (group.first == kNone)
    LeaveRing(node.group);
  free_nodes_.push_back(ticket);
  --size_;
}

void WaitQueue::Serve(Ticket ticket) {
  const Index group_index = nodes_[ticket].group;
  Group& group = groups_[group_index];
  if (group_index == turn_ && ++group.served >= group.weight) {
    group.served = 0;
    turn_ = group.next;
  }
  Remove(ticket);
}

WaitQueue::Ticket WaitQueue::Next() const {
  return turn_ == kNone ? kNone : groups_[turn_].first;
}

WaitQueue::Ticket WaitQueue::NextOf(uint64_t tenant, uint64_t binding) const {
  const auto it = group_of_.find(tenant);
  if (it == group_of_.end())
    return kNone;
  Ticket at = groups_[it->second].first;
  for (int seen = 0; at != kNone && seen < kLookahead; ++seen, at = nodes_[at].next) {
    if (nodes_[at].binding == binding)
      return at;
  }
  return kNone;
}

}  // namespace pgreeve::policy
