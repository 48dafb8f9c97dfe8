// FROM: relations, sub-selects, joins, and what names mean in them.
#include "router/sql/pg_headers.h"
#include "router/sql/query_walker.h"
#include "router/sql/relation_lookup.h"

namespace pgreeve::sql {

void QueryWalker::From(const List* from, Level& level) {
  for (const Node* node : Items(from))
    FromNode(node, level);
}

void QueryWalker::FromNode(const Node* node, Level& level) {
  if (!Enter()) {
    Leave();
    return;
  }
  switch (node->type) {
    case T_RangeVar:
      Table(As<RangeVar>(node, T_RangeVar), level);
      break;
    case T_JoinExpr:
      Join(As<JoinExpr>(node, T_JoinExpr), level);
      break;
    case T_RangeSubselect:
      SubSelect(As<RangeSubselect>(node, T_RangeSubselect), level);
      break;
    case T_RangeFunction:
      Function(As<RangeFunction>(node, T_RangeFunction), level);
      break;
    case T_RangeTableSample: {
      const auto* sample = As<RangeTableSample>(node, T_RangeTableSample);
      Find(kFindsVolatile);
      Expressions(sample->args, level);
      FromNode(sample->relation, level);
      break;
    }
    case T_RangeTableFunc: {
      const auto* table = As<RangeTableFunc>(node, T_RangeTableFunc);
      Expression(table->docexpr, level);
      Expression(table->rowexpr, level);
      for (const RangeTableFuncCol* column : Items<RangeTableFuncCol>(table->columns)) {
        Expression(column->colexpr, level);
        Expression(column->coldefexpr, level);
      }
      FromItem item;
      item.open = true;
      if (table->alias != nullptr)
        item.alias = View(table->alias->aliasname);
      level.items.push_back(std::move(item));
      break;
    }
    default:
      Find(kFindsUnknownSyntax);
  }
  Leave();
}

void QueryWalker::Table(const RangeVar* var, Level& level) {
  if (const auto cte = FindCte(var, level))
    return CteReference(cte, var, level);
  const int relation = AddRelation(var, false);
  level.items.push_back(ItemOf(relation, var));
}

int QueryWalker::AddRelation(const RangeVar* var, bool written) {
  const FoundRelation found =
      FindRelation(View(var->schemaname), View(var->relname), *text_.options);
  RelationUse use;
  use.schema = found.schema;
  use.name = View(var->relname);
  use.kind = found.kind;
  use.location = var->location;
  use.written = written;
  facts_.relations.push_back(std::move(use));
  facts_of_.push_back(found.fact);
  const int relation = static_cast<int>(facts_.relations.size()) - 1;
  relation_nodes_.push_back(found.kind == RelationClass::kSharded ? NewNode(relation) : -1);
  if (written)
    facts_.writes = true;
  return relation;
}

FromItem QueryWalker::ItemOf(int relation, const RangeVar* var) {
  const auto index = static_cast<std::size_t>(relation);
  FromItem item;
  item.alias = View(var->relname);
  item.schema = facts_.relations[index].schema;
  const TableFact* fact = facts_of_[index];
  const int node = relation_nodes_[index];
  item.open = fact == nullptr || fact->columns.empty();
  if (fact != nullptr) {
    for (const ColumnFact& column : fact->columns)
      item.columns.push_back({column.name, column.name == fact->tenant_column ? node : -1, false});
    if (fact->columns.empty() && node >= 0)
      item.columns.push_back({fact->tenant_column, node, false});
  }
  Rename(var->alias, item);
  return item;
}

// Applies `AS alias (a, b, …)`.
void QueryWalker::Rename(const Alias* alias, FromItem& item) const {
  if (alias == nullptr)
    return;
  item.alias = View(alias->aliasname);
  item.schema = {};
  const Items<> names(alias->colnames);
  if (names.size() == 0)
    return;
  if (item.open) {
    // Which columns are renamed is not known: none of them can be trusted.
    item.columns.clear();
    return;
  }
  for (std::size_t i = 0; i < names.size() && i < item.columns.size(); ++i)
    item.columns[i].name = StringOf(names[i]);
}

std::shared_ptr<Cte> QueryWalker::FindCte(const RangeVar* var, const Level& level) const {
  if (var->schemaname != nullptr)
    return nullptr;
  const std::string_view name = View(var->relname);
  for (const Level* at = &level; at != nullptr; at = at->scope) {
    for (auto cte = at->ctes.rbegin(); cte != at->ctes.rend(); ++cte) {
      if ((*cte)->name == name)
        return *cte;
    }
  }
  return nullptr;
}

void QueryWalker::CteReference(const std::shared_ptr<Cte>& cte, const RangeVar* var, Level& level) {
  ++cte->references;
  FromItem item;
  item.alias = View(var->relname);
  item.open = cte->output.open;
  for (const Column& inside : cte->output.columns) {
    Column column{inside.name, -1, false};
    if (inside.node >= 0) {
      column.node = NewNode(-1);
      graph_.Flow(inside.node, column.node);
      if (cte->pushable)
        cte->pushes.emplace_back(column.node, inside.node);
    }
    item.columns.push_back(column);
  }
  Rename(var->alias, item);
  level.items.push_back(std::move(item));
}

void QueryWalker::SubSelect(const RangeSubselect* sub, Level& level) {
  Level* names = sub->lateral ? &level : level.names;
  const Output output = Any(sub->subquery, names, &level);
  FromItem item;
  item.open = output.open;
  for (const Column& inside : output.columns) {
    Column column{inside.name, -1, false};
    if (inside.node >= 0) {
      column.node = NewNode(-1);
      graph_.Flow(inside.node, column.node);
      if (output.pushable)
        graph_.Flow(column.node, inside.node);
    }
    item.columns.push_back(column);
  }
  Rename(sub->alias, item);
  level.items.push_back(std::move(item));
}

void QueryWalker::Function(const RangeFunction* function, Level& level) {
  for (const List* parts : Items<List>(function->functions)) {
    const Items<> pair(parts);
    if (pair.size() > 0)
      Expression(pair[0], level);
  }
  FromItem item;
  item.open = true;
  if (function->alias != nullptr)
    item.alias = View(function->alias->aliasname);
  level.items.push_back(std::move(item));
}

void QueryWalker::Join(const JoinExpr* join, Level& level) {
  const std::size_t left = level.items.size();
  const int left_nodes = graph_.size();
  FromNode(join->larg, level);
  const std::size_t right = level.items.size();
  const int right_nodes = graph_.size();
  FromNode(join->rarg, level);
  Condition condition;
  condition.level = &level;
  condition.outer_join = join->jointype == JOIN_LEFT || join->jointype == JOIN_RIGHT;
  condition.full_join = join->jointype == JOIN_FULL;
  if (join->jointype == JOIN_LEFT) {
    condition.nullable_begin = right_nodes;
    condition.nullable_end = graph_.size();
  } else if (join->jointype == JOIN_RIGHT) {
    condition.nullable_begin = left_nodes;
    condition.nullable_end = right_nodes;
  }
  std::vector<std::string_view> merged;
  for (const Node* name : Items(join->usingClause))
    merged.push_back(StringOf(name));
  if (join->isNatural) {
    // Tenant columns of one name are joined; whatever else is joined only narrows the result.
    for (std::size_t i = left; i < right; ++i) {
      for (const Column& column : level.items[i].columns) {
        if (!column.hidden && column.node >= 0)
          merged.push_back(column.name);
      }
    }
  }
  if (!merged.empty())
    MergeColumns(merged, join, left, right, condition, level);
  if (join->quals != nullptr) {
    const std::size_t before = level.visible_from;
    level.visible_from = left;
    Conjuncts(join->quals, condition);
    level.visible_from = before;
  }
  if (join->alias != nullptr)
    HideBehind(join->alias, left, level);
}

void QueryWalker::MergeColumns(const std::vector<std::string_view>& names,
                               const JoinExpr* join,
                               std::size_t left,
                               std::size_t right,
                               const Condition& condition,
                               Level& level) {
  const auto find = [&](std::string_view name, std::size_t from, std::size_t to) {
    Column* found = nullptr;
    for (std::size_t i = from; i < to; ++i) {
      for (Column& column : level.items[i].columns) {
        if (!level.items[i].invisible && !column.hidden && column.name == name)
          found = &column;
      }
    }
    return found;
  };
  FromItem item;
  const std::size_t end = level.items.size();
  for (const std::string_view name : names) {
    Column* a = find(name, left, right);
    Column* b = find(name, right, end);
    if (join->isNatural && b == nullptr)
      continue;
    Column merged{name, -1, false};
    if (a != nullptr && b != nullptr && a->node >= 0 && b->node >= 0) {
      Operand x;
      Operand y;
      x.node = a->node;
      y.node = b->node;
      LinkNodes(x, y, condition);
    }
    if (join->jointype == JOIN_RIGHT)
      merged.node = b != nullptr ? b->node : -1;
    else if (join->jointype != JOIN_FULL)
      merged.node = a != nullptr ? a->node : -1;
    for (Column* column : {a, b}) {
      if (column != nullptr)
        column->hidden = true;
    }
    item.columns.push_back(merged);
  }
  level.items.push_back(std::move(item));
}

void QueryWalker::HideBehind(const Alias* alias, std::size_t from, Level& level) {
  FromItem joined;
  for (std::size_t i = from; i < level.items.size(); ++i) {
    FromItem& item = level.items[i];
    if (item.invisible)
      continue;
    for (const Column& column : item.columns) {
      if (!column.hidden)
        joined.columns.push_back(column);
    }
    joined.open = joined.open || item.open;
    item.invisible = true;
  }
  Rename(alias, joined);
  // The order of merged columns is not tracked, so new names for them cannot be placed.
  if (alias->colnames != nullptr) {
    joined.columns.clear();
    joined.open = true;
  }
  level.items.push_back(std::move(joined));
}

const Column* QueryWalker::Lookup(const Level& level, std::string_view column, bool& stop) {
  const Column* found = nullptr;
  int matches = 0;
  bool open = false;
  for (std::size_t i = level.visible_from; i < level.items.size(); ++i) {
    const FromItem& item = level.items[i];
    if (item.invisible)
      continue;
    open = open || item.open;
    for (const Column& candidate : item.columns) {
      if (candidate.hidden || candidate.name != column)
        continue;
      found = &candidate;
      ++matches;
    }
  }
  stop = matches > 0 || open;
  return matches == 1 ? found : nullptr;
}

// The node of a column, or -1. `outer` says that it belongs to an enclosing level.
int QueryWalker::FindColumn(const ColumnRef* ref, Level* level, bool& outer) {
  outer = false;
  if (lookups_ > kLookupsMax) {
    Find(kFindsRelationsMax);
    return -1;
  }
  const Items<> fields(ref->fields);
  const std::size_t n = fields.size();
  if (n == 0 || n > 3 || fields[n - 1]->type != T_String)
    return -1;
  const std::string_view column = StringOf(fields[n - 1]);
  const std::string_view table = n > 1 ? StringOf(fields[n - 2]) : std::string_view();
  const std::string_view schema = n > 2 ? StringOf(fields[0]) : std::string_view();
  for (Level* at = level; at != nullptr; at = at->names, outer = true) {
    lookups_ += 1 + at->items.size();
    if (n == 1) {
      bool stop = false;
      const Column* found = Lookup(*at, column, stop);
      if (stop)
        return found == nullptr ? -1 : found->node;
      continue;
    }
    for (std::size_t i = at->visible_from; i < at->items.size(); ++i) {
      const FromItem& item = at->items[i];
      if (item.invisible || item.alias != table || (n == 3 && item.schema != schema))
        continue;
      int node = -1;
      int matches = 0;
      for (const Column& candidate : item.columns) {
        if (candidate.name == column) {
          node = candidate.node;
          ++matches;
        }
      }
      return matches == 1 ? node : -1;
    }
  }
  return -1;
}

}  // namespace pgreeve::sql
