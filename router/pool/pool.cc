#include "router/pool/pool.h"

#include <utility>

#include "router/pool/backend_connection.h"
#include "router/pool/lane.h"
#include "router/pool/pool_context.h"

namespace pgreeve::pool {
namespace {

// How often idle connections are looked at. Finer than the shortest time-out that it serves
// (PoolOptions::unbind_idle).
constexpr absl::Duration kSweepInterval = absl::Milliseconds(100);

BackendConnection& Own(Backend* backend) {
  // Backends come from lanes only.
  return static_cast<BackendConnection&>(*backend);
}

}  // namespace

struct Pool::State {
  using Key = std::pair<ShardId, catalog::RoleClass>;

  State(net::Worker& worker, ConnectionBudget& budget, PoolOptions options)
      : context(worker, budget, std::move(options)),
        sweep(worker, [this] { Sweep(); }) {
    context.subscription = budget.Subscribe(worker, [this](ShardId shard, catalog::RoleClass role) {
      const auto it = lanes.find(Key(shard, role));
      if (it != lanes.end())
        it->second->OnBudgetChange();
    });
  }

  Lane& LaneOf(ShardId shard, catalog::RoleClass role) {
    std::shared_ptr<Lane>& lane = lanes[Key(shard, role)];
    if (lane == nullptr) {
      lane = std::make_shared<Lane>(context, shard, role);
      if (placement != nullptr)
        lane->SetTarget(FindTarget(*placement, shard, role));
    }
    return *lane;
  }

  void Sweep() {
    bool idle = true;
    for (const auto& [key, lane] : lanes) {
      lane->Sweep();
      idle = idle && lane->idle();
    }
    if (context.slots != nullptr)
      TellWaiting();
    if (!idle)
      sweep.ArmAfter(kSweepInterval);
  }

  // All roles of a shard are one number in the metrics.
  void TellWaiting() const {
    absl::flat_hash_map<ShardId, std::pair<int64_t, absl::Duration>> by_shard;
    for (const auto& [key, lane] : lanes) {
      const PoolStats stats = lane->Stats();
      auto& [waiting, longest] = by_shard[stats.shard];
      waiting += stats.waiting;
      longest = std::max(longest, stats.oldest_wait);
    }
    for (const auto& [shard, numbers] : by_shard)
      context.slots->PoolState(shard, numbers.first, numbers.second);
  }

  PoolContext context;
  std::shared_ptr<const catalog::Placement> placement;
  absl::flat_hash_map<Key, std::shared_ptr<Lane>> lanes;
  net::Timer sweep;
};

Pool::Pool(net::Worker& worker, ConnectionBudget& budget, PoolOptions options)
    : state_(std::make_unique<State>(worker, budget, std::move(options))) {}

Pool::~Pool() {
  state_->context.budget.Unsubscribe(state_->context.subscription);
}

void Pool::SetPlacement(std::shared_ptr<const catalog::Placement> placement) {
  state_->placement = std::move(placement);
  for (const auto& [key, lane] : state_->lanes)
    lane->SetTarget(FindTarget(*state_->placement, key.first, key.second));
}

void Pool::SetOptions(PoolOptions options) {
  state_->context.options = std::move(options);
}

Backend* Pool::Acquire(const LeaseRequest& request, BackendUser* user, Waiter* waiter) {
  if (!state_->sweep.armed())
    state_->sweep.ArmAfter(kSweepInterval);
  return state_->LaneOf(request.shard, request.role).Acquire(request, user, waiter);
}

void Pool::Forget(Waiter* waiter) {
  const auto it = state_->context.places.find(waiter);
  if (it == state_->context.places.end())
    return;
  const PoolContext::Place place = it->second;
  place.lane->Forget(waiter, place.ticket);
}

void Pool::Release(Backend* backend, Return how) {
  BackendConnection& connection = Own(backend);
  connection.lane->Release(connection, how);
}

void Pool::CancelQuery(Backend* backend) {
  BackendConnection& connection = Own(backend);
  connection.lane->CancelQuery(connection);
}

void Pool::RenewBinding(Backend* backend) {
  BackendConnection& connection = Own(backend);
  connection.lane->RenewBinding(connection);
}

std::vector<PoolStats> Pool::Stats() const {
  std::vector<PoolStats> all;
  for (const auto& [key, lane] : state_->lanes)
    all.push_back(lane->Stats());
  return all;
}

void Pool::CloseAll() {
  for (const auto& [key, lane] : state_->lanes)
    lane->CloseAll();
}

const PoolMetrics& Pool::metrics() const {
  return state_->context.metrics;
}

void Pool::CountInto(metrics::Slots* slots) {
  state_->context.slots = slots;
}

}  // namespace pgreeve::pool
