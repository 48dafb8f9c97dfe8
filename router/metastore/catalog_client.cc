#include "router/metastore/catalog_client.h"

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

// The change log keeps this many epochs; a reader further behind loads everything.
constexpr uint64_t kChangeLogEpochs = 100000;
constexpr uint64_t kTrimEvery = 1000;

}  // namespace

absl::StatusOr<std::unique_ptr<CatalogClient>> CatalogClient::Open(
    const std::string& dsn, const pqlink::ConnectOptions& options) {
  ASSIGN_OR_RETURN(auto connection, pqlink::Connection::Open(dsn, options));
  return std::make_unique<CatalogClient>(std::move(connection));
}

CatalogClient::CatalogClient(std::unique_ptr<pqlink::Connection> connection)
    : connection_(std::move(connection)) {}

CatalogClient::~CatalogClient() = default;

absl::Status CatalogClient::Apply(const Verb& verb, absl::FunctionRef<absl::Status(Change&)> body) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  ASSIGN_OR_RETURN(const auto meta,
                   connection_->Exec("UPDATE pgreeve.meta SET epoch = epoch + 1 RETURNING epoch"));
  if (meta.rows() != 1)
    return SqlStatus("55000", "the catalog has no meta row");
  Change change(static_cast<uint64_t>(meta.Int(0, 0)));
  RETURN_IF_ERROR(body(change));

  std::vector<std::string> kinds;
  std::vector<std::string> keys;
  for (const ChangeKey& entry : change.keys()) {
    kinds.push_back(entry.kind);
    keys.push_back(entry.key);
  }
  RETURN_IF_ERROR(
      connection_
          ->Exec("INSERT INTO pgreeve.change_log"
                 " SELECT DISTINCT $1::bigint, k, v"
                 " FROM unnest($2::text[], $3::text[]) u(k, v)",
                 {change.epoch(), pqlink::ArrayLiteral(kinds), pqlink::ArrayLiteral(keys)})
          .status());
  RETURN_IF_ERROR(connection_
                      ->Exec("SELECT pgreeve.audit_append($1, $2, $3, $4::jsonb),"
                             " pg_notify($5, $6)",
                             {verb.actor,
                              verb.name,
                              verb.object,
                              verb.details.empty() ? "{}" : verb.details,
                              kChangeChannel,
                              std::to_string(change.epoch())})
                      .status());
  if (change.epoch() % kTrimEvery == 0 && change.epoch() > kChangeLogEpochs) {
    RETURN_IF_ERROR(connection_
                        ->Exec("WITH kept AS (UPDATE pgreeve.meta SET change_log_from = $1"
                               " RETURNING change_log_from)"
                               " DELETE FROM pgreeve.change_log c USING kept"
                               " WHERE c.epoch <= kept.change_log_from",
                               {change.epoch() - kChangeLogEpochs})
                        .status());
  }
  RETURN_IF_ERROR(transaction.Commit());
  last_epoch_ = change.epoch();
  return absl::OkStatus();
}

absl::StatusOr<Epoch> CatalogClient::CurrentEpoch() {
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8), epoch"
                                     " FROM pgreeve.meta"));
  if (row.rows() != 1)
    return SqlStatus("55000", "the catalog has no meta row");
  Epoch epoch;
  epoch.timeline = static_cast<uint32_t>(std::stoul(std::string(row.Text(0, 0)), nullptr, 16));
  epoch.n = static_cast<uint64_t>(row.Int(0, 1));
  return epoch;
}

absl::StatusOr<TenantType> CatalogClient::GetTenantType() {
  if (tenant_type_)
    return *tenant_type_;
  ASSIGN_OR_RETURN(const auto row, connection_->Exec("SELECT tenant_type FROM pgreeve.meta"));
  if (row.rows() != 1)
    return SqlStatus("55000", "the catalog has no meta row");
  ASSIGN_OR_RETURN(tenant_type_, ParseTenantType(row.Text(0, 0)));
  return *tenant_type_;
}

absl::Status CatalogClient::SetSetting(std::string_view name,
                                       std::string_view value,
                                       std::string_view actor) {
  const Verb verb{actor, "set setting", std::string(name), ""};
  return Apply(verb, [&](Change& change) {
    change.Note("setting", name);
    return connection_
        ->Exec(
            "INSERT INTO pgreeve.settings VALUES ($1, $2)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            {name, value})
        .status();
  });
}

absl::StatusOr<std::optional<std::string>> CatalogClient::GetSetting(std::string_view name) {
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT value FROM pgreeve.settings WHERE name = $1", {name}));
  if (row.rows() == 0)
    return std::nullopt;
  return std::string(row.Text(0, 0));
}

// ---------------------------------------------------------------- audit

absl::Status CatalogClient::AppendAudit(std::string_view actor,
                                        std::string_view verb,
                                        std::string_view object,
                                        std::string_view details) {
  return connection_
      ->Exec("SELECT pgreeve.audit_append($1, $2, $3, $4::jsonb)",
             {actor, verb, object, details.empty() ? "{}" : details})
      .status();
}

absl::StatusOr<std::vector<AuditRow>> CatalogClient::ListAudit(int32_t limit) {
  ASSIGN_OR_RETURN(const auto result,
                   connection_->Exec("SELECT id, (extract(epoch FROM at) * 1000000)::bigint, actor,"
                                     " verb, object, details"
                                     " FROM pgreeve.audit ORDER BY id DESC LIMIT $1",
                                     {limit}));
  std::vector<AuditRow> rows;
  for (int i = 0; i < result.rows(); i++) {
    rows.push_back({result.Int(i, 0),
                    absl::FromUnixMicros(result.Int(i, 1)),
                    std::string(result.Text(i, 2)),
                    std::string(result.Text(i, 3)),
                    std::string(result.Text(i, 4)),
                    std::string(result.Text(i, 5))});
  }
  return rows;
}

absl::StatusOr<std::optional<int64_t>> CatalogClient::VerifyAudit() {
  ASSIGN_OR_RETURN(const auto row, connection_->Exec("SELECT pgreeve.audit_verify()"));
  if (row.IsNull(0, 0))
    return std::nullopt;
  return row.Int(0, 0);
}

}  // namespace pgreeve::metastore
