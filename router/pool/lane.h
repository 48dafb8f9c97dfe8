// The connections of one worker to one shard in one role, and who waits for them. Does what
// policy/ decides. Calls users and waiters only from the loop: what happens inside a call on Pool
// is settled at the end of the turn. Worker thread only. Owned by Pool.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "router/policy/backoff.h"
#include "router/policy/free_set.h"
#include "router/policy/lend_policy.h"
#include "router/policy/wait_queue.h"
#include "router/pool/backend_connection.h"
#include "router/pool/binding.h"
#include "router/pool/cancel_connection.h"
#include "router/pool/pool.h"
#include "router/pool/pool_context.h"
#include "router/pool/shard_target.h"

namespace pgreeve::pool {

class Lane final : public std::enable_shared_from_this<Lane>, private ConnectionOwner {
 public:
  using Ticket = policy::WaitQueue::Ticket;

  Lane(PoolContext& context, ShardId shard, catalog::RoleClass role);
  ~Lane();

  // Nothing: the shard is gone.
  void SetTarget(std::optional<ShardTarget> target);

  // As Pool's functions of the same names.
  Backend* Acquire(const LeaseRequest& request, BackendUser* user, Waiter* waiter);
  void Forget(Waiter* waiter, Ticket ticket);
  void Release(BackendConnection& connection, Return how);
  void CancelQuery(BackendConnection& connection);
  void RenewBinding(BackendConnection& connection);
  void CloseAll();
  PoolStats Stats() const;

  // Another pool returned a connection or wants one.
  void OnBudgetChange();
  // Now and then: unbinds and closes what has been idle for too long.
  void Sweep();

  bool idle() const { return connections_.empty() && queue_.empty(); }

 private:
  struct Waiting {
    Waiter* waiter = nullptr;
    BackendUser* user = nullptr;
    LeaseRequest request;
    WantedBinding wanted;
    absl::Duration since;
  };

  struct Granted {
    Waiting waiting;
    BackendConnection* connection = nullptr;
  };

  struct Refused {
    Waiter* waiter = nullptr;
    SqlError error;
  };

  struct Cancel {
    std::unique_ptr<CancelConnection> connection;
    BackendConnection* target = nullptr;  // null once it is gone
  };

  // ConnectionOwner
  void OnConnectionReady(BackendConnection& connection) override;
  void OnConnectionUnbound(BackendConnection& connection) override;
  void OnDerivationNeeded(BackendConnection& connection,
                          const auth::KeyDerivation& request) override;
  void OnConnectionLost(BackendConnection& connection, Phase was, const SqlError& error) override;

  // lane.cc: lending and waiting
  void LendNow(BackendConnection& connection, const WantedBinding& wanted, BackendUser* user);
  BindClock Clock() const;
  void Enqueue(Waiting waiting);
  void Refuse(Waiter* waiter, SqlError error);
  void RefuseAll(const SqlError& error);
  void Grant(BackendConnection& connection, Ticket ticket);
  void Serve();
  void TakeBack(BackendConnection& connection, bool must_close, bool must_reset);
  policy::Returned Describe(const BackendConnection& connection, Ticket* same) const;
  void ExpireWaiters();
  // Runs Settle at the end of this turn.
  void Schedule();
  void Settle();
  void DeliverGranted();
  void DeliverRefused();

  // lane_connections.cc: opening, closing, what they cost others
  bool OpenOne();
  int32_t Limit() const;
  bool TakeToken();
  absl::Duration MayOpenAt() const;
  void OnConnectFailure(const SqlError& error);
  void RetryLater(absl::Duration delay);
  void StartUnbind(BackendConnection& connection);
  void CloseConnection(BackendConnection& connection);
  void Bury(BackendConnection& connection);
  void OnCancelEnded(const CancelConnection* ended);
  bool OthersAreHungry() const;
  void SetHungry(bool hungry);
  void UpdateMembership();
  void Count(BackendConnection& connection, metrics::BackendState state);

  PoolContext& context_;
  const ShardId shard_;
  const catalog::RoleClass role_;
  ConnectionBudget::Share& share_;
  std::optional<ShardTarget> target_;

  std::vector<std::unique_ptr<BackendConnection>> connections_;
  policy::FreeSet<BackendConnection> free_;
  int32_t opening_ = 0;
  int32_t unbinding_ = 0;
  uint64_t generation_ = 0;  // connections of an older one close when they are free

  policy::WaitQueue queue_;
  std::vector<Waiting> waiting_;  // by ticket
  net::Timer queue_timer_;

  policy::Backoff backoff_;
  SqlError last_error_;  // of the last attempt to connect
  net::Timer retry_timer_;
  bool hungry_ = false;
  bool member_ = false;
  absl::Duration hungry_until_ = -absl::InfiniteDuration();   // no asking before
  absl::Duration yielded_until_ = -absl::InfiniteDuration();  // what was given up is not taken back
  absl::Duration hungry_delay_ = ConnectionBudget::kRetryFirst;

  // For the end of the turn.
  bool scheduled_ = false;
  std::vector<Granted> granted_;
  std::vector<Refused> refused_;
  std::vector<std::unique_ptr<BackendConnection>> dead_;
  std::vector<Cancel> cancels_;
  std::vector<std::unique_ptr<CancelConnection>> ended_cancels_;
};

}  // namespace pgreeve::pool
