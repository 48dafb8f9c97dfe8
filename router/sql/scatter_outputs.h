// What positions, output names and expressions in GROUP BY and ORDER BY of a cross-shard statement
// stand for, as Postgres resolves them.
// Source: findTargetlistEntrySQL92 and -SQL99, parser/parse_clause.c.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "router/sql/scatter_source.h"

struct List;
struct Node;
struct SelectStmt;
struct SortBy;

namespace pgreeve::sql {

struct SortKey {
  int output = -1;        // index of the target; -1: an expression of its own
  Node* value = nullptr;  // the resolved expression, shared with the target
  bool descending = false;
  bool nulls_first = false;
  bool bytewise = false;
};

class ScatterOutputs {
 public:
  // `select` and `source` must outlive this object. Gives each target its name, before anything
  // is edited. Errors: 0A000.
  absl::Status Read(SelectStmt* select, const ScatterSource& source);

  bool has_star() const { return has_star_; }

  // Replaces * by its columns. Errors: 0A000 when they are not known.
  absl::Status ExpandStars();

  const std::vector<std::string>& names() const { return names_; }

  // The expressions of GROUP BY, without doubles. Errors: 0A000.
  absl::Status ResolveGroupBy(std::vector<Node*>* keys);
  absl::Status ResolveOrderBy(std::vector<SortKey>* keys);

 private:
  absl::Status ReadNames();
  absl::Status ResolveGroupItem(Node* item, std::vector<Node*>* keys, int depth);
  absl::Status AtPosition(int position, int* output);
  absl::Status FindName(std::string_view name, int* output) const;
  absl::Status ReadSort(const SortBy* sort, SortKey* key);

  SelectStmt* select_ = nullptr;
  const ScatterSource* source_ = nullptr;
  std::vector<std::string> names_;  // of each target; "*" for a star
  bool has_star_ = false;
};

}  // namespace pgreeve::sql
