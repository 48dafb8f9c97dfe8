// CatalogClient: leases of routers and of the rebalancer, all by the catalog's clock.
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/json_object.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

int64_t Milliseconds(absl::Duration lease) {
  return absl::ToInt64Milliseconds(lease);
}

}  // namespace

absl::Status CatalogClient::RegisterRouter(const RouterRow& router, absl::Duration lease) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  const pqlink::Param params[] = {router.name,
                                  router.incarnation,
                                  router.address,
                                  router.http_address,
                                  router.acked.timeline,
                                  router.acked.n,
                                  Milliseconds(lease)};
  ASSIGN_OR_RETURN(
      const auto done,
      connection_->Exec(
          "INSERT INTO pgreeve.routers AS r VALUES ($1, $2, $3, $4, $5, $6, now(),"
          " clock_timestamp() + $7 * interval '1 ms')"
          " ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation,"
          " address = excluded.address, http_address = excluded.http_address,"
          " acked_timeline = excluded.acked_timeline, acked_epoch = excluded.acked_epoch,"
          " started_at = excluded.started_at, lease_until = excluded.lease_until"
          " WHERE r.incarnation <= excluded.incarnation",
          params));
  if (done.affected() == 0)
    return SqlStatus("55000",
                     "a later incarnation of router \"" + router.name + "\" is registered");
  RETURN_IF_ERROR(AppendAudit("router:" + router.name,
                              "register router",
                              router.name,
                              JsonObject({{"incarnation", std::to_string(router.incarnation)},
                                          {"address", router.address}})));
  return transaction.Commit();
}

absl::StatusOr<bool> CatalogClient::RenewLease(const RouterRow& router, absl::Duration lease) {
  ASSIGN_OR_RETURN(const auto done,
                   connection_->Exec("UPDATE pgreeve.routers SET acked_timeline = $3,"
                                     " acked_epoch = $4,"
                                     " lease_until = clock_timestamp() + $5 * interval '1 ms'"
                                     " WHERE name = $1 AND incarnation = $2",
                                     {router.name,
                                      router.incarnation,
                                      router.acked.timeline,
                                      router.acked.n,
                                      Milliseconds(lease)}));
  return done.affected() == 1;
}

absl::Status CatalogClient::UnregisterRouter(std::string_view name, uint64_t incarnation) {
  return connection_
      ->Exec("DELETE FROM pgreeve.routers WHERE name = $1 AND incarnation = $2",
             {name, incarnation})
      .status();
}

absl::StatusOr<std::vector<RouterRow>> CatalogClient::ListRouters() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT name, incarnation, address, http_address,"
                                     " acked_timeline, acked_epoch,"
                                     " (extract(epoch FROM started_at) * 1000000)::bigint,"
                                     " (extract(epoch FROM lease_until) * 1000000)::bigint,"
                                     " lease_until > clock_timestamp()"
                                     " FROM pgreeve.routers ORDER BY name"));
  std::vector<RouterRow> routers;
  for (int i = 0; i < rows.rows(); i++) {
    RouterRow router;
    router.name = rows.Text(i, 0);
    router.incarnation = static_cast<uint64_t>(rows.Int(i, 1));
    router.address = rows.Text(i, 2);
    router.http_address = rows.Text(i, 3);
    router.acked = {static_cast<uint32_t>(rows.Int(i, 4)), static_cast<uint64_t>(rows.Int(i, 5))};
    router.started_at = absl::FromUnixMicros(rows.Int(i, 6));
    router.lease_until = absl::FromUnixMicros(rows.Int(i, 7));
    router.live = rows.Bool(i, 8);
    routers.push_back(std::move(router));
  }
  return routers;
}

// ---------------------------------------------------------------- rebalancer leadership

absl::StatusOr<std::optional<int64_t>> CatalogClient::TryLead(std::string_view holder,
                                                              std::string_view address,
                                                              absl::Duration lease) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  // The same holder keeps its token only while its lease runs: after a gap somebody else may have
  // led and resigned.
  ASSIGN_OR_RETURN(
      const auto row,
      connection_->Exec(
          "INSERT INTO pgreeve.leader AS l"
          " VALUES (true, $1, $2, 1, clock_timestamp() + $3 * interval '1 ms')"
          " ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, address = excluded.address,"
          "  token = l.token + CASE WHEN l.holder = excluded.holder"
          "   AND l.lease_until > clock_timestamp() THEN 0 ELSE 1 END,"
          "  lease_until = excluded.lease_until"
          "  WHERE l.lease_until <= clock_timestamp() OR l.holder = excluded.holder"
          " RETURNING token",
          {holder, address, Milliseconds(lease)}));
  RETURN_IF_ERROR(transaction.Commit());
  if (row.rows() == 0)
    return std::nullopt;
  return row.Int(0, 0);
}

absl::StatusOr<bool> CatalogClient::RenewLead(int64_t token, absl::Duration lease) {
  ASSIGN_OR_RETURN(const auto done,
                   connection_->Exec("UPDATE pgreeve.leader"
                                     " SET lease_until = clock_timestamp() + $2 * interval '1 ms'"
                                     " WHERE token = $1 AND lease_until > clock_timestamp()",
                                     {token, Milliseconds(lease)}));
  return done.affected() == 1;
}

absl::Status CatalogClient::ResignLead(int64_t token) {
  return connection_
      ->Exec("UPDATE pgreeve.leader SET lease_until = clock_timestamp() WHERE token = $1", {token})
      .status();
}

absl::StatusOr<std::optional<LeaderRow>> CatalogClient::Leader() {
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT holder, address, token,"
                                     " (extract(epoch FROM lease_until) * 1000000)::bigint,"
                                     " lease_until > clock_timestamp() FROM pgreeve.leader"));
  if (row.rows() == 0)
    return std::nullopt;
  LeaderRow leader;
  leader.holder = row.Text(0, 0);
  leader.address = row.Text(0, 1);
  leader.token = row.Int(0, 2);
  leader.lease_until = absl::FromUnixMicros(row.Int(0, 3));
  leader.live = row.Bool(0, 4);
  return leader;
}

}  // namespace pgreeve::metastore
