// CatalogClient: two-phase decisions and measurements.
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"

namespace pgreeve::metastore {

// The insert waits for a concurrent one under the same gid, and the read that follows is a
// statement of its own: it sees whichever has committed.
absl::StatusOr<bool> CatalogClient::RecordDecision(std::string_view gid, bool commit) {
  RETURN_IF_ERROR(connection_
                      ->Exec("INSERT INTO pgreeve.two_phase (gid, commit) VALUES ($1, $2)"
                             " ON CONFLICT (gid) DO NOTHING",
                             {gid, commit})
                      .status());
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT commit FROM pgreeve.two_phase WHERE gid = $1", {gid}));
  return row.rows() == 1 && row.Bool(0, 0);
}

absl::StatusOr<std::vector<TwoPhaseDecision>> CatalogClient::ListDecisions() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT gid, commit,"
                                     " (extract(epoch FROM decided_at) * 1000000)::bigint"
                                     " FROM pgreeve.two_phase ORDER BY decided_at, gid"));
  std::vector<TwoPhaseDecision> decisions;
  for (int i = 0; i < rows.rows(); i++)
    decisions.push_back(
        {std::string(rows.Text(i, 0)), rows.Bool(i, 1), absl::FromUnixMicros(rows.Int(i, 2))});
  return decisions;
}

absl::Status CatalogClient::ForgetDecisions(std::span<const std::string> gids) {
  return connection_
      ->Exec("DELETE FROM pgreeve.two_phase WHERE gid = ANY ($1::text[])",
             {pqlink::ArrayLiteral(gids)})
      .status();
}

absl::Status CatalogClient::WriteTenantSizes(std::span<const TenantSize> sizes) {
  std::vector<std::string> ids;
  std::vector<std::string> bytes;
  std::vector<std::string> counts;
  for (const TenantSize& size : sizes) {
    ids.push_back(size.tenant.Text());
    bytes.push_back(std::to_string(size.bytes));
    counts.push_back(std::to_string(size.rows));
  }
  // A tenant that has gone meanwhile is left out.
  return connection_
      ->Exec(
          "INSERT INTO pgreeve.tenant_sizes (tenant, bytes, rows)"
          " SELECT u.id, u.b, u.r FROM unnest($1::text[], $2::bigint[], $3::bigint[]) u(id, b, r)"
          " JOIN pgreeve.tenants t ON t.id = u.id"
          " ON CONFLICT (tenant) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows,"
          " measured_at = excluded.measured_at",
          {pqlink::ArrayLiteral(ids), pqlink::ArrayLiteral(bytes), pqlink::ArrayLiteral(counts)})
      .status();
}

absl::Status CatalogClient::AddTenantLoad(std::string_view /*router*/,
                                          std::span<const TenantLoad> deltas) {
  std::vector<std::string> ids;
  std::vector<std::string> queries;
  std::vector<std::string> times;
  std::vector<std::string> counts;
  std::vector<std::string> bytes;
  for (const TenantLoad& load : deltas) {
    ids.push_back(load.tenant.Text());
    queries.push_back(std::to_string(load.queries));
    times.push_back(std::to_string(load.server_time_us));
    counts.push_back(std::to_string(load.rows));
    bytes.push_back(std::to_string(load.bytes));
  }
  const pqlink::Param params[] = {pqlink::ArrayLiteral(ids),
                                  pqlink::ArrayLiteral(queries),
                                  pqlink::ArrayLiteral(times),
                                  pqlink::ArrayLiteral(counts),
                                  pqlink::ArrayLiteral(bytes)};
  // Sorted by tenant, so that two routers that add at once do not deadlock. A week is kept.
  RETURN_IF_ERROR(
      connection_
          ->Exec(
              "INSERT INTO pgreeve.tenant_load AS l"
              " SELECT id, date_bin('10 minutes', now(), 'epoch'), sum(q), sum(t), sum(r), sum(b)"
              " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])"
              "  u(id, q, t, r, b) GROUP BY id ORDER BY id"
              " ON CONFLICT (tenant, bucket) DO UPDATE SET queries = l.queries + excluded.queries,"
              " server_time_us = l.server_time_us + excluded.server_time_us,"
              " rows = l.rows + excluded.rows, bytes = l.bytes + excluded.bytes",
              params)
          .status());
  return connection_
      ->Exec("DELETE FROM pgreeve.tenant_load WHERE bucket < now() - interval '7 days'")
      .status();
}

}  // namespace pgreeve::metastore
