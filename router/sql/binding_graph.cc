#include "router/sql/binding_graph.h"

#include <cstddef>

namespace pgreeve::sql {

int BindingGraph::AddNode(int relation) {
  nodes_.emplace_back().relation = relation;
  return size() - 1;
}

void BindingGraph::Bind(int node, const ValueSource& source) {
  nodes_[static_cast<std::size_t>(node)].has_source = true;
  sources_.push_back({node, source});
}

void BindingGraph::Flow(int from, int to) {
  if (from != to)
    nodes_[static_cast<std::size_t>(from)].to.push_back(to);
}

void BindingGraph::FlowAll(const std::vector<int>& inputs, int output) {
  nodes_[static_cast<std::size_t>(output)].needs += static_cast<int>(inputs.size());
  for (const int input : inputs)
    nodes_[static_cast<std::size_t>(input)].counted_to.push_back(output);
}

void BindingGraph::Resolve() {
  std::vector<int> queue;
  const auto mark = [&](int node) {
    Node& n = nodes_[static_cast<std::size_t>(node)];
    if (n.bound)
      return;
    n.bound = true;
    queue.push_back(node);
  };
  for (int i = 0; i < size(); ++i) {
    if (nodes_[static_cast<std::size_t>(i)].has_source)
      mark(i);
  }
  while (!queue.empty()) {
    const auto at = static_cast<std::size_t>(queue.back());
    queue.pop_back();
    for (const int next : nodes_[at].to)
      mark(next);
    for (const int output : nodes_[at].counted_to) {
      if (--nodes_[static_cast<std::size_t>(output)].needs == 0)
        mark(output);
    }
  }
}

std::vector<int> BindingGraph::ReachedRelations() const {
  std::vector<std::vector<int>> reversed(nodes_.size());
  std::vector<int> reached(nodes_.size(), -1);
  std::vector<std::size_t> queue;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const auto* edges : {&nodes_[i].to, &nodes_[i].counted_to}) {
      for (const int next : *edges)
        reversed[static_cast<std::size_t>(next)].push_back(static_cast<int>(i));
    }
    if (nodes_[i].relation >= 0) {
      reached[i] = nodes_[i].relation;
      queue.push_back(i);
    }
  }
  while (!queue.empty()) {
    const std::size_t at = queue.back();
    queue.pop_back();
    for (const int before : reversed[at]) {
      int& label = reached[static_cast<std::size_t>(before)];
      if (label >= 0)
        continue;
      label = reached[at];
      queue.push_back(static_cast<std::size_t>(before));
    }
  }
  return reached;
}

std::vector<Binding> BindingGraph::Bindings() const {
  const std::vector<int> reached = ReachedRelations();
  std::vector<Binding> bindings;
  for (const Source& source : sources_) {
    const int relation = reached[static_cast<std::size_t>(source.node)];
    if (relation < 0)
      continue;
    Binding& binding = bindings.emplace_back();
    binding.source = source.value;
    binding.relation = relation;
  }
  return bindings;
}

}  // namespace pgreeve::sql
