// CatalogClient: making and upgrading the catalog's own schema.
#include <openssl/rand.h>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/embedded_sql.h"
#include "router/metastore/enum_text.h"
#include "router/metastore/json_object.h"
#include "router/metastore/shard_client.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

constexpr std::size_t kPasswordBytes = 24;

absl::StatusOr<std::string> RandomPassword() {
  std::string bytes(kPasswordBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), kPasswordBytes) != 1)
    return SqlStatus("XX000", "no random numbers");
  return ToHex(bytes);
}

// In the caller's transaction. The advisory lock lets one program migrate at a time.
absl::StatusOr<int32_t> Migrate(pqlink::Connection& connection) {
  RETURN_IF_ERROR(connection.ExecScript(
      "SELECT pg_advisory_xact_lock(1886545010, 3);"
      "CREATE SCHEMA IF NOT EXISTS pgreeve;"
      "REVOKE ALL ON SCHEMA pgreeve FROM PUBLIC;"
      "CREATE TABLE IF NOT EXISTS pgreeve.migrations (version int PRIMARY KEY,"
      " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"));
  ASSIGN_OR_RETURN(const auto row,
                   connection.Exec("SELECT coalesce(max(version), 0) FROM pgreeve.migrations"));
  auto version = static_cast<int32_t>(row.Int(0, 0));
  for (const Migration& migration : Migrations()) {
    if (migration.version <= version)
      continue;
    RETURN_IF_ERROR(connection.ExecScript(migration.sql));
    RETURN_IF_ERROR(connection
                        .Exec("INSERT INTO pgreeve.migrations VALUES ($1, $2)",
                              {migration.version, migration.name})
                        .status());
    version = migration.version;
  }
  return version;
}

}  // namespace

absl::Status CatalogClient::Init(TenantType type, std::string_view actor) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  ASSIGN_OR_RETURN(const auto there,
                   connection_->Exec("SELECT to_regclass('pgreeve.meta') IS NOT NULL"));
  if (there.Bool(0, 0))
    return SqlStatus("42P06",
                     "this database has a pgreeve catalog already",
                     "",
                     "Use \"pgreevectl catalog upgrade\".");
  RETURN_IF_ERROR(Migrate(*connection_).status());
  RETURN_IF_ERROR(
      connection_->Exec("INSERT INTO pgreeve.meta (tenant_type) VALUES ($1)", {ToString(type)})
          .status());
  // Bytes: starter below 1 GB, business to 10 GB, enterprise above, alone on its shard.
  RETURN_IF_ERROR(connection_->ExecScript(
      "INSERT INTO pgreeve.regions VALUES ('local');"
      "INSERT INTO pgreeve.tiers VALUES"
      " ('starter', false, 100, 0, 1000000000, '15 minutes', '500 ms'),"
      " ('business', false, 10, 1000000000, 10000000000, '2 hours', '500 ms'),"
      " ('enterprise', true, 1, 10000000000, 0, '24 hours', '500 ms')"));
  for (const auto role :
       {catalog::RoleClass::kTenant, catalog::RoleClass::kOperator, catalog::RoleClass::kOwner}) {
    ASSIGN_OR_RETURN(const std::string password, RandomPassword());
    RETURN_IF_ERROR(connection_
                        ->Exec("INSERT INTO pgreeve.backend_roles VALUES ($1, $2, $3)",
                               {EnumText(role), RoleName(role), password})
                        .status());
  }
  RETURN_IF_ERROR(
      AppendAudit(actor, "catalog init", "", JsonObject({{"tenant_type", ToString(type)}})));
  return transaction.Commit();
}

absl::StatusOr<int32_t> CatalogClient::Upgrade() {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  ASSIGN_OR_RETURN(const auto there,
                   connection_->Exec("SELECT to_regclass('pgreeve.meta') IS NOT NULL"));
  if (!there.Bool(0, 0))
    return SqlStatus(
        "42P01", "this database has no pgreeve catalog", "", "Use \"pgreevectl catalog init\".");
  ASSIGN_OR_RETURN(const int32_t version, Migrate(*connection_));
  RETURN_IF_ERROR(transaction.Commit());
  return version;
}

absl::StatusOr<int32_t> CatalogClient::Version() {
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT coalesce(max(version), 0) FROM pgreeve.migrations"));
  return static_cast<int32_t>(row.Int(0, 0));
}

}  // namespace pgreeve::metastore
