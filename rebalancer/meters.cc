#include "rebalancer/meters.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace pgreeve::rebalancer {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Registry;

struct Meters::State {
  Registry registry;

  Gauge& GaugeOf(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  Counter& CounterOf(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }

  Gauge& leader = GaugeOf("rebalancer_leader", "1 while this process leads the rebalancers.");
  Counter& leads = CounterOf("rebalancer_leads_total", "Times that this process began to lead.");
  Gauge& catalog_up = GaugeOf("rebalancer_catalog_up", "1 while the catalog answers this process.");
  Counter& shards_created =
      CounterOf("rebalancer_shards_created_total", "Shards made for requests.");
  Counter& shards_failed =
      CounterOf("rebalancer_shards_failed_total", "Requests for a shard that failed.");
  Gauge& tenants = GaugeOf("rebalancer_tenants_measured", "Tenants in the last measurement.");
  Gauge& bytes = GaugeOf("rebalancer_measured_bytes", "Sum of the tenants' sizes, as measured.");
  Gauge& shards = GaugeOf("rebalancer_shards_measured", "Shards in the last measurement.");
  Counter& unmeasured = CounterOf("rebalancer_measure_failures_total",
                                  "Shards that could not be measured in a round.");
  Gauge& in_doubt = GaugeOf("rebalancer_two_phase_in_doubt",
                            "Prepared transactions of routers, young ones included.");
  Gauge& nodes_up = GaugeOf("rebalancer_nodes_up", "Nodes that answered the last look.");
  Gauge& nodes_down = GaugeOf("rebalancer_nodes_down", "Nodes that did not.");
  Family<Counter>& resolved = BuildCounter()
                                  .Name("rebalancer_two_phase_resolved_total")
                                  .Help("Prepared transactions of dead routers that were ended.")
                                  .Register(registry);
  Counter& committed = resolved.Add({{"outcome", "commit"}});
  Counter& aborted = resolved.Add({{"outcome", "abort"}});
  Family<Counter>& rounds = BuildCounter()
                                .Name("rebalancer_duty_rounds_total")
                                .Help("Rounds of each duty of the leader.")
                                .Register(registry);
  Family<Gauge>& round_seconds = BuildGauge()
                                     .Name("rebalancer_duty_last_round_seconds")
                                     .Help("How long the last round of each duty took.")
                                     .Register(registry);
};

Meters::Meters(const std::string& id) : state_(std::make_unique<State>()) {
  BuildGauge()
      .Name("pgreeve_build_info")
      .Help("Always 1; the labels tell what runs.")
      .Register(state_->registry)
      .Add({{"version", PGREEVE_VERSION}, {"component", "rebalancer"}, {"rebalancer", id}})
      .Set(1);
}

Meters::~Meters() = default;

void Meters::Leading(bool leading) {
  if (leading && state_->leader.Value() == 0)
    state_->leads.Increment();
  state_->leader.Set(leading ? 1 : 0);
}

void Meters::CatalogUp(bool up) {
  state_->catalog_up.Set(up ? 1 : 0);
}

void Meters::DutyRound(std::string_view duty, absl::Duration took, bool ok) {
  const std::string name(duty);
  // Add() returns the one that exists for the same labels.
  state_->rounds.Add({{"duty", name}, {"outcome", ok ? "ok" : "error"}}).Increment();
  state_->round_seconds.Add({{"duty", name}}).Set(absl::ToDoubleSeconds(took));
}

void Meters::ShardCreated() {
  state_->shards_created.Increment();
}

void Meters::ShardFailed() {
  state_->shards_failed.Increment();
}

void Meters::TenantsMeasured(int64_t tenants, int64_t bytes, int64_t shards) {
  state_->tenants.Set(static_cast<double>(tenants));
  state_->bytes.Set(static_cast<double>(bytes));
  state_->shards.Set(static_cast<double>(shards));
}

void Meters::ShardUnmeasured() {
  state_->unmeasured.Increment();
}

void Meters::OrphanResolved(bool commit) {
  (commit ? state_->committed : state_->aborted).Increment();
}

void Meters::InDoubt(int64_t transactions) {
  state_->in_doubt.Set(static_cast<double>(transactions));
}

void Meters::NodesUp(int64_t up, int64_t down) {
  state_->nodes_up.Set(static_cast<double>(up));
  state_->nodes_down.Set(static_cast<double>(down));
}

std::string Meters::Page() const {
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace pgreeve::rebalancer
