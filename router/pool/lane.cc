#include "router/pool/lane.h"

#include <algorithm>
#include <utility>

namespace pgreeve::pool {
namespace {

SqlError MakeError(std::string_view sqlstate, std::string message, std::string detail) {
  SqlError error;
  error.sqlstate = std::string(sqlstate);
  error.message = std::move(message);
  error.detail = std::move(detail);
  return error;
}

}  // namespace

Lane::Lane(PoolContext& context, ShardId shard, catalog::RoleClass role)
    : context_(context),
      shard_(shard),
      role_(role),
      share_(context.budget.ShareOf(shard, role)),
      queue_timer_(context.worker, [this] { ExpireWaiters(); }),
      retry_timer_(context.worker, [this] {
        hungry_until_ = -absl::InfiniteDuration();
        Serve();
      }) {}

Lane::~Lane() {
  SetHungry(false);
  while (!connections_.empty())
    CloseConnection(*connections_.back());
}

Backend* Lane::Acquire(const LeaseRequest& request, BackendUser* user, Waiter* waiter) {
  const WantedBinding wanted = WantedBy(request);
  BackendConnection* connection = free_.Take(
      wanted.number, [&wanted](const BackendConnection& c) { return c.binding().Carries(wanted); });
  if (connection == nullptr && queue_.empty())
    connection = free_.TakeBlank();
  if (connection != nullptr) {
    LendNow(*connection, wanted, user);
    if (context_.slots != nullptr)
      context_.slots->LeaseWaited(shard_, absl::ZeroDuration());
    return connection;
  }
  Enqueue({.waiter = waiter,
           .user = user,
           .request = request,
           .wanted = wanted,
           .since = context_.worker.now()});
  return nullptr;
}

BindClock Lane::Clock() const {
  return {.now = context_.worker.now(),
          .wall_now = context_.worker.wall_now(),
          .token_lifetime = context_.options.token_lifetime};
}

void Lane::LendNow(BackendConnection& connection, const WantedBinding& wanted, BackendUser* user) {
  Count(connection, metrics::BackendState::kActive);
  context_.metrics.leases.Add();
  connection.served = true;
  connection.Lend(user);
  if (connection.binding().Serves(wanted, context_.worker.now()))
    return;
  // The current key signs, also on a connection that is about to retire.
  const ShardTarget& target = target_.has_value() ? *target_ : connection.target();
  context_.metrics.binds.Add();
  connection.AddPrelude(
      MakePrelude(connection.binding(), wanted, target, connection.pid(), Clock()));
}

void Lane::RenewBinding(BackendConnection& connection) {
  if (connection.phase() != Phase::kLent || context_.worker.now() < connection.binding().renew_at ||
      !target_.has_value())
    return;
  context_.metrics.binds.Add();
  connection.AddPrelude(RenewalOf(connection.binding(), *target_, connection.pid(), Clock()));
}

void Lane::Enqueue(Waiting waiting) {
  Waiter* const waiter = waiting.waiter;
  const absl::Duration now = context_.worker.now();
  if (!target_.has_value()) {
    Refuse(
        waiter,
        MakeError(
            "08001", "shard " + std::to_string(shard_.value) + " is not known to this router", {}));
    return;
  }
  // A full shard (53300) is worth waiting for; one that does not answer is not.
  if (connections_.empty() && !backoff_.MayTry(now) && last_error_.sqlstate != "53300") {
    Refuse(waiter,
           MakeError("57P03",
                     "shard \"" + target_->name + "\" cannot be reached",
                     last_error_.message + ": " + last_error_.detail));
    return;
  }
  if (queue_.size() >= static_cast<std::size_t>(context_.options.waiters_max)) {
    Refuse(waiter,
           MakeError("53300",
                     "too many sessions wait for shard \"" + target_->name + "\"",
                     "The queue holds " + std::to_string(context_.options.waiters_max) + "."));
    return;
  }
  const Ticket ticket = queue_.Push(waiting.wanted.tenant_number, waiting.wanted.number, now);
  if (ticket >= waiting_.size())
    waiting_.resize(ticket + 1);
  waiting_[ticket] = std::move(waiting);
  context_.places.insert_or_assign(waiter, PoolContext::Place{this, ticket});
  if (!queue_timer_.armed())
    queue_timer_.ArmAfter(context_.options.queue_timeout);
  Serve();
}

void Lane::Refuse(Waiter* waiter, SqlError error) {
  context_.places.insert_or_assign(waiter, PoolContext::Place{this, policy::WaitQueue::kNone});
  refused_.push_back({waiter, std::move(error)});
  Schedule();
}

void Lane::RefuseAll(const SqlError& error) {
  while (!queue_.empty()) {
    const Ticket ticket = queue_.Oldest();
    queue_.Remove(ticket);
    Refuse(std::exchange(waiting_[ticket], {}).waiter, error);
  }
}

void Lane::Forget(Waiter* waiter, Ticket ticket) {
  context_.places.erase(waiter);
  if (ticket != policy::WaitQueue::kNone) {
    queue_.Remove(ticket);
    waiting_[ticket] = Waiting();
    return;
  }
  for (Refused& refused : refused_) {
    if (refused.waiter == waiter)
      refused.waiter = nullptr;
  }
  for (Granted& granted : granted_) {
    if (granted.waiting.waiter != waiter)
      continue;
    granted.waiting = Waiting();
    BackendConnection* const connection = std::exchange(granted.connection, nullptr);
    connection->EndGrant();
    TakeBack(*connection, false, false);
    return;  // `granted_` may have grown
  }
}

void Lane::Grant(BackendConnection& connection, Ticket ticket) {
  queue_.Serve(ticket);
  Count(connection, metrics::BackendState::kActive);
  connection.Grant();
  granted_.push_back({std::exchange(waiting_[ticket], {}), &connection});
  context_.places[granted_.back().waiting.waiter].ticket = policy::WaitQueue::kNone;
  Schedule();
}

void Lane::Serve() {
  if (free_.empty() && static_cast<int32_t>(connections_.size()) >= Limit()) {
    // The usual case under load: all are lent, and whoever comes back is lent on.
    SetHungry(false);
    return;
  }
  const absl::Duration now = context_.worker.now();
  while (true) {
    const policy::Queued queued = {.waiting = queue_.size(),
                                   .free_blank = free_.size() - free_.bound(),
                                   .free_bound = free_.bound(),
                                   .opening = opening_,
                                   .unbinding = unbinding_,
                                   .total = static_cast<int32_t>(connections_.size()),
                                   .limit = Limit(),
                                   .may_open = now >= MayOpenAt()};
    switch (policy::DecideQueued(queued)) {
      case policy::QueuedStep::kLendBlank:
        Grant(*free_.TakeBlank(), queue_.Next());
        break;
      case policy::QueuedStep::kUnbindIdle:
        StartUnbind(*free_.TakeOldestBound());
        break;
      case policy::QueuedStep::kOpen:
        if (!OpenOne())
          return;
        break;
      case policy::QueuedStep::kWait:
        if (queue_.size() <= static_cast<std::size_t>(opening_ + unbinding_))
          SetHungry(false);
        if (!queue_.empty() && MayOpenAt() > now)
          RetryLater(MayOpenAt() - now);
        return;
    }
  }
}

void Lane::Release(BackendConnection& connection, Return how) {
  if (connection.phase() != Phase::kLent)
    return;
  const bool whole = connection.EndLease() && how != Return::kBroken;
  if (whole && connection.cancels > 0) {
    connection.Hold();
    return;
  }
  TakeBack(connection, !whole, how == Return::kDirty);
}

policy::Returned Lane::Describe(const BackendConnection& connection, Ticket* same) const {
  const Binding& binding = connection.binding();
  policy::Returned returned;
  returned.blank = binding.blank();
  returned.streak = connection.streak;
  returned.waiting = queue_.size();
  if (queue_.empty())
    return returned;
  const Ticket next = queue_.Next();
  returned.next_waited = context_.worker.now() - queue_.since(next);
  returned.coming = static_cast<std::size_t>(opening_ + unbinding_);
  if (binding.Carries(waiting_[next].wanted)) {
    returned.same_is_next = returned.same_waits = true;
    *same = next;
    return returned;
  }
  *same = queue_.NextOf(binding.tenant_number, binding.number);
  returned.same_waits =
      *same != policy::WaitQueue::kNone && binding.Carries(waiting_[*same].wanted);
  return returned;
}

// A connection that nobody holds: closed, reset, lent on, or kept.
void Lane::TakeBack(BackendConnection& connection, bool must_close, bool must_reset) {
  Ticket same = policy::WaitQueue::kNone;
  policy::Returned returned = Describe(connection, &same);
  const bool retired =
      connection.generation != generation_ || context_.worker.now() >= connection.close_at;
  // Not before it served once: two hungry workers would only hand a connection back and forth.
  const bool yields = connection.served && OthersAreHungry() &&
                      policy::MustYield(static_cast<int32_t>(connections_.size()),
                                        Limit(),
                                        share_.members.load(std::memory_order_relaxed));
  returned.must_close = must_close || retired || yields;
  returned.must_reset = must_reset;
  switch (policy::DecideReturned(returned)) {
    case policy::ReturnedStep::kClose:
      if (yields)
        yielded_until_ = context_.worker.now() + ConnectionBudget::kRetryFirst;
      CloseConnection(connection);
      Serve();
      break;
    case policy::ReturnedStep::kUnbind:
      context_.metrics.resets.Add(must_reset ? 1 : 0);
      StartUnbind(connection);
      break;
    case policy::ReturnedStep::kLendSame:
      connection.streak = returned.same_is_next ? 0 : connection.streak + 1;
      Grant(connection, same);
      break;
    case policy::ReturnedStep::kLendNext:
      Grant(connection, queue_.Next());
      break;
    case policy::ReturnedStep::kKeep:
      connection.streak = 0;
      Count(connection, metrics::BackendState::kIdle);
      free_.Add(&connection, connection.binding().number, context_.worker.now());
      break;
  }
}

void Lane::ExpireWaiters() {
  const absl::Duration timeout = context_.options.queue_timeout;
  const absl::Duration now = context_.worker.now();
  while (!queue_.empty()) {
    const Ticket ticket = queue_.Oldest();
    const absl::Duration left = queue_.since(ticket) + timeout - now;
    if (left > absl::ZeroDuration()) {
      queue_timer_.ArmAfter(left);
      return;
    }
    queue_.Remove(ticket);
    context_.metrics.queue_timeouts.Add();
    Refuse(std::exchange(waiting_[ticket], {}).waiter,
           MakeError("53300",
                     "no connection to shard " + std::to_string(shard_.value) + " became free",
                     "Waited " + absl::FormatDuration(timeout) + "."));
  }
}

void Lane::Schedule() {
  if (std::exchange(scheduled_, true))
    return;
  context_.worker.Defer([lane = weak_from_this()] {
    if (const auto alive = lane.lock())
      alive->Settle();
  });
}

void Lane::Settle() {
  scheduled_ = false;
  DeliverGranted();
  DeliverRefused();
  dead_.clear();
  ended_cancels_.clear();
}

// By index: whoever is called may cause more of the same, or forget some.
void Lane::DeliverGranted() {
  for (std::size_t i = 0; i < granted_.size(); ++i) {
    BackendConnection* const connection = std::exchange(granted_[i].connection, nullptr);
    if (connection == nullptr)
      continue;
    const Waiting waiting = std::exchange(granted_[i].waiting, {});
    context_.places.erase(waiting.waiter);
    const absl::Duration waited = context_.worker.now() - waiting.since;
    context_.metrics.waits.Add();
    context_.metrics.wait_microseconds.Record(
        static_cast<uint64_t>(absl::ToInt64Microseconds(waited)));
    if (context_.slots != nullptr)
      context_.slots->LeaseWaited(shard_, waited);
    LendNow(*connection, waiting.wanted, waiting.user);
    waiting.waiter->OnLease(connection);
  }
  granted_.clear();
}

void Lane::DeliverRefused() {
  for (std::size_t i = 0; i < refused_.size(); ++i) {
    const Refused refused = std::exchange(refused_[i], {});
    if (refused.waiter == nullptr)
      continue;
    context_.places.erase(refused.waiter);
    refused.waiter->OnLeaseFailed(refused.error);
  }
  refused_.clear();
}

PoolStats Lane::Stats() const {
  PoolStats stats;
  stats.shard = shard_;
  stats.role = role_;
  stats.idle = static_cast<int32_t>(free_.size());
  stats.opening = opening_;
  stats.unbinding = unbinding_;
  stats.active =
      static_cast<int32_t>(connections_.size()) - stats.idle - stats.opening - stats.unbinding;
  stats.waiting = static_cast<int32_t>(queue_.size());
  if (!queue_.empty())
    stats.oldest_wait = context_.worker.now() - queue_.since(queue_.Oldest());
  return stats;
}

}  // namespace pgreeve::pool
