// CatalogClient: logins and declared tables.
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/enum_text.h"
#include "router/metastore/json_object.h"
#include "router/metastore/placement_loader.h"

namespace pgreeve::metastore {
namespace {

absl::Status LoginError(const absl::Status& status, const catalog::LoginInfo& login) {
  const SqlError error = ToSqlError(status);
  if (error.sqlstate == "23505")
    return SqlStatus("42710", "login \"" + login.name + "\" already exists");
  if (error.sqlstate == "23503")
    return SqlStatus("22023", "there is no tenant \"" + login.tenant.Text() + "\"");
  if (error.sqlstate == "23514")
    return SqlStatus("22023",
                     "the login contradicts its scope, or its verifier is none",
                     error.message,
                     "A tenant login names a tenant; only app logins provision; only operators are"
                     " superadmins; the verifier starts with SCRAM-SHA-256$.");
  return status;
}

}  // namespace

absl::Status CatalogClient::PutLogin(const catalog::LoginInfo& login,
                                     bool create,
                                     std::string_view actor) {
  const Verb verb{actor,
                  create ? "create login" : "alter login",
                  login.name,
                  JsonObject({{"scope", EnumText(login.scope)},
                              {"tenant", login.tenant.empty() ? "" : login.tenant.Text()},
                              {"superadmin", login.superadmin ? "yes" : ""},
                              {"provision", login.provision ? "yes" : ""},
                              {"isolated", login.isolated ? "yes" : "no"}})};
  return Apply(verb, [&](Change& change) -> absl::Status {
    change.Note("login", login.name);
    const pqlink::Param params[] = {
        login.name,
        EnumText(login.scope),
        login.verifier,
        login.tenant.empty() ? pqlink::Param(std::nullopt) : pqlink::Param(login.tenant.Text()),
        login.isolated,
        login.provision,
        login.provision_tier,
        login.provision_region,
        login.connections_max,
        login.superadmin};
    const auto done = connection_->Exec(
        create ? "INSERT INTO pgreeve.logins (name, scope, verifier, tenant, isolated, provision,"
                 " provision_tier, provision_region, connections_max, superadmin)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
               : "UPDATE pgreeve.logins SET scope = $2, verifier = $3, tenant = $4, isolated = $5,"
                 " provision = $6, provision_tier = $7, provision_region = $8,"
                 " connections_max = $9, superadmin = $10 WHERE name = $1",
        params);
    if (!done.ok())
      return LoginError(done.status(), login);
    if (done->affected() == 0)
      return SqlStatus("42704", "there is no login \"" + login.name + "\"");
    return absl::OkStatus();
  });
}

absl::Status CatalogClient::CreateLogin(const catalog::LoginInfo& login, std::string_view actor) {
  return PutLogin(login, true, actor);
}

absl::Status CatalogClient::AlterLogin(const catalog::LoginInfo& login, std::string_view actor) {
  return PutLogin(login, false, actor);
}

absl::Status CatalogClient::DropLogin(std::string_view name, std::string_view actor) {
  const Verb verb{actor, "drop login", std::string(name), ""};
  return Apply(verb, [&](Change& change) -> absl::Status {
    change.Note("login", name);
    ASSIGN_OR_RETURN(const auto done,
                     connection_->Exec("DELETE FROM pgreeve.logins WHERE name = $1", {name}));
    if (done.affected() == 0)
      return SqlStatus("42704", "there is no login \"" + std::string(name) + "\"");
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<catalog::LoginInfo>> CatalogClient::ListLogins() {
  ASSIGN_OR_RETURN(const TenantType type, GetTenantType());
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT " + std::string(kLoginColumns) +
                                     " FROM pgreeve.logins ORDER BY name"));
  std::vector<catalog::LoginInfo> logins;
  for (int i = 0; i < rows.rows(); i++) {
    ASSIGN_OR_RETURN(logins.emplace_back(), LoginOf(type, rows, i));
  }
  return logins;
}

absl::Status CatalogClient::SetBackendRole(catalog::RoleClass role,
                                           const catalog::BackendRole& login,
                                           std::string_view actor) {
  const Verb verb{
      actor, "set backend role", std::string(EnumText(role)), JsonObject({{"user", login.user}})};
  return Apply(verb, [&](Change& change) {
    change.Note("role", EnumText(role));
    return connection_
        ->Exec(
            "INSERT INTO pgreeve.backend_roles VALUES ($1, $2, $3)"
            " ON CONFLICT (class) DO UPDATE SET username = excluded.username,"
            " password = excluded.password",
            {EnumText(role), login.user, login.password})
        .status();
  });
}

// ---------------------------------------------------------------- tables

absl::Status CatalogClient::DeclareTable(const TableFact& table, std::string_view actor) {
  if ((table.kind == TableKind::kSharded) == table.tenant_column.empty())
    return SqlStatus("22023", "a sharded table has a tenant column, a reference table has none");
  const Verb verb{
      actor,
      "declare table",
      table.schema + "." + table.name,
      JsonObject({{"kind", EnumText(table.kind)}, {"tenant_column", table.tenant_column}})};
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::vector<std::string> not_nulls;
  for (const ColumnFact& column : table.columns) {
    names.push_back(column.name);
    types.push_back(column.type);
    not_nulls.emplace_back(column.not_null ? "true" : "false");
  }
  return Apply(verb, [&](Change& change) -> absl::Status {
    change.Note("table", table.schema + "." + table.name);
    const pqlink::Param params[] = {table.schema,
                                    table.name,
                                    EnumText(table.kind),
                                    table.tenant_column,
                                    pqlink::ArrayLiteral(names),
                                    pqlink::ArrayLiteral(types),
                                    pqlink::ArrayLiteral(not_nulls)};
    RETURN_IF_ERROR(
        connection_
            ->Exec("INSERT INTO pgreeve.tables VALUES ($1, $2, $3, $4, coalesce((SELECT jsonb_agg("
                   "jsonb_build_object('name', n, 'type', t, 'not_null', b) ORDER BY o)"
                   " FROM unnest($5::text[], $6::text[], $7::boolean[])"
                   " WITH ORDINALITY u(n, t, b, o)), '[]'))"
                   " ON CONFLICT (schema, name) DO UPDATE SET kind = excluded.kind,"
                   " tenant_column = excluded.tenant_column, columns = excluded.columns",
                   params)
            .status());
    return connection_->Exec("UPDATE pgreeve.meta SET schema_epoch = epoch").status();
  });
}

absl::Status CatalogClient::DropTable(std::string_view schema,
                                      std::string_view name,
                                      std::string_view actor) {
  const std::string full = std::string(schema) + "." + std::string(name);
  const Verb verb{actor, "forget table", full, ""};
  return Apply(verb, [&](Change& change) -> absl::Status {
    change.Note("table", full);
    ASSIGN_OR_RETURN(const auto done,
                     connection_->Exec("DELETE FROM pgreeve.tables WHERE schema = $1 AND name = $2",
                                       {schema, name}));
    if (done.affected() == 0)
      return SqlStatus("42704", "table \"" + full + "\" is not declared");
    return connection_->Exec("UPDATE pgreeve.meta SET schema_epoch = epoch").status();
  });
}

}  // namespace pgreeve::metastore
