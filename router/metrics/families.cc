#include "router/metrics/families.h"

#include <utility>

namespace pgreeve::metrics {
namespace {

prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

const Declaration& DeclarationOf(Metric metric) {
  return Catalogue()[static_cast<std::size_t>(metric)];
}

}  // namespace

Families::Families() : families_(Catalogue().size()) {
  for (std::size_t i = 0; i < families_.size(); ++i) {
    families_[i].name = Catalogue()[i].name;
    families_[i].help = Catalogue()[i].help;
    families_[i].type = TypeOf(Catalogue()[i].kind);
  }
}

prometheus::ClientMetric& Families::Sample(Metric metric, Labels labels) {
  auto& sample = families_[static_cast<std::size_t>(metric)].metric.emplace_back();
  const Declaration& declaration = DeclarationOf(metric);
  std::size_t i = 0;
  for (const std::string_view value : labels) {
    if (i < declaration.labels.size())
      sample.label.push_back({std::string(declaration.labels[i]), std::string(value)});
    ++i;
  }
  return sample;
}

void Families::Add(Metric metric, Labels labels, double value) {
  prometheus::ClientMetric& sample = Sample(metric, labels);
  if (DeclarationOf(metric).kind == MetricKind::kCounter)
    sample.counter.value = value;
  else
    sample.gauge.value = value;
}

void Families::Add(Metric metric, Labels labels, const std::vector<const Histogram*>& parts) {
  std::vector<uint64_t> counts(Histogram::kBuckets);
  uint64_t total = 0;
  uint64_t sum = 0;
  for (const Histogram* part : parts) {
    if (part == nullptr)
      continue;
    sum += part->sum();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      // Read once: the worker may be counting right now.
      const uint64_t count = part->count_in(i);
      counts[i] += count;
      total += count;
    }
  }
  if (total == 0)
    return;
  const Declaration& declaration = DeclarationOf(metric);
  prometheus::ClientMetric::Histogram& out = Sample(metric, labels).histogram;
  std::size_t at = 0;
  uint64_t below = 0;
  for (const double bound : declaration.bounds) {
    // Half a step, because 0.00025 / 1e-6 is not quite 250.
    while (at < counts.size() &&
           static_cast<double>(Histogram::LowerBound(at)) <= bound / declaration.unit + 0.5)
      below += counts[at++];
    out.bucket.push_back({below, bound});
  }
  out.sample_count = total;
  out.sample_sum = static_cast<double>(sum) * declaration.unit;
}

std::vector<prometheus::MetricFamily> Families::Take() {
  std::vector<prometheus::MetricFamily> out;
  for (prometheus::MetricFamily& family : families_) {
    if (!family.metric.empty())
      out.push_back(std::move(family));
  }
  families_.clear();
  return out;
}

}  // namespace pgreeve::metrics
