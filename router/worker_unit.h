// One worker with all that belongs to it. Built and destroyed on the main thread, used on its own.
#pragma once

#include <atomic>
#include <thread>

#include "config/settings.h"
#include "router/metrics/slots.h"
#include "router/net/worker.h"
#include "router/plan/planner.h"
#include "router/pool/pool.h"
#include "router/session/worker_context.h"

namespace pgreeve::server {

pool::PoolOptions ToPoolOptions(const config::RouterSettings& settings, uint64_t incarnation);
session::SessionLimits ToLimits(const config::RouterSettings& settings, std::size_t workers);

struct WorkerUnit {
  WorkerUnit(int index,
             const config::RouterSettings& settings,
             uint64_t incarnation,
             pool::ConnectionBudget& budget,
             session::ControlServices& control,
             metrics::TierNames& tiers);

  // About once a second, on the worker: what the exporter cannot see by itself.
  void Tick();

  net::Worker worker;
  metrics::Slots slots;
  plan::Planner planner;
  pool::Pool pool;
  session::WorkerContext context;
  net::Timer tick;
  std::atomic<int64_t> sessions{0};  // for the acceptor; about right is enough
  std::thread thread;
};

}  // namespace pgreeve::server
