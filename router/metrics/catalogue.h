// Every metric, declared once: name, type, labels, help. The exporter and docs/metrics.md are
// written from it. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgreeve::metrics {

enum class Metric : uint8_t {
  kBuildInfo,
  kClientConnections,
  kClientConnectionsTotal,
  kClientConnectionsRejected,
  kServerConnections,
  kServerConnectSeconds,
  kPoolWaitSeconds,
  kPoolMaxWaitSeconds,
  kPoolWaiting,
  kPoolSize,
  kQueries,
  kQueryDuration,
  kTransactions,
  kErrors,
  kRejectedStatements,
  kBytes,
  kParseCacheHits,
  kParseCacheMisses,
  kParseCacheEvictions,
  kParseCacheEntries,
  kParseCacheBytes,
  kPreparedStatements,
  kPins,
  kScatterFanout,
  kMergeRows,
  kTenantQueries,
  kTenantQuerySeconds,
  kCatalogEpoch,
  kCatalogTimeline,
  kCatalogAge,
  kCatalogUp,
  kLeaseRemaining,
  kShardUp,
  kEventLoopLag,
  kProcessCpuSeconds,
  kProcessResidentBytes,
  kProcessVirtualBytes,
  kProcessOpenFds,
  kProcessMaxFds,
  kProcessThreads,
  kProcessStartTime,
  kCount_
};

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

struct Declaration {
  Metric metric;
  std::string_view name;
  MetricKind kind;
  std::vector<std::string_view> labels;
  std::string_view help;
  std::vector<double> bounds;  // kHistogram: the `le` of its buckets, +Inf left out
  double unit = 1;             // kHistogram: one recorded step in the metric's unit
};

// In the order of the enum.
const std::vector<Declaration>& Catalogue();

// docs/metrics.md.
std::string ReferencePage();

}  // namespace pgreeve::metrics
