// Turns slots into Prometheus' families: sums over workers, adds the label words. Runs on the
// thread that scrapes and never makes a worker wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <absl/time/time.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "router/base/ids.h"
#include "router/metrics/process_slots.h"
#include "router/metrics/slots.h"
#include "router/metrics/tiers.h"
#include "router/metrics/top_tenants.h"

namespace pgreeve::metrics {

struct RouterSources {
  std::vector<Slots*> workers;  // in the order of their numbers
  const ProcessSlots* process = nullptr;
  const TierNames* tiers = nullptr;
  // The name of a shard; empty: not known, then the number is the label. Any thread.
  std::function<std::string(ShardId)> shard_name;
  std::size_t top_tenants = 50;
};

// pgreeve_*. All sources must outlive it.
class RouterCollector final : public prometheus::Collectable {
 public:
  explicit RouterCollector(RouterSources sources);

  // Any thread.
  void SetTopTenants(std::size_t count);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  RouterSources sources_;
  mutable std::mutex mutex_;
  mutable TopTenants top_;
};

// process_* of this process.
class ProcessCollector final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

// pgreeve_build_info.
class BuildCollector final : public prometheus::Collectable {
 public:
  BuildCollector(std::string version, std::string revision);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::string version_;
  std::string revision_;
};

// The text exposition format 0.0.4 (kTextContentType) of all of them.
inline constexpr char kTextContentType[] = "text/plain; version=0.0.4; charset=utf-8";
std::string ExpositionText(const std::vector<const prometheus::Collectable*>& collectors);

}  // namespace pgreeve::metrics
