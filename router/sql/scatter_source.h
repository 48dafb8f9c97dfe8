// FROM and WHERE of a cross-shard statement: which relations it reads, whether the join of their
// tenant columns keeps every match on one shard, and what a column name refers to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "router/base/table_set.h"

struct List;
struct Node;

namespace pgreeve::sql {

class ScatterSource {
 public:
  struct Relation {
    std::string alias;
    const TableFact* fact = nullptr;

    bool sharded() const { return fact->kind == TableKind::kSharded; }
  };

  struct Column {
    std::size_t relation = 0;
    std::string name;
  };

  enum class Has : uint8_t { kNo, kYes, kUnknown };

  // Views must live as long as this object. Errors: 0A000.
  absl::Status Read(List* from,
                    Node* where,
                    const TableSet& tables,
                    const std::vector<std::string>& search_path);

  const std::vector<Relation>& relations() const { return relations_; }

  // What a ColumnRef refers to; nothing when that cannot be told.
  std::optional<Column> Resolve(const Node* reference) const;

  // A reference to a tenant column of a sharded relation.
  bool IsTenantColumn(const Node* reference) const;

  // Does any relation have a column of that name?
  Has HasColumn(std::string_view name) const;

  // Every column of `*` or `alias.*` in order, as references; nothing when not known.
  std::optional<std::vector<std::pair<std::string, std::string>>> Star(const Node* star) const;

  // The first sharded relation's tenant column, qualified and quoted.
  std::string TenantColumnSql() const;

 private:
  absl::Status AddItem(Node* item, int depth);
  absl::Status AddTable(Node* item);
  absl::Status AddJoin(Node* item, int depth);
  const TableFact* Find(std::string_view schema, std::string_view name) const;
  void ReadEqualities(Node* condition, int depth);
  void JoinTenants(std::size_t a, std::size_t b);
  std::size_t Root(std::size_t relation) const;

  const TableSet* tables_ = nullptr;
  const std::vector<std::string>* search_path_ = nullptr;
  std::vector<Relation> relations_;
  std::vector<std::size_t> parent_;          // union-find over relations joined by tenant
  std::vector<std::string> merged_columns_;  // of USING
};

}  // namespace pgreeve::sql
