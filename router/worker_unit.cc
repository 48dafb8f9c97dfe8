#include "router/worker_unit.h"

namespace pgreeve::server {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);

plan::PlanCacheOptions ToCacheOptions(const config::RouterSettings& settings) {
  plan::PlanCacheOptions options;
  options.entries_max = static_cast<std::size_t>(settings.limits.plan_cache_entries_max);
  options.bytes_max = static_cast<std::size_t>(settings.limits.plan_cache_bytes_max);
  options.sql_bytes_max = static_cast<std::size_t>(settings.limits.sql_bytes_max);
  return options;
}

plan::MergeEngine ToEngine(config::CombineEngine engine) {
  switch (engine) {
    case config::CombineEngine::kAuto:
      return plan::MergeEngine::kAuto;
    case config::CombineEngine::kNative:
      return plan::MergeEngine::kNative;
    case config::CombineEngine::kPostgres:
      return plan::MergeEngine::kPostgres;
  }
  return plan::MergeEngine::kAuto;
}

}  // namespace

pool::PoolOptions ToPoolOptions(const config::RouterSettings& settings, uint64_t incarnation) {
  pool::PoolOptions options;
  options.backends_per_shard_max = static_cast<int32_t>(settings.pool.size);
  options.queue_timeout = settings.pool.queue_timeout;
  options.connect_timeout = settings.pool.connect_timeout;
  options.server_lifetime = settings.pool.server_lifetime;
  options.server_idle_timeout = settings.pool.server_idle_timeout;
  options.unbind_idle = settings.pool.unbind_idle;
  options.token_lifetime = settings.pool.token_lifetime;
  options.waiters_max = static_cast<int32_t>(settings.pool.waiters_max);
  options.router_name = settings.router_id;
  options.incarnation = incarnation;
  return options;
}

session::SessionLimits ToLimits(const config::RouterSettings& settings, std::size_t workers) {
  session::SessionLimits limits;
  limits.message_bytes_max = static_cast<uint32_t>(settings.limits.message_bytes_max);
  limits.batch_bytes_max = static_cast<std::size_t>(settings.limits.batch_bytes_max);
  limits.client_pending_bytes_max =
      static_cast<std::size_t>(settings.limits.client_buffer_bytes_max);
  limits.sessions_max =
      static_cast<int32_t>(static_cast<std::size_t>(settings.limits.client_connections_max) /
                           workers) +
      1;
  limits.prepared_statements_max = static_cast<int32_t>(settings.limits.prepared_statements_max);
  limits.login_timeout = settings.auth.login_timeout;
  limits.idle_transaction_timeout = settings.timeouts.idle_transaction;
  limits.engine = ToEngine(settings.combine.engine);
  limits.combine_verify = settings.combine.verify;
  limits.merge_rows_max = static_cast<std::size_t>(settings.combine.rows_max);
  limits.merge_bytes_max = static_cast<std::size_t>(settings.combine.bytes_max);
  limits.scatter_timeout = settings.combine.timeout;
  limits.tenant_columns = settings.routing.tenant_columns;
  return limits;
}

WorkerUnit::WorkerUnit(int index,
                       const config::RouterSettings& settings,
                       uint64_t incarnation,
                       pool::ConnectionBudget& budget,
                       session::ControlServices& control,
                       metrics::TierNames& tiers)
    : worker(index),
      planner(ToCacheOptions(settings)),
      pool(worker, budget, ToPoolOptions(settings, incarnation)),
      context{.worker = worker,
              .pool = pool,
              .planner = planner,
              .slots = slots,
              .control = control,
              .tiers = tiers},
      tick(worker, [this] { Tick(); }) {
  pool.CountInto(&slots);
}

void WorkerUnit::Tick() {
  tick.ArmAfter(kTick);
  sessions.store(static_cast<int64_t>(context.sessions.size()), std::memory_order_relaxed);
  const plan::PlanCacheStats cache = planner.Stats();
  slots.ParseCache({.hits = cache.hits,
                    .misses = cache.misses,
                    .evictions = cache.evictions,
                    .entries = cache.entries,
                    .bytes = cache.bytes});
  slots.Tick();
}

}  // namespace pgreeve::server
