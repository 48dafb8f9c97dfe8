#include "router/sql/scatter_outputs.h"

#include <algorithm>

#include "router/base/status_macros.h"
#include "router/sql/scatter_check.h"
#include "router/sql/scatter_refusal.h"
#include "router/sql/scatter_tree.h"

namespace pgreeve::sql {

namespace {

ResTarget* TargetAt(SelectStmt* select, std::size_t i) {
  return reinterpret_cast<ResTarget*>(Cell(select->targetList, i));
}

const A_Const* IntegerConstant(const Node* node) {
  const auto* constant = As<A_Const>(node, T_A_Const);
  return constant != nullptr && !constant->isnull && constant->val.node.type == T_Integer ? constant
                                                                                          : nullptr;
}

bool IsBytewise(const Node* value) {
  const auto* collate = As<CollateClause>(value, T_CollateClause);
  if (collate == nullptr)
    return false;
  const std::string_view name = NameAt(collate->collname, Count(collate->collname) - 1);
  return name == "C" || name == "POSIX";
}

// The one field of an unqualified reference; empty for others.
std::string_view BareName(const Node* node) {
  const auto* column = As<ColumnRef>(node, T_ColumnRef);
  if (column == nullptr || Count(column->fields) != 1 || IsStar(node))
    return "";
  return NameAt(column->fields, 0);
}

}  // namespace

absl::Status ScatterOutputs::Read(SelectStmt* select, const ScatterSource& source) {
  select_ = select;
  source_ = &source;
  if (Count(select->targetList) == 0)
    return ScatterRefused(ScatterRefusal::kExpression, "no output column");
  return ReadNames();
}

absl::Status ScatterOutputs::ReadNames() {
  names_.clear();
  has_star_ = false;
  for (std::size_t i = 0; i < Count(select_->targetList); ++i) {
    const ResTarget* target = TargetAt(select_, i);
    if (target->indirection != nullptr)
      return ScatterRefused(ScatterRefusal::kExpression);
    if (IsStar(target->val)) {
      has_star_ = true;
      names_.emplace_back("*");
      continue;
    }
    names_.push_back(target->name != nullptr ? target->name : FigureColumnName(target->val));
    RETURN_IF_ERROR(CheckReserved(names_.back()));
  }
  return absl::OkStatus();
}

absl::Status ScatterOutputs::ExpandStars() {
  if (!has_star_)
    return absl::OkStatus();
  List* targets = nullptr;
  for (std::size_t i = 0; i < Count(select_->targetList); ++i) {
    ResTarget* target = TargetAt(select_, i);
    if (!IsStar(target->val)) {
      targets = lappend(targets, target);
      continue;
    }
    const auto columns = source_->Star(target->val);
    if (!columns)
      return ScatterRefused(ScatterRefusal::kStar);
    for (const auto& [alias, name] : *columns) {
      auto* column = reinterpret_cast<ColumnRef*>(MakeColumn(alias));
      column->fields =
          lappend(column->fields, linitial(reinterpret_cast<ColumnRef*>(MakeColumn(name))->fields));
      targets = lappend(targets, MakeTarget(AsNode(column), ""));
    }
  }
  select_->targetList = targets;
  return ReadNames();
}

absl::Status ScatterOutputs::AtPosition(int position, int* output) {
  RETURN_IF_ERROR(ExpandStars());
  if (position < 1 || static_cast<std::size_t>(position) > names_.size())
    return ScatterRefused(ScatterRefusal::kExpression, "a position that is not in the list");
  *output = position - 1;
  return absl::OkStatus();
}

// -1: no output has the name. Equal expressions under one name are one.
absl::Status ScatterOutputs::FindName(std::string_view name, int* output) const {
  *output = -1;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] != name || IsStar(TargetAt(select_, i)->val))
      continue;
    if (*output < 0) {
      *output = static_cast<int>(i);
      continue;
    }
    if (!equal(TargetAt(select_, static_cast<std::size_t>(*output))->val,
               TargetAt(select_, i)->val))
      return ScatterRefused(ScatterRefusal::kAmbiguousName, name);
  }
  return absl::OkStatus();
}

absl::Status ScatterOutputs::ResolveGroupBy(std::vector<Node*>* keys) {
  if (select_->groupDistinct)
    return ScatterRefused(ScatterRefusal::kGroupingSets);
  for (Node* item : Items(select_->groupClause))
    RETURN_IF_ERROR(ResolveGroupItem(item, keys, 0));
  return absl::OkStatus();
}

absl::Status ScatterOutputs::ResolveGroupItem(Node* item, std::vector<Node*>* keys, int depth) {
  if (depth > kScatterDepthMax)
    return ScatterRefused(ScatterRefusal::kTooDeep);
  if (item->type == T_GroupingSet)
    return ScatterRefused(ScatterRefusal::kGroupingSets);
  if (auto* row = Edit<RowExpr>(item, T_RowExpr);
      row != nullptr && row->row_format == COERCE_IMPLICIT_CAST) {
    for (Node* part : Items(row->args))
      RETURN_IF_ERROR(ResolveGroupItem(part, keys, depth + 1));
    return absl::OkStatus();
  }
  Node* key = item;
  int output = -1;
  if (const A_Const* position = IntegerConstant(item); position != nullptr) {
    RETURN_IF_ERROR(AtPosition(position->val.ival.ival, &output));
  } else if (const std::string_view name = BareName(item); !name.empty()) {
    const ScatterSource::Has has = source_->HasColumn(name);
    if (has != ScatterSource::Has::kYes)
      RETURN_IF_ERROR(FindName(name, &output));
    if (has == ScatterSource::Has::kUnknown && output >= 0 &&
        !equal(TargetAt(select_, static_cast<std::size_t>(output))->val, item))
      return ScatterRefused(ScatterRefusal::kAmbiguousName, name);
  }
  if (output >= 0)
    key = TargetAt(select_, static_cast<std::size_t>(output))->val;
  const bool known =
      std::any_of(keys->begin(), keys->end(), [&](Node* other) { return equal(other, key); });
  if (!known)
    keys->push_back(key);
  return absl::OkStatus();
}

absl::Status ScatterOutputs::ResolveOrderBy(std::vector<SortKey>* keys) {
  for (const Node* item : Items(select_->sortClause)) {
    SortKey key;
    RETURN_IF_ERROR(ReadSort(reinterpret_cast<const SortBy*>(item), &key));
    keys->push_back(key);
  }
  // Positions may have expanded stars, which moves what was found before.
  for (SortKey& key : *keys) {
    if (key.output < 0)
      continue;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (TargetAt(select_, i)->val == key.value)
        key.output = static_cast<int>(i);
    }
  }
  return absl::OkStatus();
}

absl::Status ScatterOutputs::ReadSort(const SortBy* sort, SortKey* key) {
  if (sort->sortby_dir == SORTBY_USING)
    return ScatterRefused(ScatterRefusal::kOrderUsing);
  key->descending = sort->sortby_dir == SORTBY_DESC;
  key->nulls_first = sort->sortby_nulls == SORTBY_NULLS_DEFAULT
                         ? key->descending
                         : sort->sortby_nulls == SORTBY_NULLS_FIRST;
  if (const A_Const* position = IntegerConstant(sort->node); position != nullptr) {
    RETURN_IF_ERROR(AtPosition(position->val.ival.ival, &key->output));
  } else if (const std::string_view name = BareName(sort->node); !name.empty()) {
    RETURN_IF_ERROR(FindName(name, &key->output));
  }
  key->value =
      key->output < 0 ? sort->node : TargetAt(select_, static_cast<std::size_t>(key->output))->val;
  if (key->output < 0) {
    // The same expression as a target is that target.
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (equal(TargetAt(select_, i)->val, key->value)) {
        key->output = static_cast<int>(i);
        key->value = TargetAt(select_, i)->val;
        break;
      }
    }
  }
  key->bytewise = IsBytewise(key->value);
  return absl::OkStatus();
}

}  // namespace pgreeve::sql
