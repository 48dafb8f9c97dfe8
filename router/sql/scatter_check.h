// Reads every expression of a cross-shard statement once: refuses what may differ from shard to
// shard or what nobody has proved (kinds of nodes, functions and types are lists of what is
// allowed), pins now() and its like, and brings expressions into a form that deparses faithfully.
#pragma once

#include <string>

#include <absl/status/status.h>

struct Node;

namespace pgreeve::sql {

constexpr int kScatterDepthMax = 400;

class ScatterCheck {
 public:
  // May replace the node. Null is fine. Errors: 0A000.
  absl::Status Check(Node*& slot) { return Visit(slot, 0, false); }

  bool pins_now() const { return pins_now_; }

  bool has_aggregate() const { return has_aggregate_; }

  // The first call that cannot be split and needs whole groups on one shard; OK when there is none.
  const absl::Status& needs_whole_groups() const { return needs_whole_groups_; }

 private:
  absl::Status Visit(Node*& slot, int depth, bool in_aggregate);
  absl::Status CheckNode(Node* node) const;
  absl::Status CheckCall(Node*& slot, bool* is_aggregate);
  absl::Status PinValueFunction(Node*& slot);
  void NeedWholeGroups(absl::Status why);

  bool pins_now_ = false;
  bool has_aggregate_ = false;
  absl::Status needs_whole_groups_;
};

// A name that the combine step uses itself. Errors: 0A000.
absl::Status CheckReserved(std::string_view name);

}  // namespace pgreeve::sql
