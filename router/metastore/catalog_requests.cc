// CatalogClient: requests for new shards, and the journal of fleet DDL that they replay.
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/json_object.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

// A statement that has run for longer was left by a router that died; it no longer holds up new
// shards, and stays visible as "running".
constexpr char kRunning[] = "state = 'running' AND started_at > now() - interval '10 minutes'";

absl::Status LostLead() {
  return SqlStatus("55000", "another rebalancer leads now", "The lead token is out of date.");
}

ShardRequest RequestOf(const pqlink::Result& rows, int row) {
  ShardRequest request;
  request.id = rows.Int(row, 0);
  request.tier = rows.Text(row, 1);
  request.region = rows.Text(row, 2);
  request.state = rows.Text(row, 3);
  request.error = rows.Text(row, 4);
  request.shard.value = static_cast<int32_t>(rows.Int(row, 5));
  request.requested_at = absl::FromUnixMicros(rows.Int(row, 6));
  return request;
}

constexpr char kRequestColumns[] =
    "id, tier, region, state, error, shard, (extract(epoch FROM requested_at) * 1000000)::bigint";

}  // namespace

absl::StatusOr<int64_t> CatalogClient::RequestShard(std::string_view tier,
                                                    std::string_view region,
                                                    std::string_view actor) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  ASSIGN_OR_RETURN(
      auto row,
      connection_->Exec("INSERT INTO pgreeve.shard_requests (tier, region)"
                        " VALUES ($1, $2)"
                        " ON CONFLICT (tier, region) WHERE state IN ('waiting', 'taken')"
                        " DO NOTHING RETURNING id",
                        {tier, region}));
  if (row.rows() == 1) {
    RETURN_IF_ERROR(AppendAudit(actor, "request shard", tier, JsonObject({{"region", region}})));
    RETURN_IF_ERROR(
        connection_->Exec("SELECT pg_notify($1, '')", {std::string_view(kRequestChannel)})
            .status());
  } else {
    ASSIGN_OR_RETURN(row,
                     connection_->Exec("SELECT id FROM pgreeve.shard_requests"
                                       " WHERE tier = $1 AND region = $2"
                                       " AND state IN ('waiting', 'taken')",
                                       {tier, region}));
  }
  RETURN_IF_ERROR(transaction.Commit());
  return row.rows() == 0 ? 0 : row.Int(0, 0);
}

absl::Status CatalogClient::RequestSpares(std::string_view actor) {
  ASSIGN_OR_RETURN(
      const auto rows,
      connection_->Exec(
          "SELECT t.name, r.name FROM pgreeve.tiers t, pgreeve.regions r"
          " WHERE t.name = ANY (string_to_array(replace((SELECT value"
          "  FROM pgreeve.settings WHERE name = 'placement.spare_tiers'), ' ', ''), ','))"
          " AND EXISTS (SELECT FROM pgreeve.nodes n WHERE n.region = r.name)"
          " AND NOT EXISTS (SELECT FROM pgreeve.shards s WHERE s.tier = t.name"
          "  AND s.region = r.name AND s.tenants < s.capacity"
          "  AND s.state IN ('open', 'creating'))"
          " AND NOT EXISTS (SELECT FROM pgreeve.shard_requests q WHERE q.tier = t.name"
          "  AND q.region = r.name AND q.state IN ('waiting', 'taken'))"));
  for (int i = 0; i < rows.rows(); i++)
    RETURN_IF_ERROR(RequestShard(rows.Text(i, 0), rows.Text(i, 1), actor).status());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ShardRequest>> CatalogClient::TakeShardRequest(int64_t lead_token) {
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(*connection_));
  ASSIGN_OR_RETURN(
      const auto lead,
      connection_->Exec("SELECT FROM pgreeve.leader WHERE token = $1 FOR SHARE", {lead_token}));
  if (lead.rows() == 0)
    return LostLead();
  ASSIGN_OR_RETURN(
      const auto row,
      connection_->Exec("UPDATE pgreeve.shard_requests SET state = 'taken', taken_by = $1"
                        " WHERE id = (SELECT id FROM pgreeve.shard_requests"
                        "  WHERE state = 'waiting' OR state = 'taken' AND taken_by < $1"
                        "  ORDER BY id LIMIT 1 FOR UPDATE)"
                        " RETURNING " +
                            std::string(kRequestColumns),
                        {lead_token}));
  RETURN_IF_ERROR(transaction.Commit());
  if (row.rows() == 0)
    return std::nullopt;
  return RequestOf(row, 0);
}

absl::Status CatalogClient::FinishShardRequest(int64_t lead_token,
                                               int64_t id,
                                               ShardId shard,
                                               std::string_view error) {
  ASSIGN_OR_RETURN(const auto done,
                   connection_->Exec("UPDATE pgreeve.shard_requests SET shard = nullif($3, 0),"
                                     " state = CASE WHEN $3 = 0 THEN 'failed' ELSE 'done' END,"
                                     " error = $4"
                                     " WHERE id = $2 AND taken_by = $1 AND state = 'taken'",
                                     {lead_token, id, shard.value, error}));
  return done.affected() == 1 ? absl::OkStatus() : LostLead();
}

absl::StatusOr<std::vector<ShardRequest>> CatalogClient::ListShardRequests() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT " + std::string(kRequestColumns) +
                                     " FROM pgreeve.shard_requests ORDER BY id"));
  std::vector<ShardRequest> requests;
  for (int i = 0; i < rows.rows(); i++)
    requests.push_back(RequestOf(rows, i));
  return requests;
}

// ---------------------------------------------------------------- fleet DDL
//
// Both sides take the meta lock: a statement cannot begin while a shard opens, and a shard cannot
// open while a statement runs.

absl::StatusOr<int64_t> CatalogClient::BeginSchemaDdl(std::string_view sql,
                                                      std::string_view actor) {
  int64_t seq = 0;
  const Verb verb{actor, "begin schema change", "", JsonObject({{"sql", sql}})};
  const absl::Status status = Apply(verb, [&](Change&) -> absl::Status {
    ASSIGN_OR_RETURN(const auto row,
                     connection_->Exec("INSERT INTO pgreeve.schema_ddl (sql, state, actor)"
                                       " VALUES ($1, 'running', $2) RETURNING seq",
                                       {sql, actor}));
    seq = row.Int(0, 0);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(status);
  return seq;
}

absl::Status CatalogClient::FinishSchemaDdl(int64_t seq, bool succeeded) {
  ASSIGN_OR_RETURN(const auto done,
                   connection_->Exec("UPDATE pgreeve.schema_ddl SET state = $2"
                                     " WHERE seq = $1 AND state = 'running'",
                                     {seq, succeeded ? "done" : "failed"}));
  if (done.affected() == 0)
    return SqlStatus("55000", "schema change " + std::to_string(seq) + " does not run");
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CatalogClient::AppendSchemaDdl(std::string_view sql,
                                                       std::string_view actor) {
  ASSIGN_OR_RETURN(const int64_t seq, BeginSchemaDdl(sql, actor));
  RETURN_IF_ERROR(FinishSchemaDdl(seq, true));
  return seq;
}

absl::StatusOr<std::vector<SchemaDdl>> CatalogClient::ListSchemaDdl() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT seq, sql, state FROM pgreeve.schema_ddl"
                                     " WHERE state = 'done' OR " +
                                     std::string(kRunning) + " ORDER BY seq"));
  std::vector<SchemaDdl> journal;
  for (int i = 0; i < rows.rows(); i++)
    journal.push_back({rows.Int(i, 0), std::string(rows.Text(i, 1)), std::string(rows.Text(i, 2))});
  return journal;
}

absl::StatusOr<bool> CatalogClient::OpenCreatedShard(ShardId id,
                                                     int64_t seq,
                                                     std::string_view actor) {
  const std::string number = std::to_string(id.value);
  const Verb verb{actor, "open shard", number, JsonObject({{"ddl_seq", std::to_string(seq)}})};
  bool behind = false;
  const absl::Status status = Apply(verb, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(
        const auto newer,
        connection_->Exec("SELECT FROM pgreeve.schema_ddl WHERE " + std::string(kRunning) +
                              " OR state = 'done' AND seq > $1 LIMIT 1",
                          {seq}));
    behind = newer.rows() > 0;
    if (behind)
      return SqlStatus("55006", "fleet DDL has gone on");
    change.Note("shard", number);
    ASSIGN_OR_RETURN(const auto done,
                     connection_->Exec("UPDATE pgreeve.shards SET state = 'open'"
                                       " WHERE id = $1 AND state IN ('creating', 'open')",
                                       {id.value}));
    if (done.affected() == 0)
      return SqlStatus("42704", "there is no shard " + number + " to open");
    return absl::OkStatus();
  });
  if (behind)
    return false;
  RETURN_IF_ERROR(status);
  return true;
}

}  // namespace pgreeve::metastore
