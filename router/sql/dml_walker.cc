// INSERT, UPDATE, DELETE, MERGE and WITH.
#include <algorithm>

#include "router/sql/pg_headers.h"
#include "router/sql/query_walker.h"

namespace pgreeve::sql {
namespace {

// WITH name (a, b, …).
void NameColumns(const List* list, Output& output) {
  const Items<String> names(list);
  for (std::size_t i = 0; i < names.size() && i < output.columns.size(); ++i) {
    // Behind a star of unknown width no place is known.
    if (output.open)
      output.columns[i].node = -1;
    output.columns[i].name = View(names[i]->sval);
  }
}

}  // namespace

void QueryWalker::Statement(const Node* node) {
  Any(node, nullptr, nullptr);
}

// Any statement that may stand where a query may.
Output QueryWalker::Any(const Node* node, Level* names, Level* scope) {
  if (const auto* select = As<SelectStmt>(node, T_SelectStmt))
    return Select(select, names, scope);
  if (const auto* insert = As<InsertStmt>(node, T_InsertStmt))
    return Insert(insert, scope);
  if (const auto* update = As<UpdateStmt>(node, T_UpdateStmt))
    return Update(update, scope);
  if (const auto* removal = As<DeleteStmt>(node, T_DeleteStmt))
    return Delete(removal, scope);
  if (const auto* merge = As<MergeStmt>(node, T_MergeStmt))
    Merge(merge, scope);
  else
    Find(kFindsUnknownSyntax);
  return {};
}

// Where in the list of inserted values the tenant column stands; -1: nowhere, or not known.
int QueryWalker::TenantPosition(const InsertStmt* insert, int relation) const {
  const TableFact* fact = facts_of_[static_cast<std::size_t>(relation)];
  int position = 0;
  if (insert->cols != nullptr) {
    for (const ResTarget* column : Items<ResTarget>(insert->cols)) {
      if (View(column->name) == fact->tenant_column)
        return column->indirection == nullptr ? position : -1;
      ++position;
    }
    return -1;
  }
  for (const ColumnFact& column : fact->columns) {
    if (column.name == fact->tenant_column)
      return position;
    ++position;
  }
  return -1;
}

void QueryWalker::InsertSource(const InsertStmt* insert, int relation, Level& level) {
  const auto* select = As<SelectStmt>(insert->selectStmt, T_SelectStmt);
  if (select == nullptr)
    return;  // DEFAULT VALUES
  const Output output = Select(select, nullptr, &level);
  const int target = relation_nodes_[static_cast<std::size_t>(relation)];
  if (target < 0)
    return;
  const int position = TenantPosition(insert, relation);
  if (position < 0)
    return;
  const auto index = static_cast<std::size_t>(position);
  // Columns behind an unknown part of the list have no known place; the part is at its end unless a
  // star came first, and then the list is open.
  if (output.open || index >= output.columns.size() || output.columns[index].node < 0)
    return;
  graph_.Flow(output.columns[index].node, target);
}

Output QueryWalker::Insert(const InsertStmt* insert, Level* scope) {
  if (!Enter()) {
    Leave();
    return {};
  }
  Level level;
  level.scope = scope;
  With(insert->withClause, level);
  const int relation = AddRelation(insert->relation, true);
  facts_.relations[static_cast<std::size_t>(relation)].inserted = true;
  InsertSource(insert, relation, level);
  FromItem item = ItemOf(relation, insert->relation);
  level.items.push_back(std::move(item));
  if (const OnConflictClause* conflict = insert->onConflictClause; conflict != nullptr) {
    FromItem excluded = ItemOf(relation, insert->relation);
    excluded.alias = "excluded";
    excluded.schema = {};
    // Both are the same table: their columns must not make each other ambiguous for tenants.
    excluded.invisible = conflict->targetList == nullptr;
    level.items.push_back(std::move(excluded));
    Assignments(conflict->targetList, relation, level);
    Expression(conflict->whereClause, level);
    if (conflict->infer != nullptr) {
      Expressions(conflict->infer->indexElems, level);
      Expression(conflict->infer->whereClause, level);
    }
    level.items.pop_back();
  }
  const Output output = Targets(insert->returningList, level, false);
  Leave();
  return output;
}

// SET of an UPDATE. A tenant column may only be set to what its rows already carry.
void QueryWalker::Assignments(const List* targets, int relation, Level& level) {
  const auto index = static_cast<std::size_t>(relation);
  const TableFact* fact = facts_of_[index];
  const int node = relation_nodes_[index];
  const Node* row_source = nullptr;
  for (const ResTarget* target : Items<ResTarget>(targets)) {
    const auto* multiple = As<MultiAssignRef>(target->val, T_MultiAssignRef);
    const Node* value = target->val;
    if (multiple != nullptr) {
      const auto* row = As<RowExpr>(multiple->source, T_RowExpr);
      const auto column = static_cast<std::size_t>(multiple->colno - 1);
      value =
          row != nullptr && column < Items(row->args).size() ? Items(row->args)[column] : nullptr;
      // One source serves several columns: look into it once.
      if (value == nullptr && multiple->source != row_source) {
        row_source = multiple->source;
        Expression(multiple->source, level);
      }
    }
    if (value != nullptr)
      Expression(value, level);
    if (node < 0 || View(target->name) != fact->tenant_column)
      continue;
    const auto source = Constant(value);
    bool outer = false;
    const auto* ref = As<ColumnRef>(value, T_ColumnRef);
    if (source) {
      assigned_.push_back(*source);
      assigned_relations_.push_back(relation);
    } else if (ref == nullptr || FindColumn(ref, &level, outer) != node) {
      Find(kFindsTenantColumnUpdate, target->location, fact->tenant_column);
    }
  }
}

Output QueryWalker::Update(const UpdateStmt* update, Level* scope) {
  if (!Enter()) {
    Leave();
    return {};
  }
  Level level;
  level.scope = scope;
  With(update->withClause, level);
  const std::size_t conditionals = conditionals_.size();
  const int relation = AddRelation(update->relation, true);
  level.items.push_back(ItemOf(relation, update->relation));
  From(update->fromClause, level);
  Condition where;
  where.level = &level;
  where.where = true;
  Conjuncts(update->whereClause, where);
  ApplyConditionals(level, conditionals);
  Assignments(update->targetList, relation, level);
  const Output output = Targets(update->returningList, level, false);
  Leave();
  return output;
}

Output QueryWalker::Delete(const DeleteStmt* removal, Level* scope) {
  if (!Enter()) {
    Leave();
    return {};
  }
  Level level;
  level.scope = scope;
  With(removal->withClause, level);
  const std::size_t conditionals = conditionals_.size();
  const int relation = AddRelation(removal->relation, true);
  level.items.push_back(ItemOf(relation, removal->relation));
  From(removal->usingClause, level);
  Condition where;
  where.level = &level;
  where.where = true;
  Conjuncts(removal->whereClause, where);
  ApplyConditionals(level, conditionals);
  const Output output = Targets(removal->returningList, level, false);
  Leave();
  return output;
}

// Only its relations and functions are collected: nothing in it binds.
void QueryWalker::Merge(const MergeStmt* merge, Level* scope) {
  facts_.writes = true;
  Level level;
  level.scope = scope;
  With(merge->withClause, level);
  const int relation = AddRelation(merge->relation, true);
  level.items.push_back(ItemOf(relation, merge->relation));
  FromNode(merge->sourceRelation, level);
  Expression(merge->joinCondition, level);
  for (const MergeWhenClause* when : Items<MergeWhenClause>(merge->mergeWhenClauses)) {
    Expression(when->condition, level);
    for (const ResTarget* target : Items<ResTarget>(when->targetList))
      Expression(target->val, level);
    Expressions(when->values, level);
    if (when->commandType == CMD_UPDATE)
      Assignments(when->targetList, relation, level);
  }
  // A condition inside could still have bound something by accident of structure.
  Find(kFindsUnknownSyntax);
}

void QueryWalker::With(const WithClause* with, Level& level) {
  if (with == nullptr)
    return;
  for (const CommonTableExpr* expression : Items<CommonTableExpr>(with->ctes)) {
    if (!Enter()) {
      Leave();
      return;
    }
    CteBody(expression, with->recursive, level);
    Leave();
  }
}

void QueryWalker::CteBody(const CommonTableExpr* expression, bool recursive, Level& level) {
  auto cte = std::make_shared<Cte>();
  cte->name = View(expression->ctename);
  all_ctes_.push_back(cte);
  if (expression->search_clause != nullptr || expression->cycle_clause != nullptr)
    Find(kFindsUnknownSyntax);
  const auto* select = As<SelectStmt>(expression->ctequery, T_SelectStmt);
  if (recursive && select != nullptr && select->op != SETOP_NONE) {
    // Forward references between recursive CTEs are errors in Postgres, except to itself.
    cte->output = RecursiveBody(expression, cte, level);
  } else {
    cte->output = Any(expression->ctequery, level.names, &level);
    cte->pushable = cte->output.pushable && select != nullptr;
    level.ctes.push_back(cte);
  }
  NameColumns(expression->aliascolnames, cte->output);
}

// By induction: the first term's rows carry the tenant; each round's do when the recursive term
// returns a bound column in the same place, which Finish() demands.
Output QueryWalker::RecursiveBody(const CommonTableExpr* expression,
                                  const std::shared_ptr<Cte>& cte,
                                  Level& level) {
  const auto* select = As<SelectStmt>(expression->ctequery, T_SelectStmt);
  With(select->withClause, level);
  const Output first = Select(select->larg, level.names, &level);
  cte->output = first;
  for (Column& column : cte->output.columns) {
    if (column.node >= 0)
      column.node = OneWay(column.node);
  }
  NameColumns(expression->aliascolnames, cte->output);
  level.ctes.push_back(cte);
  const Output next = Select(select->rarg, level.names, &level);
  Output output;
  output.open = first.open || next.open;
  for (std::size_t i = 0; i < first.columns.size(); ++i) {
    Column column{first.columns[i].name, -1, false};
    const bool known = !output.open && i < next.columns.size() && next.columns[i].node >= 0;
    if (first.columns[i].node >= 0) {
      obligations_.push_back(known ? next.columns[i].node : -1);
      if (known) {
        column.node = NewNode(-1);
        graph_.FlowAll({first.columns[i].node, next.columns[i].node}, column.node);
      }
    }
    output.columns.push_back(column);
  }
  Expressions(select->sortClause, level);
  Expression(select->limitCount, level);
  Expression(select->limitOffset, level);
  return output;
}

void QueryWalker::FreeExpression(const Node* node) {
  Level level;
  Expression(node, level);
}

void QueryWalker::Finish() {
  for (const auto& cte : all_ctes_) {
    // A condition on one reference must not restrict what the others read.
    if (cte->references != 1)
      continue;
    for (const auto& [reference, inside] : cte->pushes)
      graph_.Flow(reference, inside);
  }
  if (static_cast<int>(graph_.source_count()) > text_.options->sources_max)
    Find(kFindsRelationsMax);
  graph_.Resolve();
  bool sound = (facts_.findings & (kFindsTooDeep | kFindsUnknownSyntax | kFindsRelationsMax)) == 0;
  for (const int node : obligations_)
    sound = sound && node >= 0 && graph_.bound(node);
  if (!sound)
    return;
  for (std::size_t i = 0; i < facts_.relations.size(); ++i) {
    if (relation_nodes_[i] >= 0)
      facts_.relations[i].bound = graph_.bound(relation_nodes_[i]);
  }
  facts_.bindings = graph_.Bindings();
  for (std::size_t i = 0; i < assigned_.size(); ++i) {
    Binding& binding = facts_.bindings.emplace_back();
    binding.source = assigned_[i];
    binding.relation = assigned_relations_[i];
    binding.assigned = true;
  }
  for (Binding& binding : facts_.bindings) {
    const TableFact* fact = facts_of_[static_cast<std::size_t>(binding.relation)];
    binding.column = fact->tenant_column;
  }
}

}  // namespace pgreeve::sql
