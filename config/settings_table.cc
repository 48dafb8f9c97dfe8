#include "config/settings_table.h"

namespace pgreeve::config {
namespace {

constexpr int64_t kMicrosecond = 1;
constexpr int64_t kMillisecond = 1000 * kMicrosecond;
constexpr int64_t kSecond = 1000 * kMillisecond;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kKilobyte = 1 << 10;
constexpr int64_t kMegabyte = 1 << 20;
constexpr int64_t kGigabyte = 1 << 30;

struct Range {
  int64_t min;
  int64_t max;
};

Setting Text(std::string_view name, std::string_view value, Reload reload, std::string_view help) {
  return {.name = name,
          .type = Type::kText,
          .unit = "",
          .default_value = value,
          .choices = {},
          .reload = reload,
          .help = help};
}

Setting Secret(std::string_view name, Reload reload, std::string_view help) {
  Setting setting = Text(name, "", reload, help);
  setting.type = Type::kSecret;
  return setting;
}

Setting List(std::string_view name, std::string_view value, Reload reload, std::string_view help) {
  Setting setting = Text(name, value, reload, help);
  setting.type = Type::kList;
  return setting;
}

Setting Flag(std::string_view name, std::string_view value, Reload reload, std::string_view help) {
  Setting setting = Text(name, value, reload, help);
  setting.type = Type::kBool;
  return setting;
}

struct Number {
  std::string_view name;
  Type type;
  std::string_view unit;
  std::string_view default_value;
  Range range;
};

Setting Of(const Number& number, Reload reload, std::string_view help) {
  Setting setting = Text(number.name, number.default_value, reload, help);
  setting.type = number.type;
  setting.unit = number.unit;
  setting.min = number.range.min;
  setting.max = number.range.max;
  return setting;
}

Number Integer(std::string_view name, std::string_view unit, std::string_view value, Range range) {
  return {name, Type::kInteger, unit, value, range};
}

Number Bytes(std::string_view name, std::string_view value, Range range) {
  return {name, Type::kBytes, "", value, range};
}

Number Duration(std::string_view name, std::string_view value, Range range) {
  return {name, Type::kDuration, "", value, range};
}

Setting Choice(std::string_view name,
               std::vector<std::string_view> choices,
               std::string_view value,
               std::string_view help) {
  Setting setting = Text(name, value, Reload::kNow, help);
  setting.type = Type::kChoice;
  setting.choices = std::move(choices);
  return setting;
}

template <class E>
uint8_t* AsNumber(E& choice) {
  static_assert(sizeof(E) == 1);
  return reinterpret_cast<uint8_t*>(&choice);
}

constexpr Reload kNow = Reload::kNow;
constexpr Reload kRestart = Reload::kRestart;

using RouterRows = std::vector<Row<RouterSettings>>;
using R = RouterSettings;

template <class S>
void AddLog(std::vector<Row<S>>& rows) {
  rows.push_back({Choice("log.level",
                         {"debug", "info", "warning", "error"},
                         "info",
                         "Events below this level are not written."),
                  [](S& s) -> Place { return AsNumber(s.log.level); }});
  rows.push_back(
      {Choice(
           "log.format", {"json", "logfmt"}, "json", "One JSON object a line, or key=value pairs."),
       [](S& s) -> Place { return AsNumber(s.log.format); }});
  rows.push_back({Choice("log.redact",
                         {"none", "literals", "all"},
                         "literals",
                         "What is left out of statements in the log: nothing, literals, or the "
                         "whole text."),
                  [](S& s) -> Place { return AsNumber(s.log.redact); }});
}

void AddListen(RouterRows& rows) {
  rows.push_back({Text("router.id",
                       "r1",
                       kRestart,
                       "Name of this router in the catalog, in logs and on shards. Two routers "
                       "must not share one."),
                  [](R& s) -> Place { return &s.router_id; }});
  rows.push_back({Of(Integer("router.workers", "threads", "0", {0, 256}),
                     kRestart,
                     "Threads of the data path; 0 = one for each core."),
                  [](R& s) -> Place { return &s.workers; }});
  rows.push_back({List("listen.pg",
                       R"(["127.0.0.1:6432"])",
                       kRestart,
                       "Where Postgres clients connect: address:port, or the folder of a Unix "
                       "socket (its number is the port of the first address)."),
                  [](R& s) -> Place { return &s.listen.pg; }});
  rows.push_back({Text("listen.http",
                       "127.0.0.1:9090",
                       kRestart,
                       "Address of /metrics and the probes; empty = none. Loopback unless a "
                       "firewall protects it."),
                  [](R& s) -> Place { return &s.listen.http; }});
  rows.push_back({Flag("listen.reuseport",
                       "false",
                       kRestart,
                       "SO_REUSEPORT: a new router may take over the port while the old one "
                       "drains."),
                  [](R& s) -> Place { return &s.listen.reuseport; }});
  rows.push_back({Secret("http.token",
                         kRestart,
                         "Bearer token of the admin API; empty = only the probes and /metrics are "
                         "served."),
                  [](R& s) -> Place { return &s.http.token; }});
}

void AddCatalog(RouterRows& rows) {
  rows.push_back({Secret("catalog.dsn",
                         kRestart,
                         "libpq connection string of the catalog database; several hosts with "
                         "target_session_attrs=read-write for a replicated one."),
                  [](R& s) -> Place { return &s.catalog.dsn; }});
  rows.push_back({Text("catalog.snapshot_file",
                       "",
                       kRestart,
                       "Last known good placement, to start and serve from while the catalog is "
                       "down; empty = none."),
                  [](R& s) -> Place { return &s.catalog.snapshot_file; }});
  rows.push_back({Secret("catalog.snapshot_key",
                         kRestart,
                         "Seals the secrets in the snapshot file; any long random text."),
                  [](R& s) -> Place { return &s.catalog.snapshot_key; }});
  rows.push_back({Of(Duration("catalog.snapshot_age_max", "24h", {kMinute, 365 * kDay}),
                     kNow,
                     "An older snapshot is not used to start."),
                  [](R& s) -> Place { return &s.catalog.snapshot_age_max; }});
  rows.push_back({Of(Duration("catalog.poll", "1s", {50 * kMillisecond, kMinute}),
                     kNow,
                     "How often changes are asked for, beside notifications."),
                  [](R& s) -> Place { return &s.catalog.poll; }});
  rows.push_back({Of(Duration("catalog.lease", "5s", {kSecond, 5 * kMinute}),
                     kNow,
                     "How long this router counts as alive after its last renewal."),
                  [](R& s) -> Place { return &s.catalog.lease; }});
}

void AddAuth(RouterRows& rows) {
  rows.push_back({Of(Integer("auth.iterations_max", "iterations", "600000", {4096, 10000000}),
                     kNow,
                     "SCRAM verifiers with more iterations are refused, so that a login cannot "
                     "cost the router minutes."),
                  [](R& s) -> Place { return &s.auth.iterations_max; }});
  rows.push_back({Of(Duration("auth.login_timeout", "15s", {100 * kMillisecond, 10 * kMinute}),
                     kNow,
                     "A client that has not logged in by then is disconnected."),
                  [](R& s) -> Place { return &s.auth.login_timeout; }});
}

void AddPool(RouterRows& rows) {
  rows.push_back({Of(Integer("pool.size", "backends", "20", {1, 10000}),
                     kNow,
                     "Connections of this router to one shard in one role, over all workers."),
                  [](R& s) -> Place { return &s.pool.size; }});
  rows.push_back({Of(Integer("pool.waiters_max", "clients", "20000", {1, 1000000}),
                     kNow,
                     "Clients of one worker that may wait for one shard; more get 53300 at once."),
                  [](R& s) -> Place { return &s.pool.waiters_max; }});
  rows.push_back({Of(Duration("pool.queue_timeout", "5s", {10 * kMillisecond, kHour}),
                     kNow,
                     "Longest wait for a backend; then 53300."),
                  [](R& s) -> Place { return &s.pool.queue_timeout; }});
  rows.push_back({Of(Duration("pool.connect_timeout", "5s", {50 * kMillisecond, 5 * kMinute}),
                     kNow,
                     "Longest time to connect and log in to a shard."),
                  [](R& s) -> Place { return &s.pool.connect_timeout; }});
  rows.push_back({Of(Duration("pool.server_lifetime", "1h", {kSecond, 30 * kDay}),
                     kNow,
                     "A backend older than this is closed when it is free."),
                  [](R& s) -> Place { return &s.pool.server_lifetime; }});
  rows.push_back({Of(Duration("pool.server_idle_timeout", "10min", {kSecond, 30 * kDay}),
                     kNow,
                     "A backend unused for this long is closed."),
                  [](R& s) -> Place { return &s.pool.server_idle_timeout; }});
  rows.push_back({Of(Duration("pool.unbind_idle", "500ms", {0, kHour}),
                     kNow,
                     "A free backend that is still bound to its last tenant is unbound after "
                     "this time."),
                  [](R& s) -> Place { return &s.pool.unbind_idle; }});
  rows.push_back({Of(Duration("pool.token_lifetime", "5min", {10 * kSecond, kDay}),
                     kNow,
                     "How long a shard accepts the token that binds a backend to a tenant; "
                     "renewed at half of it."),
                  [](R& s) -> Place { return &s.pool.token_lifetime; }});
}

void AddLimits(RouterRows& rows) {
  rows.push_back({Of(Integer("limits.client_connections_max", "clients", "10000", {1, 1000000}),
                     kNow,
                     "Client connections of this router; more get 53300."),
                  [](R& s) -> Place { return &s.limits.client_connections_max; }});
  rows.push_back({Of(Bytes("limits.message_bytes_max", "256MB", {kKilobyte, kGigabyte}),
                     kNow,
                     "Longest message of a client; a longer one ends the connection (08P01)."),
                  [](R& s) -> Place { return &s.limits.message_bytes_max; }});
  rows.push_back({Of(Bytes("limits.batch_bytes_max", "64MB", {kKilobyte, kGigabyte}),
                     kNow,
                     "Pipelined messages that may be kept until their backend is known."),
                  [](R& s) -> Place { return &s.limits.batch_bytes_max; }});
  rows.push_back({Of(Bytes("limits.client_buffer_bytes_max", "1MB", {16 * kKilobyte, kGigabyte}),
                     kNow,
                     "Bytes kept for a client that reads slowly, before its backend is made to "
                     "wait."),
                  [](R& s) -> Place { return &s.limits.client_buffer_bytes_max; }});
  rows.push_back({Of(Bytes("limits.sql_bytes_max", "1MB", {kKilobyte, 64 * kMegabyte}),
                     kNow,
                     "Longer statements are not analysed: they run only in a session bound to "
                     "a tenant."),
                  [](R& s) -> Place { return &s.limits.sql_bytes_max; }});
  rows.push_back({Of(Integer("limits.prepared_statements_max", "statements", "10000", {1, 1000000}),
                     kNow,
                     "Prepared statements of one client; more get 53400."),
                  [](R& s) -> Place { return &s.limits.prepared_statements_max; }});
  rows.push_back({Of(Integer("limits.plan_cache_entries_max", "entries", "10000", {0, 10000000}),
                     kRestart,
                     "Statement shapes that one worker remembers."),
                  [](R& s) -> Place { return &s.limits.plan_cache_entries_max; }});
  rows.push_back({Of(Bytes("limits.plan_cache_bytes_max", "64MB", {0, 64 * kGigabyte}),
                     kRestart,
                     "Memory for them, of one worker."),
                  [](R& s) -> Place { return &s.limits.plan_cache_bytes_max; }});
}

void AddRouting(RouterRows& rows) {
  rows.push_back({List("routing.tenant_columns",
                       "[]",
                       kNow,
                       "A table created through the router that has such a column is sharded by "
                       "it at once: \"customer_id\", or \"customers.id\" for one table."),
                  [](R& s) -> Place { return &s.routing.tenant_columns; }});
  rows.push_back({Choice("combine.engine",
                         {"auto", "native", "postgres"},
                         "auto",
                         "Who combines the shards' partial results: the router where it is proven "
                         "exact and Postgres otherwise; only the router; only Postgres."),
                  [](R& s) -> Place { return AsNumber(s.combine.engine); }});
  rows.push_back({Flag("combine.verify",
                       "false",
                       kNow,
                       "Combine by both engines and fail when they differ. For tests: doubles the "
                       "work."),
                  [](R& s) -> Place { return &s.combine.verify; }});
  rows.push_back({Of(Integer("combine.rows_max", "rows", "1000000", {1, 1000000000}),
                     kNow,
                     "Rows that one cross-shard statement may gather in the router."),
                  [](R& s) -> Place { return &s.combine.rows_max; }});
  rows.push_back({Of(Bytes("combine.bytes_max", "256MB", {kMegabyte, 64 * kGigabyte}),
                     kNow,
                     "Memory that one cross-shard statement may take in the router."),
                  [](R& s) -> Place { return &s.combine.bytes_max; }});
  rows.push_back({Of(Duration("combine.timeout", "5min", {100 * kMillisecond, kDay}),
                     kNow,
                     "Longest run of a cross-shard statement; then 57014."),
                  [](R& s) -> Place { return &s.combine.timeout; }});
  rows.push_back({Of(Integer("provisioning.tenants_per_second_max", "tenants", "50", {0, 100000}),
                     kNow,
                     "Tenants that INSERT may create through this router; 0 = none."),
                  [](R& s) -> Place { return &s.provisioning.tenants_per_second_max; }});
}

void AddTimeouts(RouterRows& rows) {
  rows.push_back({Of(Duration("timeouts.idle_transaction", "0s", {0, kDay}),
                     kNow,
                     "A session idle in a transaction for longer is ended (25P03); 0 = never."),
                  [](R& s) -> Place { return &s.timeouts.idle_transaction; }});
  rows.push_back({Of(Duration("timeouts.query", "0s", {0, kDay}),
                     kNow,
                     "A statement that runs longer is cancelled (57014); 0 = never."),
                  [](R& s) -> Place { return &s.timeouts.query; }});
  rows.push_back({Of(Duration("timeouts.drain", "60s", {0, kDay}),
                     kNow,
                     "After SIGTERM, transactions have this long to finish."),
                  [](R& s) -> Place { return &s.timeouts.drain; }});
}

}  // namespace

const RouterRows& RouterTable() {
  static const RouterRows rows = [] {
    RouterRows made;
    AddListen(made);
    AddCatalog(made);
    AddAuth(made);
    AddPool(made);
    AddLimits(made);
    AddRouting(made);
    AddTimeouts(made);
    AddLog(made);
    made.push_back({Of(Integer("metrics.top_tenants", "tenants", "50", {0, 10000}),
                       kNow,
                       "Tenants with a series of their own in /metrics; the others are summed as "
                       "_other."),
                    [](R& s) -> Place { return &s.metrics.top_tenants; }});
    return made;
  }();
  return rows;
}

const std::vector<Row<RebalancerSettings>>& RebalancerTable() {
  using S = RebalancerSettings;
  static const std::vector<Row<S>> rows = [] {
    std::vector<Row<S>> made;
    made.push_back({Text("rebalancer.id", "b1", kRestart, "Name of this rebalancer."),
                    [](S& s) -> Place { return &s.rebalancer_id; }});
    made.push_back({Text("rebalancer.http",
                         "127.0.0.1:9091",
                         kRestart,
                         "Address of its /metrics and probes; empty = none."),
                    [](S& s) -> Place { return &s.listen_http; }});
    made.push_back({Secret("catalog.dsn",
                           kRestart,
                           "libpq connection string of the catalog database; several hosts with "
                           "target_session_attrs=read-write for a replicated one."),
                    [](S& s) -> Place { return &s.catalog_dsn; }});
    made.push_back({Of(Duration("rebalancer.lease", "10s", {kSecond, 10 * kMinute}),
                       kNow,
                       "How long the leader leads after its last renewal."),
                    [](S& s) -> Place { return &s.lease; }});
    made.push_back({Of(Duration("rebalancer.poll", "1s", {50 * kMillisecond, kMinute}),
                       kNow,
                       "How often the catalog is asked for work, beside notifications."),
                    [](S& s) -> Place { return &s.poll; }});
    made.push_back({Of(Duration("rebalancer.measure_interval", "1min", {kSecond, 7 * kDay}),
                       kNow,
                       "How often the sizes of tenants are measured."),
                    [](S& s) -> Place { return &s.measure_interval; }});
    made.push_back({Of(Integer("rebalancer.shard_creations_max", "shards", "1", {1, 100}),
                       kNow,
                       "Shard databases created at the same time."),
                    [](S& s) -> Place { return &s.shard_creations_max; }});
    AddLog(made);
    return made;
  }();
  return rows;
}

}  // namespace pgreeve::config
