// Aggregates and DISTINCT over all shards: every aggregate becomes one or two columns that each
// shard computes for its own rows, and an expression over these that gives what Postgres would
// have computed over all. How each one splits is the table in scatter_split.cc.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>

#include "router/sql/scatter_limit.h"
#include "router/sql/scatter_outputs.h"
#include "router/sql/scatter_shape.h"
#include "router/sql/scatter_source.h"

namespace pgreeve::sql {

class ScatterSplit {
 public:
  // `aggregates`: the statement calls an aggregate anywhere.
  ScatterSplit(SelectStmt* select,
               const ScatterSource& source,
               ScatterOutputs& outputs,
               bool aggregates)
      : select_(select),
        source_(source),
        outputs_(outputs),
        aggregates_(aggregates) {}

  // Fills the shape but for its texts, and makes the two statements. Errors: 0A000.
  absl::Status Split(const ScatterLimit& limit,
                     ScatterShape* shape,
                     SelectStmt** partial,
                     SelectStmt** combine);

 private:
  absl::Status FindKeys(std::vector<Node*>* keys);
  absl::Status FindDistinctArgument();
  absl::Status VisitDistinct(Node* node);
  absl::Status Replace(Node*& slot, bool whole);
  absl::Status CombineOf(Node*& slot);
  absl::Status CombineDistinct(Node*& slot);
  absl::Status ReplaceTargets(List* targets, ScatterShape* shape);
  absl::Status ReplaceOrder(SelectStmt* combine, std::vector<SortKey> keys, ScatterShape* shape);
  void Canonize(Node*& slot) const;
  int KeyOf(const Node* node, bool whole) const;
  int AddPartial(Node* value);
  SelectStmt* MakePartial() const;

  SelectStmt* select_;
  const ScatterSource& source_;
  ScatterOutputs& outputs_;
  const bool aggregates_;
  std::vector<Node*> partials_;  // keys first
  std::size_t group_keys_ = 0;
  std::size_t keys_ = 0;  // those and the value of DISTINCT aggregates
  int newest_ = -1;       // what AddPartial returned last
  std::vector<int> sums_;
  Node* distinct_argument_ = nullptr;  // the call whose argument all DISTINCT aggregates share
  int distinct_column_ = -1;
  bool native_ = true;
};

}  // namespace pgreeve::sql
