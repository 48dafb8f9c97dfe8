// What one pool counted. Written by its worker; any thread may read.
#pragma once

#include "router/metrics/cell.h"
#include "router/metrics/histogram.h"

namespace pgreeve::pool {

struct PoolMetrics {
  metrics::Counter connects;  // logged in and attached
  metrics::Counter connect_failures;
  metrics::Counter leases;
  metrics::Counter waits;  // leases that did not come at once
  metrics::Histogram wait_microseconds;
  metrics::Counter binds;
  metrics::Counter unbinds;         // to change tenants or settings, of idle backends, and resets
  metrics::Counter resets;          // those of them that followed a dirty session or a cancel
  metrics::Counter queue_timeouts;  // waiters that gave up
  metrics::Counter reset_failures;  // unbinds that failed or were not answered in time
  metrics::Counter cancels;
  metrics::Counter closed;  // lost or closed, for whatever reason
};

}  // namespace pgreeve::pool
