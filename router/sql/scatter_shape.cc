#include "router/sql/scatter_shape.h"

#include <algorithm>
#include <string>
#include <utility>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/sql/pg_tree.h"
#include "router/sql/scatter_check.h"
#include "router/sql/scatter_limit.h"
#include "router/sql/scatter_outputs.h"
#include "router/sql/scatter_refusal.h"
#include "router/sql/scatter_source.h"
#include "router/sql/scatter_split.h"
#include "router/sql/scatter_tree.h"

namespace pgreeve::sql {

namespace {

// The clauses that no shape has.
absl::Status CheckClauses(const SelectStmt* select) {
  if (select->op != SETOP_NONE)
    return ScatterRefused(ScatterRefusal::kSetOperation);
  if (select->withClause != nullptr)
    return ScatterRefused(ScatterRefusal::kWith);
  if (select->valuesLists != nullptr || select->fromClause == nullptr)
    return ScatterRefused(ScatterRefusal::kNoFrom);
  if (select->intoClause != nullptr)
    return ScatterRefused(ScatterRefusal::kNotSelect, "SELECT INTO");
  if (select->lockingClause != nullptr)
    return ScatterRefused(ScatterRefusal::kLocking);
  if (select->windowClause != nullptr)
    return ScatterRefused(ScatterRefusal::kWindow);
  if (Count(select->distinctClause) > 0 && linitial(select->distinctClause) != nullptr)
    return ScatterRefused(ScatterRefusal::kDistinctOn);
  return absl::OkStatus();
}

absl::Status CheckFrom(ScatterCheck& check, Node* item, int depth) {
  if (depth > kScatterDepthMax)
    return ScatterRefused(ScatterRefusal::kTooDeep);
  auto* join = Edit<JoinExpr>(item, T_JoinExpr);
  if (join == nullptr)
    return absl::OkStatus();
  RETURN_IF_ERROR(CheckFrom(check, join->larg, depth + 1));
  RETURN_IF_ERROR(CheckFrom(check, join->rarg, depth + 1));
  return check.Check(join->quals);
}

absl::Status CheckExpressions(ScatterCheck& check, SelectStmt* select) {
  for (List* list : {select->targetList, select->groupClause, select->sortClause}) {
    for (std::size_t i = 0; i < Count(list); ++i) {
      if (Cell(list, i)->type == T_GroupingSet)
        return ScatterRefused(ScatterRefusal::kGroupingSets);
      RETURN_IF_ERROR(check.Check(Cell(list, i)));
    }
  }
  for (Node* item : Items(select->fromClause))
    RETURN_IF_ERROR(CheckFrom(check, item, 0));
  RETURN_IF_ERROR(check.Check(select->whereClause));
  RETURN_IF_ERROR(check.Check(select->havingClause));
  RETURN_IF_ERROR(check.Check(select->limitCount));
  return check.Check(select->limitOffset);
}

// One statement from text to shape; lives as long as its tree.
class Shaper {
 public:
  Shaper(SelectStmt* select, const TableSet& tables, const std::vector<std::string>& search_path)
      : select_(select),
        tables_(tables),
        search_path_(search_path) {}

  absl::StatusOr<ScatterShape> Shape();

 private:
  absl::StatusOr<bool> StaysWhole();
  bool OutputsTenant() const;
  absl::Status MakeListing(SelectStmt** partial, SelectStmt** combine);
  absl::Status AddHiddenKeys(SelectStmt* partial, SelectStmt* combine);

  SelectStmt* select_;
  const TableSet& tables_;
  const std::vector<std::string>& search_path_;
  ScatterSource source_;
  ScatterOutputs outputs_;
  ScatterCheck check_;
  ScatterLimit limit_;
  ScatterShape shape_;
};

absl::StatusOr<ScatterShape> Shaper::Shape() {
  RETURN_IF_ERROR(CheckClauses(select_));
  RETURN_IF_ERROR(source_.Read(select_->fromClause, select_->whereClause, tables_, search_path_));
  RETURN_IF_ERROR(outputs_.Read(select_, source_));
  RETURN_IF_ERROR(CheckExpressions(check_, select_));
  RETURN_IF_ERROR(ReadLimit(select_, &limit_));
  SelectStmt* partial = nullptr;
  SelectStmt* combine = nullptr;
  ASSIGN_OR_RETURN(const bool whole, StaysWhole());
  if (whole) {
    RETURN_IF_ERROR(MakeListing(&partial, &combine));
  } else {
    RETURN_IF_ERROR(check_.needs_whole_groups());
    ScatterSplit split(select_, source_, outputs_, check_.has_aggregate());
    RETURN_IF_ERROR(split.Split(limit_, &shape_, &partial, &combine));
  }
  shape_.pins_now = check_.pins_now();
  shape_.limit = limit_.constant ? limit_.count : -1;
  shape_.offset = limit_.constant ? limit_.offset : 0;
  shape_.tenant_column = source_.TenantColumnSql();
  combine->fromClause = list_make1(MakeTable("pgreeve_partial"));
  std::vector<std::string> texts;
  if (!DeparseProven({partial, combine}, &texts))
    return ScatterRefused(ScatterRefusal::kRewrite);
  shape_.partial_sql = std::move(texts[0]);
  shape_.combine_sql = std::move(texts[1]);
  return std::move(shape_);
}

// Every group, or every row, is made of one tenant's rows: the shards do all but merging.
absl::StatusOr<bool> Shaper::StaysWhole() {
  const bool grouped =
      select_->groupClause != nullptr || select_->havingClause != nullptr || check_.has_aggregate();
  if (select_->distinctClause != nullptr && !OutputsTenant())
    return false;
  if (!grouped)
    return true;
  std::vector<Node*> keys;
  RETURN_IF_ERROR(outputs_.ResolveGroupBy(&keys));
  return std::any_of(
      keys.begin(), keys.end(), [&](const Node* key) { return source_.IsTenantColumn(key); });
}

bool Shaper::OutputsTenant() const {
  for (const Node* node : Items(select_->targetList)) {
    const Node* value = reinterpret_cast<const ResTarget*>(node)->val;
    // * without columns known: every table's, so the tenant's column, is among them.
    if (source_.IsTenantColumn(value) ||
        (IsStar(value) && Count(reinterpret_cast<const ColumnRef*>(value)->fields) == 1))
      return true;
  }
  return false;
}

absl::Status Shaper::MakeListing(SelectStmt** partial, SelectStmt** combine) {
  auto* all = static_cast<SelectStmt*>(palloc0(sizeof(SelectStmt)));
  all->type = T_SelectStmt;
  all->targetList = list_make1(MakeTarget(MakeColumn("pgreeve_visible"), ""));
  all->limitCount = Copy(select_->limitCount);
  all->limitOffset = Copy(select_->limitOffset);
  all->limitOption = select_->limitOption;
  const bool ordered = select_->sortClause != nullptr;
  if (ordered)
    RETURN_IF_ERROR(AddHiddenKeys(select_, all));
  LimitPartial(limit_, select_);
  // Without constants nobody can stop at the limit while rows stream.
  shape_.kind = ordered || !limit_.constant ? ScatterKind::kOrdered : ScatterKind::kConcat;
  shape_.native_possible = limit_.constant;
  *partial = select_;
  *combine = all;
  return absl::OkStatus();
}

void ShiftPositions(List* items, int by) {
  for (std::size_t i = 0; i < Count(items); ++i) {
    Node* item = Cell(items, i);
    if (auto* sort = Edit<SortBy>(item, T_SortBy))
      item = sort->node;
    auto* constant = Edit<A_Const>(item, T_A_Const);
    if (constant != nullptr && !constant->isnull && constant->val.node.type == T_Integer)
      constant->val.ival.ival += by;
  }
}

// The sort keys become the first columns of the partial rows, so that what stands behind, * too,
// need not be known.
absl::Status Shaper::AddHiddenKeys(SelectStmt* partial, SelectStmt* combine) {
  std::vector<SortKey> keys;
  RETURN_IF_ERROR(outputs_.ResolveOrderBy(&keys));
  List* targets = nullptr;
  combine->sortClause = Copy(partial->sortClause);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const SortKey& key = keys[i];
    RETURN_IF_ERROR(CheckCollate(key.value));
    const int column = static_cast<int>(i);
    const std::string name = "pgreeve_c" + std::to_string(column);
    targets = lappend(targets, MakeTarget(Copy(key.value), name));
    reinterpret_cast<SortBy*>(Cell(combine->sortClause, i))->node =
        WithCollateOf(key.value, MakeColumn(name));
    shape_.order.push_back({column, key.descending, key.nulls_first, key.bytewise});
  }
  ShiftPositions(partial->sortClause, static_cast<int>(keys.size()));
  ShiftPositions(partial->groupClause, static_cast<int>(keys.size()));
  partial->targetList = list_concat(targets, partial->targetList);
  shape_.hidden_columns = static_cast<int>(keys.size());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ScatterShape> ShapeScatter(std::string_view statement_sql,
                                          const TableSet& tables,
                                          const std::vector<std::string>& search_path) {
  const RawTree tree(statement_sql);
  if (!tree.ok())
    return ToStatus(tree.error());
  const Items<RawStmt> statements(tree.statements());
  Node* first = statements.size() == 1 ? statements[0]->stmt : nullptr;
  auto* select = Edit<SelectStmt>(first, T_SelectStmt);
  if (select == nullptr)
    return ScatterRefused(ScatterRefusal::kNotSelect);
  return Shaper(select, tables, search_path).Shape();
}

}  // namespace pgreeve::sql
