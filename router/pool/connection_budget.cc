#include <map>
#include <mutex>
#include <utility>

#include "router/pool/pool.h"

namespace pgreeve::pool {

struct ConnectionBudget::Slots {
  struct Subscriber {
    net::Worker* worker;
    // Shared with posted closures; emptied by Unsubscribe, on the worker's thread like their runs.
    std::shared_ptr<Told> told;
  };

  std::mutex mutex;
  // Nodes do not move: pools keep references.
  std::map<std::pair<ShardId, catalog::RoleClass>, Share> shares;  // guarded by mutex
  std::map<uint64_t, Subscriber> subscribers;                      // guarded by mutex
  uint64_t next_subscription = 1;                                  // guarded by mutex

  void Tell(ShardId shard, catalog::RoleClass role, uint64_t but) {
    const std::scoped_lock lock(mutex);
    for (auto& [subscription, subscriber] : subscribers) {
      if (subscription == but)
        continue;
      subscriber.worker->Post([told = subscriber.told, shard, role] {
        if (*told)
          (*told)(shard, role);
      });
    }
  }
};

ConnectionBudget::ConnectionBudget() : slots_(std::make_unique<Slots>()) {}

ConnectionBudget::~ConnectionBudget() = default;

ConnectionBudget::Share& ConnectionBudget::ShareOf(ShardId shard, catalog::RoleClass role) {
  const std::scoped_lock lock(slots_->mutex);
  return slots_->shares[{shard, role}];
}

bool ConnectionBudget::TryTake(ShardId shard, catalog::RoleClass role, int32_t limit) {
  std::atomic<int32_t>& taken = ShareOf(shard, role).taken;
  int32_t now = taken.load(std::memory_order_relaxed);
  while (now < limit) {
    if (taken.compare_exchange_weak(now, now + 1, std::memory_order_relaxed))
      return true;
  }
  return false;
}

void ConnectionBudget::Return(ShardId shard, catalog::RoleClass role) {
  Share& share = ShareOf(shard, role);
  // Sequentially consistent with a pool that becomes hungry and then tries: one of the two sees
  // the other.
  share.taken.fetch_sub(1);
  if (share.hungry.load() > 0)
    slots_->Tell(shard, role, 0);
}

uint64_t ConnectionBudget::Subscribe(net::Worker& worker, Told told) {
  const std::scoped_lock lock(slots_->mutex);
  const uint64_t subscription = slots_->next_subscription++;
  slots_->subscribers.emplace(subscription,
                              Slots::Subscriber{&worker, std::make_shared<Told>(std::move(told))});
  return subscription;
}

void ConnectionBudget::Unsubscribe(uint64_t subscription) {
  const std::scoped_lock lock(slots_->mutex);
  const auto it = slots_->subscribers.find(subscription);
  if (it == slots_->subscribers.end())
    return;
  *it->second.told = nullptr;
  slots_->subscribers.erase(it);
}

void ConnectionBudget::Ask(ShardId shard, catalog::RoleClass role, uint64_t subscription) {
  slots_->Tell(shard, role, subscription);
}

}  // namespace pgreeve::pool
