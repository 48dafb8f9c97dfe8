// Which relations of a statement are restricted to the statement's tenant. A node is a tenant
// column of one use of a relation, or a column derived from it. An edge says: when the rows of
// `from` that matter carry the tenant (or NULL), so do the rows of `to` that matter. Constants bind
// nodes. All constants that reach a relation must name the same tenant, which the planner checks at
// each execution; here "bound" is therefore a plain yes or no. Value; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "router/sql/statement_facts.h"

namespace pgreeve::sql {

class BindingGraph {
 public:
  // `relation` is a number in StatementFacts::relations, or -1 for derived columns.
  int AddNode(int relation);

  // `source` restricts the node.
  void Bind(int node, const ValueSource& source);

  void Flow(int from, int to);

  void Equal(int a, int b) {
    Flow(a, b);
    Flow(b, a);
  }

  // `output` carries the tenant only when all inputs do.
  void FlowAll(const std::vector<int>& inputs, int output);

  // After this, bound() answers. Cost: linear in nodes and edges.
  void Resolve();

  bool bound(int node) const { return nodes_[static_cast<std::size_t>(node)].bound; }

  // Constants that reach a relation, with the (first) relation that each reaches.
  std::vector<Binding> Bindings() const;

  int size() const { return static_cast<int>(nodes_.size()); }

  std::size_t source_count() const { return sources_.size(); }

 private:
  struct Node {
    int relation = -1;
    int needs = 0;  // inputs still missing, for nodes with FlowAll
    bool bound = false;
    bool has_source = false;
    std::vector<int> to;
    std::vector<int> counted_to;  // FlowAll outputs
  };

  struct Source {
    int node;
    ValueSource value;
  };

  // For each node, a relation whose rows it restricts; -1: none. Linear.
  std::vector<int> ReachedRelations() const;

  std::vector<Node> nodes_;
  std::vector<Source> sources_;
};

}  // namespace pgreeve::sql
