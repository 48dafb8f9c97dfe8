#include "router/metrics/collect.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <absl/time/clock.h>
#include <prometheus/text_serializer.h>

#include "router/metrics/families.h"

namespace pgreeve::metrics {
namespace {

constexpr double kMicrosecond = 1e-6;
constexpr int32_t kShardPlaces = Slots::kShardsMax + 1;

using Workers = std::vector<Slots*>;

double ToDouble(uint64_t n) {
  return static_cast<double>(n);
}

template <class F>
double SumOf(const Workers& workers, F value) {
  double sum = 0;
  for (const Slots* slots : workers)
    sum += static_cast<double>(value(*slots));
  return sum;
}

template <class F>
std::vector<const Histogram*> PartsOf(const Workers& workers, F lazy) {
  std::vector<const Histogram*> parts;
  for (const Slots* slots : workers)
    parts.push_back(lazy(*slots).get());
  return parts;
}

// All values of an enum that ends with kCount_.
template <class E, class F>
void ForEach(F f) {
  for (std::size_t i = 0; i < kCountOf<E>; ++i)
    f(static_cast<E>(i), i);
}

void AddConnections(Families& out, const Workers& workers) {
  ForEach<ClientState>([&](ClientState state, std::size_t i) {
    out.Add(Metric::kClientConnections, {ToString(state)}, SumOf(workers, [&](const Slots& s) {
              return s.clients[i].value();
            }));
  });
  out.Add(Metric::kClientConnectionsTotal, {}, SumOf(workers, [](const Slots& s) {
            return s.clients_total.value();
          }));
  ForEach<Refusal>([&](Refusal reason, std::size_t i) {
    out.Add(Metric::kClientConnectionsRejected,
            {ToString(reason)},
            SumOf(workers, [&](const Slots& s) { return s.refused[i].value(); }));
  });
  ForEach<Side>([&](Side side, std::size_t i) {
    ForEach<Direction>([&](Direction direction, std::size_t j) {
      out.Add(Metric::kBytes,
              {ToString(direction), ToString(side)},
              SumOf(workers, [&](const Slots& s) { return s.bytes[i][j].value(); }));
    });
  });
}

void AddStatements(Families& out, const Workers& workers, const TierNames& tiers) {
  for (TierIndex tier = 0; tier < kTiersMax; ++tier) {
    ForEach<Route>([&](Route route, std::size_t i) {
      out.Add(Metric::kQueryDuration,
              {tiers.NameOf(tier), ToString(route)},
              PartsOf(
                  workers, [&](const Slots& s) -> auto& { return s.query_microseconds[tier][i]; }));
    });
  }
  ForEach<Outcome>([&](Outcome outcome, std::size_t i) {
    ForEach<Width>([&](Width width, std::size_t j) {
      out.Add(Metric::kTransactions,
              {ToString(outcome), ToString(width)},
              SumOf(workers, [&](const Slots& s) { return s.transactions[i][j].value(); }));
    });
  });
  ForEach<PinReason>([&](PinReason reason, std::size_t i) {
    out.Add(Metric::kPins, {ToString(reason)}, SumOf(workers, [&](const Slots& s) {
              return s.pins[i].value();
            }));
  });
  out.Add(Metric::kScatterFanout,
          {},
          PartsOf(
              workers, [](const Slots& s) -> auto& { return s.scatter_shards; }));
  ForEach<Engine>([&](Engine engine, std::size_t i) {
    out.Add(Metric::kMergeRows,
            {ToString(engine)},
            PartsOf(
                workers, [&](const Slots& s) -> auto& { return s.merge_rows[i]; }));
  });
}

// Thousands of possible series, few of which ever count: only those above zero.
void AddErrors(Families& out, const Workers& workers) {
  for (std::size_t i = 0; i < Slots::kSqlstateClasses; ++i) {
    ForEach<Origin>([&](Origin origin, std::size_t j) {
      const double n = SumOf(workers, [&](const Slots& s) { return s.errors[i][j].value(); });
      if (n == 0)
        return;
      char text[3];
      Slots::SqlstateText(i, text);
      out.Add(Metric::kErrors, {text, ToString(origin)}, n);
    });
  }
  for (std::size_t code = 0; code < Slots::kRejectCodesMax; ++code) {
    const double n = SumOf(workers, [&](const Slots& s) { return s.rejected[code].value(); });
    if (n != 0)
      out.Add(Metric::kRejectedStatements,
              {code == 0 ? std::string("_other") : "PR-" + std::to_string(code)},
              n);
  }
}

void AddCaches(Families& out, const Workers& workers) {
  const auto sum = [&](Metric metric, auto member) {
    out.Add(metric, {}, SumOf(workers, [&](const Slots& s) { return (s.*member).value(); }));
  };
  sum(Metric::kParseCacheHits, &Slots::cache_hits);
  sum(Metric::kParseCacheMisses, &Slots::cache_misses);
  sum(Metric::kParseCacheEvictions, &Slots::cache_evictions);
  sum(Metric::kParseCacheEntries, &Slots::cache_entries);
  sum(Metric::kParseCacheBytes, &Slots::cache_bytes);
  sum(Metric::kPreparedStatements, &Slots::prepared_statements);
  for (std::size_t i = 0; i < workers.size(); ++i)
    out.Add(Metric::kEventLoopLag,
            {"worker" + std::to_string(i)},
            static_cast<double>(workers[i]->loop_lag_microseconds.value()) * kMicrosecond);
}

std::string ShardLabel(const RouterSources& sources, int32_t index) {
  if (index == 0)
    return "_none";
  if (index == Slots::kShardsMax)
    return "_other";
  std::string name = sources.shard_name ? sources.shard_name(ShardId{index}) : "";
  return name.empty() ? std::to_string(index) : name;
}

void AddQueries(Families& out,
                const std::vector<const ShardSlots*>& parts,
                const std::string& shard,
                const TierNames& tiers) {
  for (TierIndex tier = 0; tier < kTiersMax; ++tier) {
    ForEach<Kind>([&](Kind kind, std::size_t i) {
      ForEach<Route>([&](Route route, std::size_t j) {
        uint64_t n = 0;
        for (const ShardSlots* part : parts)
          n += part->queries[tier][i][j].value();
        if (n != 0)
          out.Add(Metric::kQueries,
                  {shard, tiers.NameOf(tier), ToString(kind), ToString(route)},
                  ToDouble(n));
      });
    });
  }
}

void AddShard(Families& out, const RouterSources& sources, int32_t index) {
  std::vector<const ShardSlots*> parts;
  std::vector<const Histogram*> connects;
  std::vector<const Histogram*> waits;
  int64_t longest = 0;
  int64_t waiting = 0;
  for (const Slots* worker : sources.workers) {
    const ShardSlots* slots = worker->shard(index);
    if (slots == nullptr)
      continue;
    parts.push_back(slots);
    connects.push_back(slots->connect_microseconds.get());
    waits.push_back(slots->pool_wait_microseconds.get());
    longest = std::max(longest, slots->pool_longest_wait_microseconds.value());
    waiting += slots->pool_waiting.value();
  }
  if (parts.empty())
    return;
  const std::string shard = ShardLabel(sources, index);
  AddQueries(out, parts, shard, *sources.tiers);
  if (index == 0)
    return;
  ForEach<BackendState>([&](BackendState state, std::size_t i) {
    int64_t n = 0;
    for (const ShardSlots* part : parts)
      n += part->backends[i].value();
    out.Add(Metric::kServerConnections, {shard, ToString(state)}, static_cast<double>(n));
  });
  out.Add(Metric::kServerConnectSeconds, {shard}, connects);
  out.Add(Metric::kPoolWaitSeconds, {shard}, waits);
  out.Add(Metric::kPoolMaxWaitSeconds, {shard}, static_cast<double>(longest) * kMicrosecond);
  out.Add(Metric::kPoolWaiting, {shard}, static_cast<double>(waiting));
}

void AddProcess(Families& out, const RouterSources& sources) {
  const ProcessSlots& process = *sources.process;
  const int64_t now = absl::ToUnixMicros(absl::Now());
  out.Add(Metric::kCatalogEpoch, {}, ToDouble(process.epoch.load(std::memory_order_relaxed)));
  out.Add(Metric::kCatalogTimeline, {}, process.timeline.load(std::memory_order_relaxed));
  out.Add(Metric::kCatalogUp, {}, process.catalog_up.load(std::memory_order_relaxed) ? 1 : 0);
  const int64_t answered = process.answered_unix_us.load(std::memory_order_relaxed);
  if (answered != ProcessSlots::kNever)
    out.Add(Metric::kCatalogAge, {}, static_cast<double>(now - answered) * kMicrosecond);
  const int64_t until = process.lease_until_unix_us.load(std::memory_order_relaxed);
  if (until != ProcessSlots::kNever)
    out.Add(Metric::kLeaseRemaining, {}, static_cast<double>(until - now) * kMicrosecond);
  for (std::size_t i = 1; i < ProcessSlots::kShardsMax; ++i) {
    const int8_t up = process.shard_up[i].load(std::memory_order_relaxed);
    const int32_t size = process.pool_size[i].load(std::memory_order_relaxed);
    if (up == ProcessSlots::kUnknown && size == 0)
      continue;
    const std::string shard = ShardLabel(sources, static_cast<int32_t>(i));
    if (up != ProcessSlots::kUnknown)
      out.Add(Metric::kShardUp, {shard}, up);
    if (size != 0)
      out.Add(Metric::kPoolSize, {shard}, size);
  }
}

void AddTenant(Families& out, std::string_view tenant, std::string_view tier, TenantCount count) {
  out.Add(Metric::kTenantQueries, {tenant, tier}, ToDouble(count.queries));
  out.Add(Metric::kTenantQuerySeconds, {tenant, tier}, ToDouble(count.microseconds) * kMicrosecond);
}

}  // namespace

RouterCollector::RouterCollector(RouterSources sources)
    : sources_(std::move(sources)),
      top_(sources_.top_tenants) {}

void RouterCollector::SetTopTenants(std::size_t count) {
  const std::lock_guard lock(mutex_);
  top_.SetShownMax(count);
}

std::vector<prometheus::MetricFamily> RouterCollector::Collect() const {
  Families out;
  AddConnections(out, sources_.workers);
  AddStatements(out, sources_.workers, *sources_.tiers);
  AddErrors(out, sources_.workers);
  AddCaches(out, sources_.workers);
  for (int32_t index = 0; index < kShardPlaces; ++index)
    AddShard(out, sources_, index);
  AddProcess(out, sources_);

  const std::lock_guard lock(mutex_);
  const absl::Time now = absl::Now();
  for (Slots* worker : sources_.workers) {
    if (const std::unique_ptr<TenantBatch> batch = worker->tenants.Take())
      top_.Add(*batch, now);
  }
  for (const auto& [tenant, count] : top_.shown())
    AddTenant(out, tenant.Text(), sources_.tiers->NameOf(count.tier), count);
  for (TierIndex tier = 0; tier < kTiersMax; ++tier) {
    if (top_.other()[tier].queries != 0)
      AddTenant(out, "_other", sources_.tiers->NameOf(tier), top_.other()[tier]);
  }
  return out.Take();
}

BuildCollector::BuildCollector(std::string version, std::string revision)
    : version_(std::move(version)),
      revision_(std::move(revision)) {}

std::vector<prometheus::MetricFamily> BuildCollector::Collect() const {
  Families out;
  out.Add(Metric::kBuildInfo, {version_, revision_, __VERSION__}, 1);
  return out.Take();
}

std::string ExpositionText(const std::vector<const prometheus::Collectable*>& collectors) {
  std::vector<prometheus::MetricFamily> families;
  for (const prometheus::Collectable* collector : collectors) {
    for (prometheus::MetricFamily& family : collector->Collect())
      families.push_back(std::move(family));
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace pgreeve::metrics
