// Collects samples into families in the order of the catalogue. One scrape, one thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

#include "router/metrics/catalogue.h"
#include "router/metrics/histogram.h"

namespace pgreeve::metrics {

class Families {
 public:
  using Labels = std::initializer_list<std::string_view>;  // values, in the catalogue's order

  Families();

  // A counter or a gauge, as the catalogue says.
  void Add(Metric metric, Labels labels, double value);
  // Sums histograms of the same thing; nothing is added when all are null.
  void Add(Metric metric, Labels labels, const std::vector<const Histogram*>& parts);

  // Families without samples are left out.
  std::vector<prometheus::MetricFamily> Take();

 private:
  prometheus::ClientMetric& Sample(Metric metric, Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace pgreeve::metrics
