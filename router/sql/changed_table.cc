#include "router/sql/changed_table.h"

#include "router/sql/pg_tree.h"

// clang-format off
#include "router/sql/pg_headers.h"

// clang-format on

namespace pgreeve::sql {
namespace {

std::string TextOf(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

ChangedTable Named(const RangeVar* relation) {
  ChangedTable change;
  change.schema = TextOf(relation->schemaname);
  change.table = TextOf(relation->relname);
  return change;
}

std::vector<ChangedTable> Dropped(const DropStmt* drop) {
  std::vector<ChangedTable> changes;
  if (drop->removeType != OBJECT_TABLE)
    return changes;
  for (const List* name : Items<List>(drop->objects)) {
    ChangedTable change;
    change.dropped = true;
    for (const Node* part : Items<Node>(name)) {
      const auto* text = As<String>(part, T_String);
      change.schema = std::move(change.table);
      change.table = text == nullptr ? std::string() : TextOf(text->sval);
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<ChangedTable> Renamed(const RenameStmt* rename) {
  if (rename->relation == nullptr)
    return {};
  ChangedTable change = Named(rename->relation);
  if (rename->renameType == OBJECT_TABLE) {
    change.new_table = TextOf(rename->newname);
  } else if (rename->renameType == OBJECT_COLUMN && rename->relationType == OBJECT_TABLE) {
    change.old_column = TextOf(rename->subname);
    change.new_column = TextOf(rename->newname);
  } else {
    return {};
  }
  return {std::move(change)};
}

}  // namespace

std::vector<ChangedTable> ReadChangedTables(std::string_view sql) {
  const RawTree tree(sql);
  if (!tree.ok())
    return {};
  const Items<RawStmt> statements(tree.statements());
  if (statements.size() != 1)
    return {};
  const Node* statement = statements[0]->stmt;
  if (const auto* drop = As<DropStmt>(statement, T_DropStmt))
    return Dropped(drop);
  if (const auto* rename = As<RenameStmt>(statement, T_RenameStmt))
    return Renamed(rename);
  if (const auto* alter = As<AlterTableStmt>(statement, T_AlterTableStmt)) {
    if (alter->objtype == OBJECT_TABLE && alter->relation != nullptr)
      return {Named(alter->relation)};
  }
  if (const auto* move = As<AlterObjectSchemaStmt>(statement, T_AlterObjectSchemaStmt)) {
    if (move->objectType == OBJECT_TABLE && move->relation != nullptr) {
      ChangedTable change = Named(move->relation);
      change.new_schema = TextOf(move->newschema);
      return {std::move(change)};
    }
  }
  return {};
}

}  // namespace pgreeve::sql
