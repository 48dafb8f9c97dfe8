#include "router/sql/relation_lookup.h"

namespace pgreeve::sql {
namespace {

FoundRelation Declared(const TableFact* fact) {
  FoundRelation found;
  found.kind =
      fact->kind == TableKind::kSharded ? RelationClass::kSharded : RelationClass::kReference;
  found.fact = fact;
  found.schema = fact->schema;
  return found;
}

}  // namespace

bool IsMigrationTable(std::string_view name) {
  static constexpr std::string_view kNames[] = {"django_migrations",
                                                "schema_migrations",
                                                "ar_internal_metadata",
                                                "alembic_version",
                                                "flyway_schema_history",
                                                "_prisma_migrations",
                                                "__EFMigrationsHistory",
                                                "SequelizeMeta",
                                                "_sqlx_migrations",
                                                "goose_db_version",
                                                "atlas_schema_revisions"};
  for (const std::string_view known : kNames) {
    if (name == known)
      return true;
  }
  return name.starts_with("databasechangelog") || name.starts_with("knex_migrations");
}

FoundRelation FindRelation(std::string_view schema,
                           std::string_view name,
                           const AnalyzeOptions& options) {
  FoundRelation found;
  found.schema = schema;
  if (schema == "pg_catalog" || schema == "information_schema" || schema == "pg_toast") {
    found.kind = RelationClass::kSystem;
    return found;
  }
  if (!schema.empty()) {
    if (const TableFact* fact = options.tables->Find(schema, name))
      return Declared(fact);
  } else {
    static const std::vector<std::string> kDefaultPath = {"public"};
    const auto& path = options.search_path.empty() ? kDefaultPath : options.search_path;
    for (const std::string& candidate : path) {
      if (const TableFact* fact = options.tables->Find(candidate, name))
        return Declared(fact);
      if (candidate == "information_schema") {
        found.kind = RelationClass::kSystem;
        return found;
      }
    }
    if (name.starts_with("pg_")) {
      found.kind = RelationClass::kSystem;
      found.schema = "pg_catalog";
      return found;
    }
  }
  if ((schema.empty() || schema == "public") && IsMigrationTable(name))
    found.kind = RelationClass::kReference;
  return found;
}

}  // namespace pgreeve::sql
