#include "router/sql/query_walker.h"

#include "router/sql/function_class.h"
#include "router/sql/pg_headers.h"

namespace pgreeve::sql {
namespace {

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

}  // namespace pgreeve::sql
