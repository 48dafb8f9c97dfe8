// What all lanes of one pool share. Worker thread only.
#pragma once

#include <cstdint>
#include <memory>

#include <absl/container/flat_hash_map.h>

#include "router/metrics/slots.h"
#include "router/net/worker.h"
#include "router/policy/wait_queue.h"
#include "router/pool/derivation_thread.h"
#include "router/pool/pool.h"
#include "router/pool/pool_metrics.h"

namespace pgreeve::pool {

class Lane;

struct PoolContext {
  // Where a waiter stands. Not in the queue: granted or refused, to be told at the end of the turn.
  struct Place {
    Lane* lane = nullptr;
    policy::WaitQueue::Ticket ticket = policy::WaitQueue::kNone;
  };

  PoolContext(net::Worker& the_worker, ConnectionBudget& the_budget, PoolOptions the_options)
      : worker(the_worker),
        budget(the_budget),
        options(std::move(the_options)),
        derivation(the_worker) {}

  net::Worker& worker;
  ConnectionBudget& budget;
  uint64_t subscription = 0;  // at the budget
  PoolOptions options;
  uint64_t generation = 0;  // raised by CloseAll; older connections close when they are free
  absl::flat_hash_map<Waiter*, Place> places;
  PoolMetrics metrics;
  metrics::Slots* slots = nullptr;
  uint64_t next_serial = 1;
  DerivationThread derivation;
};

}  // namespace pgreeve::pool
