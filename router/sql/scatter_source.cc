#include "router/sql/scatter_source.h"

#include <algorithm>

#include "router/base/status_macros.h"
#include "router/sql/scatter_check.h"
#include "router/sql/scatter_refusal.h"
#include "router/sql/scatter_tree.h"

namespace pgreeve::sql {

namespace {

const ColumnFact* FindColumn(const TableFact& fact, std::string_view name) {
  const auto it = std::find_if(fact.columns.begin(),
                               fact.columns.end(),
                               [&](const ColumnFact& column) { return column.name == name; });
  return it == fact.columns.end() ? nullptr : &*it;
}

}  // namespace

absl::Status ScatterSource::Read(List* from,
                                 Node* where,
                                 const TableSet& tables,
                                 const std::vector<std::string>& search_path) {
  tables_ = &tables;
  search_path_ = &search_path;
  for (Node* item : Items(from))
    RETURN_IF_ERROR(AddItem(item, 0));
  ReadEqualities(where, 0);
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < relations_.size(); ++i) {
    if (!relations_[i].sharded())
      continue;
    if (!first)
      first = i;
    if (Root(i) != Root(*first))
      return ScatterRefused(ScatterRefusal::kJoinNotOnTenant, relations_[i].alias);
  }
  if (!first)
    return ScatterRefused(ScatterRefusal::kNoSharded);
  return absl::OkStatus();
}

absl::Status ScatterSource::AddItem(Node* item, int depth) {
  if (depth > kScatterDepthMax)
    return ScatterRefused(ScatterRefusal::kTooDeep);
  switch (item->type) {
    case T_RangeVar:
      return AddTable(item);
    case T_JoinExpr:
      return AddJoin(item, depth);
    case T_RangeSubselect:
      return ScatterRefused(ScatterRefusal::kSubSelect, "a sub-select in FROM");
    default:
      return ScatterRefused(ScatterRefusal::kFromItem);
  }
}

absl::Status ScatterSource::AddTable(Node* item) {
  const auto* table = reinterpret_cast<RangeVar*>(item);
  if (table->catalogname != nullptr ||
      (table->alias != nullptr && table->alias->colnames != nullptr))
    return ScatterRefused(ScatterRefusal::kFromItem, table->relname);
  const TableFact* fact =
      Find(table->schemaname == nullptr ? "" : table->schemaname, table->relname);
  if (fact == nullptr)
    return ScatterRefused(ScatterRefusal::kUndeclared, table->relname);
  const char* alias = table->alias == nullptr ? table->relname : table->alias->aliasname;
  RETURN_IF_ERROR(CheckReserved(alias));
  parent_.push_back(relations_.size());
  relations_.push_back({alias, fact});
  return absl::OkStatus();
}

absl::Status ScatterSource::AddJoin(Node* item, int depth) {
  auto* join = reinterpret_cast<JoinExpr*>(item);
  if (join->jointype != JOIN_INNER || join->isNatural)
    return ScatterRefused(ScatterRefusal::kOuterJoin);
  if (join->alias != nullptr || join->join_using_alias != nullptr)
    return ScatterRefused(ScatterRefusal::kFromItem, "an alias of a join");
  const std::size_t begin = relations_.size();
  RETURN_IF_ERROR(AddItem(join->larg, depth + 1));
  const std::size_t middle = relations_.size();
  RETURN_IF_ERROR(AddItem(join->rarg, depth + 1));
  ReadEqualities(join->quals, 0);
  for (std::size_t i = 0; i < Count(join->usingClause); ++i) {
    const std::string_view name = NameAt(join->usingClause, i);
    merged_columns_.emplace_back(name);
    // A name that stood for two columns of one side would be an error of Postgres.
    for (std::size_t left = begin; left < middle; ++left) {
      for (std::size_t right = middle; right < relations_.size(); ++right) {
        if (relations_[left].sharded() && relations_[left].fact->tenant_column == name &&
            relations_[right].sharded() && relations_[right].fact->tenant_column == name)
          JoinTenants(left, right);
      }
    }
  }
  return absl::OkStatus();
}

const TableFact* ScatterSource::Find(std::string_view schema, std::string_view name) const {
  if (!schema.empty())
    return tables_->Find(schema, name);
  if (search_path_->empty())
    return tables_->Find("public", name);
  for (const std::string& candidate : *search_path_) {
    if (const TableFact* fact = tables_->Find(candidate, name))
      return fact;
  }
  return nullptr;
}

// Conditions that every result row fulfils: all of WHERE's and of inner joins' AND.
void ScatterSource::ReadEqualities(Node* condition, int depth) {
  if (condition == nullptr || depth > kScatterDepthMax)
    return;
  if (const auto* all = As<BoolExpr>(condition, T_BoolExpr)) {
    if (all->boolop == AND_EXPR) {
      for (Node* part : Items(all->args))
        ReadEqualities(part, depth + 1);
    }
    return;
  }
  const auto* equality = As<A_Expr>(condition, T_A_Expr);
  if (equality == nullptr || equality->kind != AEXPR_OP || Count(equality->name) != 1 ||
      NameAt(equality->name, 0) != "=")
    return;
  const auto left = Resolve(equality->lexpr);
  const auto right = Resolve(equality->rexpr);
  if (left && right && IsTenantColumn(equality->lexpr) && IsTenantColumn(equality->rexpr))
    JoinTenants(left->relation, right->relation);
}

void ScatterSource::JoinTenants(std::size_t a, std::size_t b) {
  parent_[Root(a)] = Root(b);
}

std::size_t ScatterSource::Root(std::size_t relation) const {
  while (parent_[relation] != relation)
    relation = parent_[relation];
  return relation;
}

std::optional<ScatterSource::Column> ScatterSource::Resolve(const Node* reference) const {
  const auto* column = As<ColumnRef>(reference, T_ColumnRef);
  if (column == nullptr || Count(column->fields) > 2 || IsStar(reference))
    return std::nullopt;
  if (Count(column->fields) == 2) {
    const std::string_view alias = NameAt(column->fields, 0);
    for (std::size_t i = 0; i < relations_.size(); ++i) {
      if (relations_[i].alias == alias)
        return Column{i, std::string(NameAt(column->fields, 1))};
    }
    return std::nullopt;
  }
  const std::string name(NameAt(column->fields, 0));
  if (relations_.size() == 1)
    return Column{0, name};
  std::optional<Column> found;
  for (std::size_t i = 0; i < relations_.size(); ++i) {
    const TableFact& fact = *relations_[i].fact;
    if (fact.columns.empty())
      return std::nullopt;
    if (FindColumn(fact, name) == nullptr)
      continue;
    if (found)
      return std::nullopt;
    found = Column{i, name};
  }
  return found;
}

bool ScatterSource::IsTenantColumn(const Node* reference) const {
  if (const auto column = Resolve(reference)) {
    const Relation& relation = relations_[column->relation];
    return relation.sharded() && relation.fact->tenant_column == column->name;
  }
  // A column that USING merged, when all who can have merged it are tenants' columns.
  const auto* column = As<ColumnRef>(reference, T_ColumnRef);
  if (column == nullptr || Count(column->fields) != 1 || IsStar(reference))
    return false;
  const std::string_view name = NameAt(column->fields, 0);
  return std::find(merged_columns_.begin(), merged_columns_.end(), name) != merged_columns_.end() &&
         std::all_of(relations_.begin(), relations_.end(), [&](const Relation& relation) {
           return relation.sharded() && relation.fact->tenant_column == name;
         });
}

ScatterSource::Has ScatterSource::HasColumn(std::string_view name) const {
  Has has = Has::kNo;
  for (const Relation& relation : relations_) {
    if (relation.fact->tenant_column == name && relation.sharded())
      return Has::kYes;
    if (relation.fact->columns.empty())
      has = Has::kUnknown;
    else if (FindColumn(*relation.fact, name) != nullptr)
      return Has::kYes;
  }
  return has;
}

std::optional<std::vector<std::pair<std::string, std::string>>> ScatterSource::Star(
    const Node* star) const {
  const auto* column = As<ColumnRef>(star, T_ColumnRef);
  const std::size_t parts = column == nullptr ? 0 : Count(column->fields);
  if (parts == 0 || parts > 2 || (parts == 1 && !merged_columns_.empty()))
    return std::nullopt;
  std::vector<std::pair<std::string, std::string>> columns;
  for (const Relation& relation : relations_) {
    if (parts == 2 && relation.alias != NameAt(column->fields, 0))
      continue;
    if (relation.fact->columns.empty())
      return std::nullopt;
    for (const ColumnFact& fact : relation.fact->columns)
      columns.emplace_back(relation.alias, fact.name);
  }
  if (columns.empty())
    return std::nullopt;
  return columns;
}

std::string ScatterSource::TenantColumnSql() const {
  const auto quote = [](std::string_view name) {
    std::string quoted = "\"";
    for (const char c : name)
      quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
  };
  for (const Relation& relation : relations_) {
    if (relation.sharded())
      return quote(relation.alias) + "." + quote(relation.fact->tenant_column);
  }
  return "";
}

}  // namespace pgreeve::sql
