#include "router/metrics/catalogue.h"

namespace pgreeve::metrics {
namespace {

constexpr auto kCounter = MetricKind::kCounter;
constexpr auto kGauge = MetricKind::kGauge;
constexpr double kMicrosecond = 1e-6;

Declaration Of(Metric metric,
               std::string_view name,
               MetricKind kind,
               std::vector<std::string_view> labels,
               std::string_view help) {
  return {metric, name, kind, std::move(labels), help, {}, 1};
}

Declaration Seconds(Metric metric,
                    std::string_view name,
                    std::vector<std::string_view> labels,
                    std::string_view help) {
  return {metric,
          name,
          MetricKind::kHistogram,
          std::move(labels),
          help,
          {0.0001,
           0.00025,
           0.0005,
           0.001,
           0.0025,
           0.005,
           0.01,
           0.025,
           0.05,
           0.1,
           0.25,
           0.5,
           1,
           2.5,
           5,
           10,
           30},
          kMicrosecond};
}

Declaration Amounts(Metric metric,
                    std::string_view name,
                    std::vector<std::string_view> labels,
                    std::vector<double> bounds,
                    std::string_view help) {
  return {metric, name, MetricKind::kHistogram, std::move(labels), help, std::move(bounds), 1};
}

using Declarations = std::vector<Declaration>;

void AddConnections(Declarations& all) {
  all.push_back(Of(Metric::kBuildInfo,
                   "pgreeve_build_info",
                   kGauge,
                   {"version", "revision", "compiler"},
                   "Always 1; what is running."));
  all.push_back(Of(Metric::kClientConnections,
                   "pgreeve_client_connections",
                   kGauge,
                   {"state"},
                   "Client connections by what they do now."));
  all.push_back(Of(Metric::kClientConnectionsTotal,
                   "pgreeve_client_connections_total",
                   kCounter,
                   {},
                   "Client connections accepted."));
  all.push_back(Of(Metric::kClientConnectionsRejected,
                   "pgreeve_client_connections_rejected_total",
                   kCounter,
                   {"reason"},
                   "Client connections turned away before or at login."));
  all.push_back(Of(Metric::kServerConnections,
                   "pgreeve_server_connections",
                   kGauge,
                   {"shard", "state"},
                   "Connections to shards by what they do now."));
  all.push_back(Seconds(Metric::kServerConnectSeconds,
                        "pgreeve_server_connect_seconds",
                        {"shard"},
                        "Time to connect, log in and attach to a shard."));
  all.push_back(Seconds(Metric::kPoolWaitSeconds,
                        "pgreeve_pool_wait_seconds",
                        {"shard"},
                        "Time that statements waited for a connection to their shard."));
  all.push_back(Of(Metric::kPoolMaxWaitSeconds,
                   "pgreeve_pool_max_wait_seconds",
                   kGauge,
                   {"shard"},
                   "How long the first client in the queue has waited so far."));
  all.push_back(Of(Metric::kPoolWaiting,
                   "pgreeve_pool_waiting",
                   kGauge,
                   {"shard"},
                   "Clients in the queue for a connection to the shard."));
  all.push_back(Of(Metric::kPoolSize,
                   "pgreeve_pool_size",
                   kGauge,
                   {"shard"},
                   "Connections that this router may hold to the shard in one role."));
}

void AddStatements(Declarations& all) {
  all.push_back(Of(Metric::kQueries,
                   "pgreeve_queries_total",
                   kCounter,
                   {"shard", "tier", "kind", "route"},
                   "Statements finished."));
  all.push_back(Seconds(Metric::kQueryDuration,
                        "pgreeve_query_duration_seconds",
                        {"tier", "route"},
                        "Time of a statement as its client sees it."));
  all.push_back(Of(Metric::kTransactions,
                   "pgreeve_transactions_total",
                   kCounter,
                   {"outcome", "shards"},
                   "Transactions ended."));
  all.push_back(Of(Metric::kErrors,
                   "pgreeve_errors_total",
                   kCounter,
                   {"sqlstate_class", "origin"},
                   "Errors sent to clients, by the class of their SQLSTATE and who raised them."));
  all.push_back(Of(Metric::kRejectedStatements,
                   "pgreeve_rejected_statements_total",
                   kCounter,
                   {"reason"},
                   "Statements that the router refused to run, by number of the refusal."));
  all.push_back(Of(Metric::kBytes,
                   "pgreeve_bytes_total",
                   kCounter,
                   {"direction", "side"},
                   "Bytes received and sent, to clients and to shards."));
}

void AddCaches(Declarations& all) {
  all.push_back(Of(Metric::kParseCacheHits,
                   "pgreeve_parse_cache_hits_total",
                   kCounter,
                   {},
                   "Statements whose analysis was remembered."));
  all.push_back(Of(Metric::kParseCacheMisses,
                   "pgreeve_parse_cache_misses_total",
                   kCounter,
                   {},
                   "Statements that had to be analysed."));
  all.push_back(Of(Metric::kParseCacheEvictions,
                   "pgreeve_parse_cache_evictions_total",
                   kCounter,
                   {},
                   "Analyses forgotten to make room."));
  all.push_back(Of(Metric::kParseCacheEntries,
                   "pgreeve_parse_cache_entries",
                   kGauge,
                   {},
                   "Analyses remembered, over all workers."));
  all.push_back(Of(Metric::kParseCacheBytes,
                   "pgreeve_parse_cache_bytes",
                   kGauge,
                   {},
                   "Memory of remembered analyses, over all workers."));
  all.push_back(Of(Metric::kPreparedStatements,
                   "pgreeve_prepared_statements",
                   kGauge,
                   {},
                   "Prepared statements that clients hold."));
  all.push_back(Of(Metric::kPins,
                   "pgreeve_pins_total",
                   kCounter,
                   {"reason"},
                   "Times a session kept its connection because of state it left there."));
}

void AddScatterAndTenants(Declarations& all) {
  all.push_back(Amounts(Metric::kScatterFanout,
                        "pgreeve_scatter_fanout_shards",
                        {},
                        {1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
                        "Shards that a cross-shard statement asked."));
  all.push_back(Amounts(Metric::kMergeRows,
                        "pgreeve_merge_rows",
                        {"engine"},
                        {1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7},
                        "Rows that shards sent for a cross-shard statement."));
  all.push_back(Of(Metric::kTenantQueries,
                   "pgreeve_tenant_queries_total",
                   kCounter,
                   {"tenant", "tier"},
                   "Statements of the busiest tenants; the others are _other."));
  all.push_back(Of(Metric::kTenantQuerySeconds,
                   "pgreeve_tenant_query_seconds_total",
                   kCounter,
                   {"tenant", "tier"},
                   "Time of the statements of the busiest tenants; the others are _other."));
}

void AddProcess(Declarations& all) {
  all.push_back(Of(Metric::kCatalogEpoch,
                   "pgreeve_catalog_epoch",
                   kGauge,
                   {},
                   "Version of the placement that this router serves by."));
  all.push_back(Of(Metric::kCatalogTimeline,
                   "pgreeve_catalog_timeline",
                   kGauge,
                   {},
                   "Timeline of the catalog database that the epoch belongs to."));
  all.push_back(Of(Metric::kCatalogAge,
                   "pgreeve_catalog_age_seconds",
                   kGauge,
                   {},
                   "Time since the catalog last confirmed the placement."));
  all.push_back(Of(Metric::kCatalogUp,
                   "pgreeve_catalog_up",
                   kGauge,
                   {},
                   "1 when the last question to the catalog was answered."));
  all.push_back(Of(Metric::kLeaseRemaining,
                   "pgreeve_lease_remaining_seconds",
                   kGauge,
                   {},
                   "How long this router's lease in the catalog still holds; negative when over."));
  all.push_back(Of(Metric::kShardUp,
                   "pgreeve_shard_up",
                   kGauge,
                   {"shard"},
                   "1 when the last connection to the shard succeeded."));
  all.push_back(Of(Metric::kEventLoopLag,
                   "pgreeve_event_loop_lag_seconds",
                   kGauge,
                   {"thread"},
                   "Longest turn of the thread's event loop in the last second."));
  all.push_back(Of(Metric::kProcessCpuSeconds,
                   "process_cpu_seconds_total",
                   kCounter,
                   {},
                   "User and system CPU time spent."));
  all.push_back(Of(Metric::kProcessResidentBytes,
                   "process_resident_memory_bytes",
                   kGauge,
                   {},
                   "Resident memory."));
  all.push_back(Of(
      Metric::kProcessVirtualBytes, "process_virtual_memory_bytes", kGauge, {}, "Virtual memory."));
  all.push_back(
      Of(Metric::kProcessOpenFds, "process_open_fds", kGauge, {}, "Open file descriptors."));
  all.push_back(Of(Metric::kProcessMaxFds,
                   "process_max_fds",
                   kGauge,
                   {},
                   "Most file descriptors that may be open."));
  all.push_back(Of(Metric::kProcessThreads, "process_threads", kGauge, {}, "Threads."));
  all.push_back(Of(Metric::kProcessStartTime,
                   "process_start_time_seconds",
                   kGauge,
                   {},
                   "When the process started, in seconds since 1970."));
}

std::string_view KindName(MetricKind kind) {
  return kind == MetricKind::kCounter ? "counter"
         : kind == MetricKind::kGauge ? "gauge"
                                      : "histogram";
}

}  // namespace

const Declarations& Catalogue() {
  static const Declarations all = [] {
    Declarations made;
    AddConnections(made);
    AddStatements(made);
    AddCaches(made);
    AddScatterAndTenants(made);
    AddProcess(made);
    return made;
  }();
  return all;
}

std::string ReferencePage() {
  std::string page =
      "<!-- Written by `reference_doc metrics` from router/metrics/catalogue.cc; do not edit. -->\n"
      "# Metrics\n\n"
      "Served at `/metrics` of the HTTP address (default `127.0.0.1:9090`). Shards with numbers\n"
      "above 1023 share the label `_other`, statements of no single shard have `_none`. Only the\n"
      "`metrics.top_tenants` busiest tenants have series of their own; sums over `tenant` stay\n"
      "right. Histograms know a value to 3 %, so a value that little above a bound may be counted\n"
      "below it.\n\n"
      "| Name | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n";
  for (const Declaration& row : Catalogue()) {
    std::string labels;
    for (const std::string_view label : row.labels)
      labels += (labels.empty() ? "`" : ", `") + std::string(label) + "`";
    page += "| `" + std::string(row.name) + "` | " + std::string(KindName(row.kind)) + " | " +
            labels + " | " + std::string(row.help) + " |\n";
  }
  return page;
}

}  // namespace pgreeve::metrics
