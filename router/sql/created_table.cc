#include "router/sql/created_table.h"

#include "router/sql/pg_tree.h"

// clang-format off
#include "router/sql/pg_headers.h"

// clang-format on

namespace pgreeve::sql {

std::optional<CreatedTable> ReadCreatedTable(std::string_view sql) {
  const RawTree tree(sql);
  if (!tree.ok())
    return std::nullopt;
  const Items<RawStmt> statements(tree.statements());
  if (statements.size() != 1)
    return std::nullopt;
  const auto* create = As<CreateStmt>(statements[0]->stmt, T_CreateStmt);
  if (create == nullptr || create->partbound != nullptr || create->relation == nullptr ||
      create->relation->relpersistence == 't')
    return std::nullopt;
  CreatedTable table;
  if (create->relation->schemaname != nullptr)
    table.schema = create->relation->schemaname;
  table.table = create->relation->relname;
  for (const Node* element : Items<Node>(create->tableElts)) {
    const auto* column = As<ColumnDef>(element, T_ColumnDef);
    if (column != nullptr && column->colname != nullptr)
      table.columns.emplace_back(column->colname);
  }
  return table;
}

}  // namespace pgreeve::sql
