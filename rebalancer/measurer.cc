#include "rebalancer/measurer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <absl/container/flat_hash_map.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/log/log.h"
#include "router/metastore/shard_client.h"

namespace pgreeve::rebalancer {
namespace {

constexpr int64_t kCountBytesMax = int64_t{16} << 20;  // leaves above are estimated
constexpr absl::Duration kCountTimeout = absl::Seconds(60);
// DDL that waits behind a count, or a count behind DDL, would hold up everybody.
constexpr char kSessionSettings[] =
    "SET lock_timeout = '1s'; SET max_parallel_workers_per_gather = 0";

double ToDouble(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

absl::StatusOr<std::vector<TableFact>> ShardedTables(metastore::CatalogClient& catalog) {
  ASSIGN_OR_RETURN(
      const auto rows,
      catalog.connection().Exec("SELECT schema, name, tenant_column FROM"
                                " pgreeve.tables WHERE kind = 'sharded' ORDER BY 1, 2"));
  std::vector<TableFact> tables;
  for (int i = 0; i < rows.rows(); ++i) {
    TableFact table;
    table.schema = rows.Text(i, 0);
    table.name = rows.Text(i, 1);
    table.tenant_column = rows.Text(i, 2);
    tables.push_back(std::move(table));
  }
  return tables;
}

std::string QuotedName(const TableFact& table) {
  return pqlink::QuoteIdentifier(table.schema) + "." + pqlink::QuoteIdentifier(table.name);
}

// The leaf partitions of a table, or the table itself, named ready for SQL.
absl::StatusOr<std::vector<LeafFacts>> ReadLeaves(pqlink::Connection& link,
                                                  const TableFact& table) {
  ASSIGN_OR_RETURN(
      const auto rows,
      link.Exec("SELECT format('%I.%I', n.nspname, c.relname), pg_total_relation_size(c.oid),"
                " c.reltuples::bigint, s.attname IS NOT NULL, s.most_common_vals::text,"
                " s.most_common_freqs::text, s.null_frac"
                // The tree of a table without partitions is empty.
                " FROM (SELECT relid FROM pg_partition_tree(to_regclass($1)) WHERE isleaf UNION"
                " SELECT oid FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'r') p"
                " JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname"
                " AND s.attname = $2 AND NOT s.inherited",
                {QuotedName(table), table.tenant_column}));
  std::vector<LeafFacts> leaves;
  for (int i = 0; i < rows.rows(); ++i) {
    LeafFacts leaf;
    leaf.name = rows.Text(i, 0);
    leaf.bytes = rows.Int(i, 1);
    leaf.rows = rows.Int(i, 2);
    leaf.statistics.known = rows.Bool(i, 3);
    leaf.statistics.null_fraction = ToDouble(rows.Text(i, 6));
    const auto values = ParseArray(rows.Text(i, 4));
    const auto shares = ParseArray(rows.Text(i, 5));
    for (std::size_t v = 0; v < std::min(values.size(), shares.size()); ++v)
      leaf.statistics.most_common.emplace_back(values[v], ToDouble(shares[v]));
    leaves.push_back(std::move(leaf));
  }
  return leaves;
}

absl::Status MeasureLeaf(pqlink::Connection& link,
                         const LeafFacts& leaf,
                         const std::string& tenant_column,
                         const std::vector<std::string>& residents,
                         UseByTenant& use) {
  switch (ChooseMethod(leaf, kCountBytesMax)) {
    case MeasureMethod::kSkip:
      return absl::OkStatus();
    case MeasureMethod::kEstimate:
      AddEstimate(leaf, residents, use);
      return absl::OkStatus();
    case MeasureMethod::kCount:
      break;
  }
  ASSIGN_OR_RETURN(const auto rows,
                   link.Exec("SELECT " + pqlink::QuoteIdentifier(tenant_column) +
                             "::text, count(*) FROM " + leaf.name + " GROUP BY 1"));
  std::vector<std::pair<std::string, int64_t>> counts;
  for (int i = 0; i < rows.rows(); ++i)
    counts.emplace_back(rows.Text(i, 0), rows.Int(i, 1));
  AddCounts(leaf, counts, use);
  return absl::OkStatus();
}

}  // namespace

absl::Status Measurer::MeasureShard(metastore::CatalogClient& catalog,
                                    const metastore::ShardRow& shard,
                                    const std::string& dsn,
                                    const std::vector<TableFact>& tables,
                                    Totals& totals) {
  ASSIGN_OR_RETURN(const TenantType type, catalog.GetTenantType());
  ASSIGN_OR_RETURN(const auto homes,
                   catalog.connection().Exec("SELECT id FROM pgreeve.tenants WHERE shard = $1",
                                             {shard.info.id.value}));
  std::vector<std::string> residents;
  for (int i = 0; i < homes.rows(); ++i)
    residents.emplace_back(homes.Text(i, 0));
  if (residents.empty()) {
    ++totals.shards;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string shard_dsn, metastore::WithDatabase(dsn, shard.info.database));
  pqlink::ConnectOptions options;
  options.statement_timeout = kCountTimeout;
  options.application_name = "pgreeve-rebalancer measure";
  ASSIGN_OR_RETURN(const auto link, pqlink::Connection::Open(shard_dsn, options));
  RETURN_IF_ERROR(link->ExecScript(kSessionSettings));
  UseByTenant use;
  for (const TableFact& table : tables) {
    ASSIGN_OR_RETURN(const auto leaves, ReadLeaves(*link, table));
    for (const LeafFacts& leaf : leaves)
      RETURN_IF_ERROR(MeasureLeaf(*link, leaf, table.tenant_column, residents, use));
  }
  std::vector<metastore::TenantSize> sizes;
  for (const std::string& resident : residents) {
    metastore::TenantSize size;
    ASSIGN_OR_RETURN(size.tenant, TenantId::FromText(type, resident));
    if (const auto it = use.find(resident); it != use.end()) {
      size.bytes = it->second.bytes;
      size.rows = it->second.rows;
    }
    totals.bytes += size.bytes;
    sizes.push_back(std::move(size));
  }
  RETURN_IF_ERROR(catalog.WriteTenantSizes(sizes));
  totals.tenants += static_cast<int64_t>(sizes.size());
  ++totals.shards;
  return absl::OkStatus();
}

absl::Status Measurer::Round(metastore::CatalogClient& catalog, int64_t lead_token) {
  ASSIGN_OR_RETURN(const auto tables, ShardedTables(catalog));
  ASSIGN_OR_RETURN(const auto nodes, catalog.ListNodes());
  ASSIGN_OR_RETURN(const auto shards, catalog.ListShards());
  absl::flat_hash_map<int32_t, std::string> dsns;
  for (const metastore::NodeRow& node : nodes)
    dsns.emplace(node.id.value, node.admin_dsn);
  Totals totals;
  for (const metastore::ShardRow& shard : shards) {
    if (leader_.Token() != lead_token)
      return absl::OkStatus();
    if (shard.info.state != catalog::ShardState::kOpen &&
        shard.info.state != catalog::ShardState::kDraining)
      continue;
    const absl::Status measured =
        MeasureShard(catalog, shard, dsns[shard.info.node.value], tables, totals);
    if (measured.ok())
      continue;
    if (!catalog.ok())
      return measured;
    const SqlError error = ToSqlError(measured);
    meters_.ShardUnmeasured();
    log::Warning("shard_unmeasured",
                 error.message,
                 {{"shard", shard.info.name}, {"sqlstate", error.sqlstate}});
  }
  meters_.TenantsMeasured(totals.tenants, totals.bytes, totals.shards);
  log::Debug("tenants_measured",
             "sizes written",
             {{"tenants", totals.tenants}, {"bytes", totals.bytes}, {"shards", totals.shards}});
  return absl::OkStatus();
}

}  // namespace pgreeve::rebalancer
