#include "router/sql/copy_statement.h"

#include "router/base/status.h"
#include "router/sql/pg_tree.h"

// clang-format off
#include "router/sql/pg_headers.h"

// clang-format on

namespace pgreeve::sql {
namespace {

std::string TextOf(const Node* node) {
  if (node == nullptr)
    return "true";
  switch (node->type) {
    case T_String:
      return reinterpret_cast<const String*>(node)->sval;
    case T_Integer:
      return std::to_string(reinterpret_cast<const Integer*>(node)->ival);
    case T_Boolean:
      return reinterpret_cast<const Boolean*>(node)->boolval ? "true" : "false";
    case T_Float:
      return reinterpret_cast<const Float*>(node)->fval;
    default:
      return "?";
  }
}

}  // namespace

absl::StatusOr<CopyStatement> ParseCopyStatement(std::string_view sql) {
  const RawTree tree(sql);
  if (!tree.ok())
    return ToStatus(tree.error());
  const Items<RawStmt> statements(tree.statements());
  if (statements.size() != 1)
    return SqlStatus("42601", "expected one COPY statement");
  const auto* copy = As<CopyStmt>(statements[0]->stmt, T_CopyStmt);
  if (copy == nullptr || copy->relation == nullptr)
    return SqlStatus("42601", "expected COPY of a table");
  CopyStatement out;
  if (copy->relation->schemaname != nullptr)
    out.schema = copy->relation->schemaname;
  out.table = copy->relation->relname;
  for (const Node* column : Items<Node>(copy->attlist))
    out.columns.push_back(TextOf(column));
  for (const DefElem* option : Items<DefElem>(copy->options))
    out.options.emplace_back(option->defname, TextOf(option->arg));
  if (copy->whereClause != nullptr)
    out.options.emplace_back("where", "true");
  return out;
}

}  // namespace pgreeve::sql
