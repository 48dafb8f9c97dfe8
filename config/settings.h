// What the settings file says, as plain structs. A router or rebalancer gets one at start and a new
// one on reload; its main maps it to the options of each layer (no layer includes this header).
// Every member has a row in settings_table.cc with unit, default, range, reload and help; the
// defaults here are overwritten by the table's. Immutable once loaded; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/time/time.h>

namespace pgreeve::config {

struct ListenSettings {
  std::vector<std::string> pg;  // "host:port", or an absolute folder for a Unix socket
  std::string http;             // "host:port"; empty: none
  bool reuseport = false;
};

struct HttpSettings {
  std::string token;  // secret
};

struct CatalogSettings {
  std::string dsn;            // secret
  std::string snapshot_file;  // empty: none
  std::string snapshot_key;   // secret; seals the secrets in the snapshot
  absl::Duration snapshot_age_max;
  absl::Duration poll;
  absl::Duration lease;
};

struct AuthSettings {
  int64_t iterations_max = 0;
  absl::Duration login_timeout;
};

struct PoolSettings {
  int64_t size = 0;  // backends to one shard in one role, over all workers
  int64_t waiters_max = 0;
  absl::Duration queue_timeout;
  absl::Duration connect_timeout;
  absl::Duration server_lifetime;
  absl::Duration server_idle_timeout;
  absl::Duration unbind_idle;
  absl::Duration token_lifetime;
};

struct LimitSettings {
  int64_t client_connections_max = 0;
  int64_t message_bytes_max = 0;
  int64_t batch_bytes_max = 0;
  int64_t client_buffer_bytes_max = 0;
  int64_t sql_bytes_max = 0;
  int64_t prepared_statements_max = 0;  // of one client
  int64_t plan_cache_entries_max = 0;   // of one worker
  int64_t plan_cache_bytes_max = 0;
};

struct RoutingSettings {
  std::vector<std::string> tenant_columns;  // "customer_id" or "table.column"
};

enum class CombineEngine : uint8_t { kAuto, kNative, kPostgres };

struct CombineSettings {
  CombineEngine engine = CombineEngine::kAuto;
  bool verify = false;  // compute by both engines and compare
  int64_t rows_max = 0;
  int64_t bytes_max = 0;
  absl::Duration timeout;
};

struct ProvisioningSettings {
  int64_t tenants_per_second_max = 0;
};

struct TimeoutSettings {
  absl::Duration idle_transaction;  // zero: none
  absl::Duration query;             // zero: none
  absl::Duration drain;
};

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : uint8_t { kJson, kLogfmt };
enum class LogRedact : uint8_t { kNone, kLiterals, kAll };

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kJson;
  LogRedact redact = LogRedact::kLiterals;
};

struct MetricsSettings {
  int64_t top_tenants = 0;
};

struct RouterSettings {
  std::string router_id;
  int64_t workers = 0;  // 0: one for each core
  ListenSettings listen;
  HttpSettings http;
  CatalogSettings catalog;
  AuthSettings auth;
  PoolSettings pool;
  LimitSettings limits;
  RoutingSettings routing;
  CombineSettings combine;
  ProvisioningSettings provisioning;
  TimeoutSettings timeouts;
  LogSettings log;
  MetricsSettings metrics;
};

struct RebalancerSettings {
  std::string rebalancer_id;
  std::string listen_http;  // "host:port"; empty: none
  std::string catalog_dsn;  // secret
  absl::Duration lease;     // of the leader
  absl::Duration poll;      // for shard requests and changes
  absl::Duration measure_interval;
  int64_t shard_creations_max = 0;  // at the same time
  LogSettings log;
};

}  // namespace pgreeve::config
