// The half of Lane that opens and closes connections, and shares their number with other workers.
#include <algorithm>
#include <utility>

#include "router/pool/lane.h"

namespace pgreeve::pool {
namespace {

// Connections that were opened together do not end together: up to a tenth earlier.
absl::Duration Lifetime(absl::Duration configured, uint64_t serial) {
  constexpr uint64_t kSteps = 11;
  return configured - configured * static_cast<double>(serial % kSteps) / 100.0;
}

}  // namespace

void Lane::SetTarget(std::optional<ShardTarget> target) {
  const bool same_place = target.has_value() && target_.has_value() && target->SamePlace(*target_);
  target_ = std::move(target);
  if (same_place)
    return;
  backoff_.OnSuccess();
  CloseAll();
  if (!target_.has_value()) {
    SqlError error;
    error.sqlstate = "08001";
    error.message = "shard " + std::to_string(shard_.value) + " was removed";
    RefuseAll(error);
  }
  Serve();
}

void Lane::CloseAll() {
  ++generation_;
  while (BackendConnection* const connection = free_.TakeOldest())
    CloseConnection(*connection);
}

int32_t Lane::Limit() const {
  if (!target_.has_value())
    return 0;
  const int32_t of_shard = target_->backends_max;
  const int32_t limit = context_.options.backends_per_shard_max;
  return of_shard > 0 ? std::min(limit, of_shard) : limit;
}

absl::Duration Lane::MayOpenAt() const {
  const absl::Duration now = context_.worker.now();
  return std::max({now + backoff_.Remaining(now), hungry_until_, yielded_until_});
}

bool Lane::TakeToken() {
  if (context_.budget.TryTake(shard_, role_, Limit()))
    return true;
  // Once more after having said so: a connection that was returned in between told nobody.
  SetHungry(true);
  if (context_.budget.TryTake(shard_, role_, Limit()))
    return true;
  context_.budget.Ask(shard_, role_, context_.subscription);
  hungry_until_ = context_.worker.now() + hungry_delay_;
  RetryLater(hungry_delay_);
  hungry_delay_ = std::min(hungry_delay_ * 2, ConnectionBudget::kRetryLast);
  return false;
}

bool Lane::OpenOne() {
  if (!TakeToken())
    return false;
  SetHungry(false);
  hungry_delay_ = ConnectionBudget::kRetryFirst;
  ConnectionOwner& owner = *this;
  auto connection = std::make_unique<BackendConnection>(context_.worker, owner, *target_);
  const absl::Status status = connection->Open({.connect_timeout = context_.options.connect_timeout,
                                                .router_name = context_.options.router_name,
                                                .incarnation = context_.options.incarnation,
                                                .scram_only = context_.options.scram_only});
  if (!status.ok()) {
    context_.budget.Return(shard_, role_);
    OnConnectFailure(ToSqlError(status));
    return false;
  }
  const absl::Duration now = context_.worker.now();
  connection->lane = this;
  connection->serial = context_.next_serial++;
  connection->generation = generation_;
  connection->opened_at = now;
  connection->close_at = now + Lifetime(context_.options.server_lifetime, connection->serial);
  ++opening_;
  Count(*connection, metrics::BackendState::kOpening);
  connections_.push_back(std::move(connection));
  UpdateMembership();
  return true;
}

void Lane::RetryLater(absl::Duration delay) {
  if (!retry_timer_.armed())
    retry_timer_.ArmAfter(delay);
}

void Lane::OnDerivationNeeded(BackendConnection& connection, const auth::KeyDerivation& request) {
  context_.derivation.Derive(
      request,
      [lane = weak_from_this(), serial = connection.serial](const std::string& salted_password) {
        const auto alive = lane.lock();
        if (alive == nullptr)
          return;
        for (const auto& candidate : alive->connections_) {
          if (candidate->serial == serial) {
            candidate->OnDerived(salted_password);
            return;
          }
        }
      });
}

void Lane::OnConnectionReady(BackendConnection& connection) {
  --opening_;
  backoff_.OnSuccess();
  context_.metrics.connects.Add();
  if (context_.slots != nullptr)
    context_.slots->BackendConnected(shard_, context_.worker.now() - connection.opened_at);
  TakeBack(connection, false, false);
  Serve();
}

void Lane::OnConnectionUnbound(BackendConnection& connection) {
  --unbinding_;
  TakeBack(connection, false, false);
}

void Lane::OnConnectionLost(BackendConnection& connection, Phase was, const SqlError& error) {
  Bury(connection);
  switch (was) {
    case Phase::kLogin:
    case Phase::kAttach:
      --opening_;
      OnConnectFailure(error);
      return;
    case Phase::kUnbind:
      --unbinding_;
      context_.metrics.reset_failures.Add();
      break;
    case Phase::kFree:
      free_.Remove(&connection);
      break;
    case Phase::kGranted: {
      // Nobody has been told yet: another one will do.
      const auto it = std::find_if(granted_.begin(), granted_.end(), [&](const Granted& granted) {
        return granted.connection == &connection;
      });
      if (it != granted_.end()) {
        it->connection = nullptr;
        Enqueue(std::exchange(it->waiting, {}));
      }
      break;
    }
    default:
      break;
  }
  Serve();
}

void Lane::OnConnectFailure(const SqlError& error) {
  context_.metrics.connect_failures.Add();
  backoff_.OnFailure(context_.worker.now());
  last_error_ = error;
  const bool shard_is_full = error.sqlstate == "53300";
  if (connections_.empty() && !shard_is_full)
    RefuseAll(error);
  Serve();
}

void Lane::StartUnbind(BackendConnection& connection) {
  ++unbinding_;
  context_.metrics.unbinds.Add();
  connection.streak = 0;
  Count(connection, metrics::BackendState::kUnbinding);
  connection.Unbind(context_.options.reset_timeout);
}

void Lane::CloseConnection(BackendConnection& connection) {
  connection.Close();
  Bury(connection);
}

void Lane::Bury(BackendConnection& connection) {
  Count(connection, metrics::BackendState::kNone);
  context_.metrics.closed.Add();
  for (Cancel& cancel : cancels_) {
    if (cancel.target == &connection)
      cancel.target = nullptr;
  }
  const auto it = std::find_if(connections_.begin(), connections_.end(), [&](const auto& owned) {
    return owned.get() == &connection;
  });
  dead_.push_back(std::move(*it));
  connections_.erase(it);
  context_.budget.Return(shard_, role_);
  UpdateMembership();
  Schedule();
}

void Lane::CancelQuery(BackendConnection& connection) {
  // One on its way cancels whatever runs when it arrives; more would only load the shard.
  if (connection.phase() != Phase::kLent || connection.cancels > 0)
    return;
  ++connection.cancels;
  context_.metrics.cancels.Add();
  auto cancel = std::make_unique<CancelConnection>(context_.worker);
  CancelConnection* const raw = cancel.get();
  raw->SetOnEnd([this, raw] { OnCancelEnded(raw); });
  raw->Start(connection.target(), connection.pid(), connection.secret());
  cancels_.push_back({std::move(cancel), &connection});
}

void Lane::OnCancelEnded(const CancelConnection* ended) {
  const auto it = std::find_if(cancels_.begin(), cancels_.end(), [&](const Cancel& cancel) {
    return cancel.connection.get() == ended;
  });
  if (it == cancels_.end())
    return;
  BackendConnection* const target = it->target;
  ended_cancels_.push_back(std::move(it->connection));
  cancels_.erase(it);
  Schedule();
  if (target == nullptr || --target->cancels > 0 || target->phase() != Phase::kHeld)
    return;
  // A signal that is still on its way hits the reset, not the next session's statement.
  target->EndHold();
  TakeBack(*target, false, true);
}

void Lane::Sweep() {
  const PoolOptions& options = context_.options;
  const absl::Duration now = context_.worker.now();
  std::vector<BackendConnection*> too_old;
  std::vector<BackendConnection*> still_bound;
  for (const auto& entry : free_.entries()) {
    const absl::Duration idle = now - entry.since;
    if (idle >= options.server_idle_timeout || now >= entry.item->close_at)
      too_old.push_back(entry.item);
    else if (entry.binding != 0 && idle >= options.unbind_idle)
      still_bound.push_back(entry.item);
  }
  for (BackendConnection* const connection : too_old) {
    free_.Remove(connection);
    CloseConnection(*connection);
  }
  for (BackendConnection* const connection : still_bound) {
    free_.Remove(connection);
    StartUnbind(*connection);
  }
}

bool Lane::OthersAreHungry() const {
  return share_.hungry.load(std::memory_order_relaxed) > (hungry_ ? 1 : 0);
}

void Lane::OnBudgetChange() {
  hungry_until_ = -absl::InfiniteDuration();
  if (!queue_.empty())
    Serve();
  else if (OthersAreHungry() && !free_.empty())
    CloseConnection(*free_.TakeOldest());
}

void Lane::SetHungry(bool hungry) {
  if (hungry == hungry_)
    return;
  hungry_ = hungry;
  share_.hungry.fetch_add(hungry ? 1 : -1);
  UpdateMembership();
}

void Lane::UpdateMembership() {
  const bool member = hungry_ || !connections_.empty();
  if (member == member_)
    return;
  member_ = member;
  share_.members.fetch_add(member ? 1 : -1, std::memory_order_relaxed);
}

void Lane::Count(BackendConnection& connection, metrics::BackendState state) {
  if (connection.counted == state)
    return;
  if (context_.slots != nullptr)
    context_.slots->BackendMoved(shard_, connection.counted, state);
  connection.counted = state;
}

}  // namespace pgreeve::pool
