#include "router/sql/query_walker.h"

#include <algorithm>

#include "router/sql/function_class.h"
#include "router/sql/pg_headers.h"
#include "router/sql/relation_lookup.h"

namespace pgreeve::sql {
namespace {

std::string_view View(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view StringOf(const Node* node) {
  const auto* text = As<String>(node, T_String);
  return text == nullptr ? std::string_view() : View(text->sval);
}

// Calls of aggregates make a select without GROUP BY one row over everything.
bool HasAggregate(const Node* node, int depth);

struct AggregateSearch {
  int depth;
};

bool AggregateStep(Node* node, void* context) {
  return node != nullptr && HasAggregate(node, static_cast<AggregateSearch*>(context)->depth + 1);
}

constexpr int kAggregateDepthMax = 200;

bool HasAggregate(const Node* node, int depth) {
  if (node == nullptr)
    return false;
  if (depth > kAggregateDepthMax)
    return true;
  if (const auto* call = As<FuncCall>(node, T_FuncCall)) {
    const Items<> names(call->funcname);
    const std::string_view name = StringOf(names[names.size() - 1]);
    const std::string_view schema = names.size() > 1 ? StringOf(names[0]) : std::string_view();
    if ((FunctionTraits(schema, name) & (kTraitAggregate | kTraitOpaque)) != 0 ||
        call->over != nullptr || call->agg_star)
      return true;
    for (const Node* argument : Items(call->args)) {
      if (HasAggregate(argument, depth + 1))
        return true;
    }
    return false;
  }
  switch (node->type) {
    case T_SubLink:
    case T_ColumnRef:
    case T_A_Const:
    case T_ParamRef:
      return false;
    case T_ResTarget:
    case T_A_Expr:
    case T_BoolExpr:
    case T_TypeCast:
    case T_CaseExpr:
    case T_CoalesceExpr:
    case T_NullTest:
    case T_SQLValueFunction: {
      AggregateSearch search{depth};
      return WalkChildren(node, &AggregateStep, &search);
    }
    default:
      return true;  // rare: assume the worst
  }
}

bool IsDistinctOn(const SelectStmt* select) {
  return select->distinctClause != nullptr && Items(select->distinctClause)[0] != nullptr;
}

}  // namespace

bool QueryWalker::Enter() {
  if (++depth_ <= text_.options->depth_max &&
      static_cast<int>(facts_.relations.size()) <= text_.options->relations_max)
    return true;
  Find(depth_ > text_.options->depth_max ? kFindsTooDeep : kFindsRelationsMax);
  return false;
}

void QueryWalker::Find(uint32_t finding, int location, std::string_view name) {
  if (facts_.finding_location < 0 && location >= 0) {
    facts_.finding_location = location;
    facts_.finding_name = name;
  }
  facts_.findings |= finding;
}

int QueryWalker::NewNode(int relation) {
  return graph_.AddNode(relation);
}

// A copy whose value comes from the column, and through which nothing restricts the column.
int QueryWalker::OneWay(int node) {
  const int copy = NewNode(-1);
  graph_.Flow(node, copy);
  return copy;
}

Output QueryWalker::Select(const SelectStmt* select, Level* names, Level* scope) {
  Output output;
  if (!Enter()) {
    Leave();
    return output;
  }
  Level level;
  level.names = names;
  level.scope = scope;
  With(select->withClause, level);
  if (select->op != SETOP_NONE)
    output = SetOperation(select, level);
  else if (select->valuesLists != nullptr)
    output = Values(select, level);
  else
    output = PlainSelect(select, level);
  Expressions(select->sortClause, level);
  Expression(select->limitCount, level);
  Expression(select->limitOffset, level);
  if (select->limitCount != nullptr || select->limitOffset != nullptr)
    output.pushable = false;
  if (select->lockingClause != nullptr) {
    facts_.locks_rows = true;
    output.pushable = false;
  }
  Leave();
  return output;
}

Output QueryWalker::SetOperation(const SelectStmt* select, Level& level) {
  const Output left = Select(select->larg, level.names, &level);
  const Output right = Select(select->rarg, level.names, &level);
  Output output;
  output.pushable = left.pushable && right.pushable && select->limitCount == nullptr &&
                    select->limitOffset == nullptr && select->lockingClause == nullptr;
  // Columns go by position, which is known as long as both lists are.
  output.open = left.open || right.open;
  for (std::size_t i = 0; i < left.columns.size(); ++i) {
    Column column{left.columns[i].name, -1, false};
    const bool both = !output.open && i < right.columns.size() && left.columns[i].node >= 0 &&
                      right.columns[i].node >= 0;
    if (both) {
      column.node = NewNode(-1);
      graph_.FlowAll({left.columns[i].node, right.columns[i].node}, column.node);
      if (output.pushable) {
        graph_.Flow(column.node, left.columns[i].node);
        graph_.Flow(column.node, right.columns[i].node);
      }
    }
    output.columns.push_back(column);
  }
  return output;
}

Output QueryWalker::PlainSelect(const SelectStmt* select, Level& level) {
  Into(select);
  const std::size_t conditionals = conditionals_.size();
  From(select->fromClause, level);
  Condition where;
  where.level = &level;
  where.where = true;
  Conjuncts(select->whereClause, where);
  ApplyConditionals(level, conditionals);
  Output output = Targets(select->targetList, level, level.scope != nullptr);
  Expressions(select->groupClause, level);
  Expression(select->havingClause, level);
  Expressions(select->windowClause, level);
  if (IsDistinctOn(select))
    Expressions(select->distinctClause, level);
  output.pushable = Pushable(select);
  if (output.pushable)
    DropUngrouped(select, output, level);
  return output;
}

void QueryWalker::Into(const SelectStmt* select) {
  if (select->intoClause == nullptr)
    return;
  facts_.kind = StatementKind::kDdl;
  facts_.writes = true;
  const RangeVar* rel = select->intoClause->rel;
  if (rel->relpersistence == 't' || View(rel->schemaname) == "pg_temp")
    facts_.is_temp = true;
}

// Whether a condition on an output column means the same when it is applied to the input.
bool QueryWalker::Pushable(const SelectStmt* select) {
  if (select->windowClause != nullptr || IsDistinctOn(select) || select->intoClause != nullptr)
    return false;
  if (select->groupClause != nullptr) {
    for (const Node* item : Items(select->groupClause)) {
      if (item->type == T_GroupingSet)
        return false;
    }
    return true;  // DropUngrouped looks at each column
  }
  if (select->havingClause != nullptr)
    return false;
  for (const Node* target : Items(select->targetList)) {
    if (HasAggregate(target, 0))
      return false;
  }
  return true;
}

// Under GROUP BY a condition may go inside only when it is on a grouping column; over the others a
// window or an aggregate is not touched either way, but the list of columns stays.
void QueryWalker::DropUngrouped(const SelectStmt* select, Output& output, Level& level) {
  if (select->groupClause == nullptr)
    return;
  for (std::size_t i = 0; i < output.columns.size(); ++i) {
    Column& column = output.columns[i];
    if (column.node < 0 || GroupedBy(select, output, i, level))
      continue;
    column.node = OneWay(column.node);
  }
}

bool QueryWalker::GroupedBy(const SelectStmt* select,
                            const Output& output,
                            std::size_t column,
                            Level& level) {
  for (const Node* item : Items(select->groupClause)) {
    if (const auto* constant = As<A_Const>(item, T_A_Const)) {
      if (!constant->isnull && constant->val.node.type == T_Integer && !output.open &&
          constant->val.ival.ival == static_cast<int>(column) + 1)
        return true;
      continue;
    }
    const auto* ref = As<ColumnRef>(item, T_ColumnRef);
    if (ref == nullptr)
      continue;
    bool outer = false;
    if (FindColumn(ref, &level, outer) == output.columns[column].node && !outer)
      return true;
  }
  return false;
}

Output QueryWalker::Values(const SelectStmt* select, Level& level) {
  Output output;
  std::vector<bool> constant;
  for (const List* row : Items<List>(select->valuesLists)) {
    std::size_t i = 0;
    for (const Node* value : Items(row)) {
      if (i == output.columns.size()) {
        output.columns.push_back({{}, NewNode(-1), false});
        constant.push_back(true);
      }
      const auto source = Constant(value);
      if (!source || source->kind == ValueSource::Kind::kUnreadable) {
        constant[i] = false;
        Expression(value, level);
      } else {
        graph_.Bind(output.columns[i].node, *source);
      }
      ++i;
    }
  }
  for (std::size_t i = 0; i < output.columns.size(); ++i) {
    if (!constant[i])
      output.columns[i].node = -1;
  }
  if (static_cast<int>(graph_.source_count()) > text_.options->sources_max)
    Find(kFindsRelationsMax);
  return output;
}

Output QueryWalker::Targets(const List* targets, Level& level, bool make_constants) {
  Output output;
  for (const Node* item : Items(targets)) {
    const auto* target = As<ResTarget>(item, T_ResTarget);
    if (target == nullptr)
      continue;
    if (const auto* ref = As<ColumnRef>(target->val, T_ColumnRef)) {
      const Items<> fields(ref->fields);
      if (fields.size() > 0 && fields[fields.size() - 1]->type == T_A_Star) {
        Star(ref, level, output);
        continue;
      }
      bool outer = false;
      Column column;
      column.node = FindColumn(ref, &level, outer);
      column.name =
          target->name != nullptr ? View(target->name) : StringOf(fields[fields.size() - 1]);
      if (column.node >= 0 && outer)
        column.node = OneWay(column.node);
      output.columns.push_back(column);
      continue;
    }
    Column column{View(target->name), -1, false};
    const auto source = make_constants ? Constant(target->val) : std::nullopt;
    if (source && source->kind != ValueSource::Kind::kUnreadable) {
      column.node = NewNode(-1);
      graph_.Bind(column.node, *source);
    } else {
      if (const auto* call = As<FuncCall>(target->val, T_FuncCall); call && column.name.empty()) {
        const Items<> names(call->funcname);
        column.name = StringOf(names[names.size() - 1]);
      }
      Expression(target->val, level);
    }
    output.columns.push_back(column);
  }
  return output;
}

void QueryWalker::Star(const ColumnRef* ref, const Level& level, Output& output) const {
  const Items<> fields(ref->fields);
  const std::string_view alias =
      fields.size() > 1 ? StringOf(fields[fields.size() - 2]) : std::string_view();
  for (const FromItem& item : level.items) {
    if (item.invisible || (!alias.empty() && item.alias != alias))
      continue;
    if (item.alias.empty())
      output.open = true;  // merged columns come first in the list: positions are not tracked
    for (const Column& column : item.columns) {
      if (alias.empty() && column.hidden)
        continue;
      output.columns.push_back({column.name, column.node, false});
    }
    output.open = output.open || item.open;
  }
}

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
int QueryWalker::FindColumn(const ColumnRef* ref, Level* level, bool& outer) const {
  outer = false;
  const Items<> fields(ref->fields);
  const std::size_t n = fields.size();
  if (n == 0 || n > 3 || fields[n - 1]->type != T_String)
    return -1;
  const std::string_view column = StringOf(fields[n - 1]);
  const std::string_view table = n > 1 ? StringOf(fields[n - 2]) : std::string_view();
  const std::string_view schema = n > 2 ? StringOf(fields[0]) : std::string_view();
  for (Level* at = level; at != nullptr; at = at->names, outer = true) {
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
