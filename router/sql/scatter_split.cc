#include "router/sql/scatter_split.h"

#include <algorithm>
#include <string>
#include <utility>

#include "router/base/status_macros.h"
#include "router/sql/scatter_functions.h"
#include "router/sql/scatter_refusal.h"
#include "router/sql/scatter_tree.h"

namespace pgreeve::sql {

namespace {

enum class Split : uint8_t {
  kCount,  // coalesce(sum(c), 0)::int8
  kSum,    // sum(c), of the partial's own type
  kAvg,    // sum(s) / nullif(sum(n), 0): the division of Postgres' own avg
  kSame,   // the aggregate over its partials
};

struct AggregateSplit {
  std::string_view name;
  Split split;
  ScatterCombine native;
  bool ignores_distinct;  // the same over doubles
};

constexpr AggregateSplit kAggregates[] = {
    {"count", Split::kCount, ScatterCombine::kCount, false},
    {"sum", Split::kSum, ScatterCombine::kSum, false},
    {"avg", Split::kAvg, ScatterCombine::kExpression, false},
    {"min", Split::kSame, ScatterCombine::kMin, true},
    {"max", Split::kSame, ScatterCombine::kMax, true},
    {"bool_and", Split::kSame, ScatterCombine::kExpression, true},
    {"bool_or", Split::kSame, ScatterCombine::kExpression, true},
    {"every", Split::kSame, ScatterCombine::kExpression, true},
    {"bit_and", Split::kSame, ScatterCombine::kExpression, true},
    {"bit_or", Split::kSame, ScatterCombine::kExpression, true},
    {"bit_xor", Split::kSame, ScatterCombine::kExpression, false},
};

std::string_view NameOf(const FuncCall* call) {
  return NameAt(call->funcname, Count(call->funcname) - 1);
}

// Null for what is not an aggregate.
const AggregateSplit* AggregateOf(const Node* node) {
  const auto* call = As<FuncCall>(node, T_FuncCall);
  if (call == nullptr)
    return nullptr;
  for (const AggregateSplit& aggregate : kAggregates) {
    if (aggregate.name == NameOf(call))
      return &aggregate;
  }
  return nullptr;
}

std::string ColumnName(int column) {
  return "pgreeve_c" + std::to_string(column);
}

Node* PartialColumn(int column) {
  return MakeColumn(ColumnName(column));
}

Node* CallOf(const FuncCall* original, std::string_view function) {
  auto* call = Copy(original);
  call->funcname = reinterpret_cast<FuncCall*>(MakeCall(function, MakeInteger(0)))->funcname;
  call->agg_distinct = false;
  return AsNode(call);
}

Node* NullIfZero(Node* value) {
  return AsNode(makeSimpleA_Expr(AEXPR_NULLIF, pstrdup("="), value, MakeInteger(0), -1));
}

// The value that a DISTINCT aggregate sees of a row: null where its filter is false.
Node* FilteredArgument(const FuncCall* call) {
  Node* argument = Copy(Items(call->args)[0]);
  if (call->agg_filter == nullptr)
    return argument;
  auto* when = static_cast<CaseWhen*>(palloc0(sizeof(CaseWhen)));
  when->xpr.type = T_CaseWhen;
  when->expr = reinterpret_cast<Expr*>(Copy(call->agg_filter));
  when->result = reinterpret_cast<Expr*>(argument);
  when->location = -1;
  auto* choice = static_cast<CaseExpr*>(palloc0(sizeof(CaseExpr)));
  choice->xpr.type = T_CaseExpr;
  choice->args = list_make1(when);
  choice->location = -1;
  return AsNode(choice);
}

}  // namespace

absl::Status ScatterSplit::Split(const ScatterLimit& limit,
                                 ScatterShape* shape,
                                 SelectStmt** partial,
                                 SelectStmt** combine) {
  std::vector<Node*> keys;
  RETURN_IF_ERROR(FindKeys(&keys));
  std::vector<SortKey> order;
  RETURN_IF_ERROR(outputs_.ResolveOrderBy(&order));
  // Copies: what follows edits the statement in place, and keys are shared with it.
  for (Node*& key : keys) {
    key = Copy(key);
    Canonize(key);
    RETURN_IF_ERROR(CheckCollate(key));
    AddPartial(key);
  }
  group_keys_ = keys_ = partials_.size();
  for (SortKey& key : order)
    key.value = Copy(key.value);
  RETURN_IF_ERROR(FindDistinctArgument());
  native_ =
      limit.constant && distinct_column_ < 0 && select_->havingClause == nullptr &&
      (select_->distinctClause == nullptr || (select_->groupClause == nullptr && !aggregates_));

  SelectStmt* result = Copy(select_);
  result->fromClause = nullptr;
  result->whereClause = nullptr;
  RETURN_IF_ERROR(ReplaceTargets(result->targetList, shape));
  if (result->havingClause != nullptr) {
    Canonize(result->havingClause);
    RETURN_IF_ERROR(Replace(result->havingClause, false));
  }
  RETURN_IF_ERROR(ReplaceOrder(result, std::move(order), shape));
  const bool grouped = select_->groupClause != nullptr;
  result->groupClause = nullptr;
  for (std::size_t i = 0; grouped && i < keys.size(); ++i) {
    Node* column = WithCollateOf(keys[i], PartialColumn(static_cast<int>(i)));
    result->groupClause = lappend(result->groupClause, column);
  }
  if (partials_.empty())
    return ScatterRefused(ScatterRefusal::kExpression, "nothing to compute on the shards");
  shape->kind = ScatterKind::kGroup;
  shape->key_columns = static_cast<int>(keys_);
  shape->sum_columns = sums_;
  shape->native_possible = native_;
  if (!native_)
    shape->output.clear();
  *partial = MakePartial();
  *combine = result;
  return absl::OkStatus();
}

// The expressions of GROUP BY; without it and without aggregates, those of DISTINCT.
absl::Status ScatterSplit::FindKeys(std::vector<Node*>* keys) {
  RETURN_IF_ERROR(outputs_.ExpandStars());
  if (select_->groupClause != nullptr)
    return outputs_.ResolveGroupBy(keys);
  if (select_->distinctClause == nullptr || aggregates_)
    return absl::OkStatus();
  for (const Node* node : Items(select_->targetList)) {
    Node* value = reinterpret_cast<const ResTarget*>(node)->val;
    if (std::none_of(keys->begin(), keys->end(), [&](Node* key) { return equal(key, value); }))
      keys->push_back(value);
  }
  return absl::OkStatus();
}

// Finds the DISTINCT aggregates that need the rows' values.
absl::Status ScatterSplit::VisitDistinct(Node* node) {
  absl::Status status;
  if (const AggregateSplit* aggregate = AggregateOf(node)) {
    auto* function = reinterpret_cast<FuncCall*>(node);
    if (!function->agg_distinct || aggregate->ignores_distinct)
      return absl::OkStatus();
    if (Count(function->args) != 1)
      return ScatterRefused(ScatterRefusal::kDistinctAggregate);
    const bool of_tenants =
        aggregate->split == Split::kCount && source_.IsTenantColumn(Items(function->args)[0]);
    if (of_tenants && function->agg_filter == nullptr)
      return absl::OkStatus();
    auto* first = reinterpret_cast<FuncCall*>(distinct_argument_);
    if (first == nullptr) {
      distinct_argument_ = Copy(node);
    } else if (!equal(first->args, function->args) ||
               !equal(first->agg_filter, function->agg_filter)) {
      return ScatterRefused(ScatterRefusal::kDistinctAggregate, NameOf(function));
    }
    return absl::OkStatus();
  }
  ForEachChild(node, [&](Node*& child) {
    status = VisitDistinct(child);
    return status.ok();
  });
  return status;
}

absl::Status ScatterSplit::FindDistinctArgument() {
  for (Node* target : Items(select_->targetList))
    RETURN_IF_ERROR(VisitDistinct(target));
  for (Node* sort : Items(select_->sortClause))
    RETURN_IF_ERROR(VisitDistinct(sort));
  if (select_->havingClause != nullptr)
    RETURN_IF_ERROR(VisitDistinct(select_->havingClause));
  if (distinct_argument_ == nullptr)
    return absl::OkStatus();
  Node* value = FilteredArgument(reinterpret_cast<FuncCall*>(distinct_argument_));
  Canonize(value);
  RETURN_IF_ERROR(CheckCollate(value));
  distinct_column_ = AddPartial(value);
  keys_ = partials_.size();
  return absl::OkStatus();
}

// References to one column become the same nodes, whether they name the table or not.
void ScatterSplit::Canonize(Node*& slot) const {
  if (slot->type == T_ColumnRef) {
    const auto column = source_.Resolve(slot);
    if (!column)
      return;
    auto* name = reinterpret_cast<ColumnRef*>(MakeColumn(column->name));
    if (source_.relations().size() == 1) {
      slot = AsNode(name);
      return;
    }
    slot = MakeColumn(source_.relations()[column->relation].alias);
    auto* full = reinterpret_cast<ColumnRef*>(slot);
    full->fields = lappend(full->fields, linitial(name->fields));
    return;
  }
  ForEachChild(slot, [&](Node*& child) {
    Canonize(child);
    return true;
  });
}

// The number of the GROUP BY expression that the node is, or -1. A constant is a key only where it
// stands for itself: inside an expression it would lose its unknown type.
int ScatterSplit::KeyOf(const Node* node, bool whole) const {
  if (node->type == T_A_Const && !whole)
    return -1;
  for (std::size_t i = 0; i < group_keys_; ++i) {
    if (equal(node, partials_[i]))
      return static_cast<int>(i);
  }
  return -1;
}

absl::Status ScatterSplit::Replace(Node*& slot, bool whole) {
  if (const int key = KeyOf(slot, whole); key >= 0) {
    slot = WithCollateOf(partials_[static_cast<std::size_t>(key)], PartialColumn(key));
    return absl::OkStatus();
  }
  if (AggregateOf(slot) != nullptr)
    return CombineOf(slot);
  if (slot->type == T_ColumnRef)
    return ScatterRefused(ScatterRefusal::kUngrouped, FigureColumnName(slot));
  absl::Status status;
  ForEachChild(slot, [&](Node*& child) {
    status = Replace(child, false);
    return status.ok();
  });
  return status;
}

absl::Status ScatterSplit::CombineOf(Node*& slot) {
  auto* call = reinterpret_cast<FuncCall*>(slot);
  const AggregateSplit& aggregate = *AggregateOf(slot);
  if (call->agg_distinct && !aggregate.ignores_distinct) {
    const bool of_tenants = aggregate.split == Split::kCount && call->agg_filter == nullptr &&
                            source_.IsTenantColumn(Items(call->args)[0]);
    if (!of_tenants)
      return CombineDistinct(slot);
    // Rows grouped further by another DISTINCT argument repeat the tenants.
    if (distinct_column_ >= 0)
      return ScatterRefused(ScatterRefusal::kDistinctAggregate, aggregate.name);
  }
  switch (aggregate.split) {
    case Split::kCount: {
      Node* sum = MakeCall("sum", PartialColumn(AddPartial(slot)));
      auto* coalesce = static_cast<CoalesceExpr*>(palloc0(sizeof(CoalesceExpr)));
      coalesce->xpr.type = T_CoalesceExpr;
      coalesce->args = list_make2(sum, MakeInteger(0));
      coalesce->location = -1;
      slot = MakeCast(AsNode(coalesce), MakeSystemType("int8"));
      return absl::OkStatus();
    }
    case Split::kSum: {
      const int column = AddPartial(slot);
      sums_.push_back(column);
      slot = MakeCast(MakeCall("sum", PartialColumn(column)),
                      MakeType("pgreeve_t" + std::to_string(column)));
      return absl::OkStatus();
    }
    case Split::kAvg: {
      const int sum = AddPartial(CallOf(call, "sum"));
      sums_.push_back(sum);
      const int count = AddPartial(CallOf(call, "count"));
      slot = MakeOperation("/",
                           MakeCall("sum", PartialColumn(sum)),
                           NullIfZero(MakeCall("sum", PartialColumn(count))));
      return absl::OkStatus();
    }
    case Split::kSame: {
      if (Count(call->args) != 1)
        return ScatterRefused(ScatterRefusal::kAggregateForm, aggregate.name);
      Node* argument = Items(call->args)[0];
      RETURN_IF_ERROR(CheckCollate(argument));
      call->agg_distinct = false;
      const int column = AddPartial(slot);
      slot = MakeCall(aggregate.name, WithCollateOf(argument, PartialColumn(column)));
      return absl::OkStatus();
    }
  }
  return ScatterRefused(ScatterRefusal::kAggregate, aggregate.name);
}

// The shards send each value once a group; the aggregate itself runs in the combine.
absl::Status ScatterSplit::CombineDistinct(Node*& slot) {
  auto* call = reinterpret_cast<FuncCall*>(slot);
  Node* argument = Items(call->args)[0];
  call->args = list_make1(WithCollateOf(argument, PartialColumn(distinct_column_)));
  call->agg_filter = nullptr;
  return absl::OkStatus();
}

int ScatterSplit::AddPartial(Node* value) {
  for (std::size_t i = 0; i < partials_.size(); ++i) {
    if (equal(partials_[i], value))
      return newest_ = static_cast<int>(i);
  }
  partials_.push_back(Copy(value));
  return newest_ = static_cast<int>(partials_.size() - 1);
}

absl::Status ScatterSplit::ReplaceTargets(List* targets, ScatterShape* shape) {
  for (std::size_t i = 0; i < Count(targets); ++i) {
    Node*& value = reinterpret_cast<ResTarget*>(Cell(targets, i))->val;
    Canonize(value);
    ScatterOutput output;
    output.partial = KeyOf(value, true);
    if (output.partial >= 0)
      output.combine = ScatterCombine::kKey;
    else if (const AggregateSplit* aggregate = AggregateOf(value))
      output.combine = aggregate->native;
    RETURN_IF_ERROR(Replace(value, true));
    if (output.combine != ScatterCombine::kKey)
      output.partial = newest_;
    native_ = native_ && output.combine != ScatterCombine::kExpression;
    shape->output.push_back(output);
    Cell(targets, i) = AsNode(MakeTarget(value, outputs_.names()[i]));
  }
  return absl::OkStatus();
}

absl::Status ScatterSplit::ReplaceOrder(SelectStmt* combine,
                                        std::vector<SortKey> keys,
                                        ScatterShape* shape) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto* sort = reinterpret_cast<SortBy*>(Cell(combine->sortClause, i));
    SortKey& key = keys[i];
    if (key.output >= 0) {
      sort->node = MakeInteger(key.output + 1);
      shape->order.push_back({key.output, key.descending, key.nulls_first, key.bytewise});
      continue;
    }
    native_ = false;
    sort->node = key.value;
    Canonize(sort->node);
    RETURN_IF_ERROR(Replace(sort->node, true));
  }
  if (!native_)
    shape->order.clear();
  return absl::OkStatus();
}

SelectStmt* ScatterSplit::MakePartial() const {
  SelectStmt* partial = Copy(select_);
  partial->targetList = nullptr;
  partial->havingClause = nullptr;
  partial->sortClause = nullptr;
  partial->distinctClause = nullptr;
  partial->groupClause = nullptr;
  partial->limitCount = nullptr;
  partial->limitOffset = nullptr;
  partial->limitOption = static_cast<LimitOption>(kLimitDefault);
  for (std::size_t i = 0; i < partials_.size(); ++i) {
    const int column = static_cast<int>(i);
    partial->targetList =
        lappend(partial->targetList, MakeTarget(partials_[i], ColumnName(column)));
    if (i < keys_)
      partial->groupClause = lappend(partial->groupClause, MakeInteger(column + 1));
  }
  return partial;
}

}  // namespace pgreeve::sql
