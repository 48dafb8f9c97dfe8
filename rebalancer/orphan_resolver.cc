#include "rebalancer/orphan_resolver.h"

#include <utility>
#include <vector>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/log/log.h"
#include "router/metastore/shard_client.h"

namespace pgreeve::rebalancer {
namespace {

pqlink::ConnectOptions LinkOptions() {
  pqlink::ConnectOptions options;
  options.connect_timeout = absl::Seconds(2);
  options.statement_timeout = absl::Seconds(10);
  options.application_name = "pgreeve-rebalancer two_phase";
  return options;
}

}  // namespace

absl::Status OrphanResolver::Resolve(metastore::CatalogClient& catalog,
                                     const metastore::NodeRow& node,
                                     const PreparedTransaction& orphan) {
  ASSIGN_OR_RETURN(const bool commit, catalog.RecordDecision(DecisionGid(orphan.gid), false));
  // COMMIT PREPARED runs in the database that prepared it.
  ASSIGN_OR_RETURN(const std::string dsn, metastore::WithDatabase(node.admin_dsn, orphan.database));
  ASSIGN_OR_RETURN(const auto link, pqlink::Connection::Open(dsn, LinkOptions()));
  const auto resolved =
      link->Exec(ResolveSql(commit ? Verdict::kCommit : Verdict::kAbort, orphan.gid));
  if (!resolved.ok()) {
    // 42704: its router came back and ended it first, by the same decision.
    if (ToSqlError(resolved.status()).sqlstate == "42704")
      return absl::OkStatus();
    return resolved.status();
  }
  meters_.OrphanResolved(commit);
  log::Info("two_phase_resolved",
            "a transaction of a dead router was ended",
            {{"txid_or_gid", orphan.gid},
             {"outcome", commit ? "commit" : "abort"},
             {"node", node.name},
             {"database", orphan.database},
             {"age_s", orphan.age}});
  return absl::OkStatus();
}

absl::Status OrphanResolver::VisitNode(metastore::CatalogClient& catalog,
                                       const metastore::NodeRow& node,
                                       int64_t& in_doubt) {
  auto& link = links_[node.name];
  if (link == nullptr || !link->ok()) {
    ASSIGN_OR_RETURN(link, pqlink::Connection::Open(node.admin_dsn, LinkOptions()));
  }
  const auto rows = link->Exec(
      "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::bigint, owner, database"
      " FROM pg_prepared_xacts WHERE gid LIKE 'pgreeve:%' ORDER BY prepared");
  if (!rows.ok())
    return rows.status();
  in_doubt += rows->rows();
  absl::Status last;
  for (int i = 0; i < rows->rows(); ++i) {
    const PreparedTransaction orphan{std::string(rows->Text(i, 0)),
                                     absl::Seconds(rows->Int(i, 1)),
                                     std::string(rows->Text(i, 2)),
                                     std::string(rows->Text(i, 3))};
    if (!IsOrphan(orphan, age_min_))
      continue;
    const absl::Status resolved = Resolve(catalog, node, orphan);
    if (!resolved.ok())
      last = resolved;  // the others may still be resolved
    if (!catalog.ok())
      break;
  }
  return last;
}

absl::Status OrphanResolver::Round(metastore::CatalogClient& catalog, int64_t lead_token) {
  ASSIGN_OR_RETURN(const auto nodes, catalog.ListNodes());
  int64_t in_doubt = 0;
  int64_t down = 0;
  for (const metastore::NodeRow& node : nodes) {
    if (leader_.Token() != lead_token)
      return absl::OkStatus();
    const absl::Status visited = VisitNode(catalog, node, in_doubt);
    if (visited.ok())
      continue;
    if (!catalog.ok())
      return visited;
    ++down;
    links_[node.name].reset();
    const SqlError error = ToSqlError(visited);
    log::Warning(
        "node_unvisited", error.message, {{"node", node.name}, {"sqlstate", error.sqlstate}});
  }
  meters_.InDoubt(in_doubt);
  meters_.NodesUp(static_cast<int64_t>(nodes.size()) - down, down);
  return absl::OkStatus();
}

}  // namespace pgreeve::rebalancer
