#include "router/metastore/shard_client.h"

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/catalog/tenant_token.h"
#include "router/metastore/embedded_sql.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

constexpr std::string_view kTypeMark = "{{tenant_type}}";

absl::Status NeedsRoleName(catalog::RoleClass role) {
  return SqlStatus("22023", "the backend role must be named " + std::string(RoleName(role)));
}

}  // namespace

std::string_view RoleName(catalog::RoleClass role) {
  switch (role) {
    case catalog::RoleClass::kTenant:
      return "pgreeve_app";
    case catalog::RoleClass::kOperator:
      return "pgreeve_operator";
    case catalog::RoleClass::kOwner:
      return "pgreeve_ddl";
  }
  return "?";
}

std::string ShardSchemaScript(TenantType type) {
  std::string script(ShardSchemaSql());
  for (std::size_t at = script.find(kTypeMark); at != script.npos; at = script.find(kTypeMark, at))
    script.replace(at, kTypeMark.size(), ToString(type));
  return script;
}

absl::StatusOr<std::unique_ptr<ShardClient>> ShardClient::Open(
    const std::string& dsn, const pqlink::ConnectOptions& options) {
  ASSIGN_OR_RETURN(auto connection, pqlink::Connection::Open(dsn, options));
  return std::unique_ptr<ShardClient>(new ShardClient(std::move(connection)));
}

absl::StatusOr<bool> ShardClient::CreateShardDatabase(std::string_view database) {
  ASSIGN_OR_RETURN(const auto there,
                   connection_->Exec("SELECT FROM pg_database WHERE datname = $1", {database}));
  if (there.rows() > 0)
    return false;
  RETURN_IF_ERROR(connection_->ExecScript("CREATE DATABASE " + pqlink::QuoteIdentifier(database) +
                                          " TEMPLATE template0 ENCODING 'UTF8'"));
  return true;
}

absl::Status ShardClient::InstallShardSchema(const ShardInstall& install) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  RETURN_IF_ERROR(connection_->ExecScript(ShardSchemaScript(install.tenant_type)));
  for (std::size_t i = 0; i < catalog::kRoleClasses; i++) {
    const auto& [user, password] = install.roles[i];
    const auto role = static_cast<catalog::RoleClass>(i);
    if (user.empty())
      continue;
    if (user != RoleName(role))
      return NeedsRoleName(role);
    ASSIGN_OR_RETURN(const std::string verifier, connection_->EncryptPassword(user, password));
    RETURN_IF_ERROR(connection_->ExecScript("ALTER ROLE " + pqlink::QuoteIdentifier(user) +
                                            " PASSWORD " + pqlink::QuoteLiteral(verifier)));
  }
  if (!install.token_key.empty()) {
    const auto [inner, outer] = catalog::PadsOf(install.token_key);
    RETURN_IF_ERROR(
        connection_
            ->Exec("INSERT INTO pgreeve.key VALUES ($1, $2, $3) ON CONFLICT (kid)"
                   " DO UPDATE SET ipad = excluded.ipad, opad = excluded.opad",
                   {install.token_kid, pqlink::Param::Bytes(inner), pqlink::Param::Bytes(outer)})
            .status());
  }
  RETURN_IF_ERROR(connection_
                      ->Exec("INSERT INTO pgreeve.shard_state VALUES (true, $1, $2, 0,"
                             " left(pg_walfile_name(pg_current_wal_lsn()), 8))"
                             " ON CONFLICT (one) DO NOTHING",
                             {install.shard.value, install.shard_epoch})
                      .status());
  ASSIGN_OR_RETURN(const auto state, connection_->Exec("SELECT shard FROM pgreeve.shard_state"));
  if (state.Int(0, 0) != install.shard.value)
    return SqlStatus("55000",
                     "this database is shard " + std::string(state.Text(0, 0)) +
                         " already, not shard " + std::to_string(install.shard.value));
  return transaction.Commit();
}

absl::Status ShardClient::ReassertTimeline() {
  return connection_
      ->Exec(
          "UPDATE pgreeve.shard_state"
          " SET timeline = left(pg_walfile_name(pg_current_wal_lsn()), 8)")
      .status();
}

absl::Status ShardClient::SetShardEpoch(uint64_t shard_epoch, uint64_t min_epoch) {
  // Neither is ever lowered.
  return connection_
      ->Exec(
          "UPDATE pgreeve.shard_state SET shard_epoch = greatest(shard_epoch, $1),"
          " min_epoch = greatest(min_epoch, $2)",
          {shard_epoch, min_epoch})
      .status();
}

absl::Status ShardClient::ApplyDdl(std::string_view sql) {
  const auto as_owner = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
    RETURN_IF_ERROR(connection_->ExecScript("SET LOCAL ROLE pgreeve_ddl"));
    RETURN_IF_ERROR(connection_->ExecScript(sql));
    return transaction.Commit();
  };
  absl::Status status = as_owner();
  if (status.ok() || ToSqlError(status).sqlstate != "25001")
    return status;
  // CREATE INDEX CONCURRENTLY and its like refuse to run in a transaction.
  RETURN_IF_ERROR(connection_->ExecScript("SET ROLE pgreeve_ddl"));
  status = connection_->ExecScript(sql);
  RETURN_IF_ERROR(connection_->ExecScript("RESET ROLE"));
  return status;
}

absl::StatusOr<int64_t> ShardClient::ReplayDdl(std::span<const SchemaDdl> journal) {
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT coalesce(max(seq), 0) FROM pgreeve.replayed"));
  int64_t seq = row.Int(0, 0);
  for (const SchemaDdl& entry : journal) {
    if (entry.seq <= seq || entry.state != "done")
      continue;
    const absl::Status applied = ApplyDdl(entry.sql);
    if (!applied.ok()) {
      const SqlError error = ToSqlError(applied);
      return SqlStatus(
          error.sqlstate,
          "replaying schema change " + std::to_string(entry.seq) + ": " + error.message,
          entry.sql,
          error.hint);
    }
    seq = entry.seq;
    RETURN_IF_ERROR(connection_
                        ->Exec("INSERT INTO pgreeve.replayed VALUES (true, $1)"
                               " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq",
                               {seq})
                        .status());
  }
  return seq;
}

absl::Status ShardClient::ProtectTable(const TableFact& table) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  RETURN_IF_ERROR(connection_->ExecScript("SET LOCAL ROLE pgreeve_ddl"));
  const auto done =
      table.kind == TableKind::kSharded
          ? connection_->Exec("SELECT pgreeve.protect($1, $2, $3)",
                              {table.schema, table.name, table.tenant_column})
          : connection_->Exec("SELECT pgreeve.share_reference($1, $2)", {table.schema, table.name});
  RETURN_IF_ERROR(done.status());
  return transaction.Commit();
}

absl::StatusOr<std::vector<Finding>> ShardClient::Check() {
  ASSIGN_OR_RETURN(
      const auto rows,
      connection_->Exec("SELECT severity, object, finding FROM pgreeve.check() ORDER BY 1, 2, 3"));
  std::vector<Finding> findings;
  for (int i = 0; i < rows.rows(); i++)
    findings.push_back(
        {std::string(rows.Text(i, 0)), std::string(rows.Text(i, 1)), std::string(rows.Text(i, 2))});
  return findings;
}

}  // namespace pgreeve::metastore
