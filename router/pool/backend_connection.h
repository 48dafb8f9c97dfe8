// One connection to a shard: connects, logs in, attaches, carries leases, unbinds. Knows what it
// may send and what must come back; which session gets it is its lane's business. Worker thread
// only. Owned by a lane, which destroys it only from the loop, never inside a call of
// ConnectionOwner.
//
//   kLogin → kAttach → kFree → kGranted → kLent → kFree
//                        kFree, kLent → kUnbind → kFree (blank)
//                        kLent → kHeld (a cancel request is on its way) → kUnbind
//   any → kDead
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "router/metrics/labels.h"
#include "router/net/channel.h"
#include "router/pool/backend.h"
#include "router/pool/binding.h"
#include "router/pool/login.h"
#include "router/pool/reply_reader.h"
#include "router/pool/shard_target.h"

namespace pgreeve::pool {

class BackendConnection;
class Lane;

enum class Phase : uint8_t { kLogin, kAttach, kFree, kGranted, kLent, kHeld, kUnbind, kDead };

class ConnectionOwner {
 public:
  // Logged in and attached; kFree and blank.
  virtual void OnConnectionReady(BackendConnection& connection) = 0;
  // The unbind is confirmed; kFree and blank.
  virtual void OnConnectionUnbound(BackendConnection& connection) = 0;
  // Call connection.OnDerived later or at once.
  virtual void OnDerivationNeeded(BackendConnection& connection,
                                  const auth::KeyDerivation& request) = 0;
  // Closed. `was` is the phase before; the user of a lease is told after this call. During kLogin
  // and kAttach the SQLSTATE is one for those who wait (08001, 57P03), or 53300.
  virtual void OnConnectionLost(BackendConnection& connection,
                                Phase was,
                                const SqlError& error) = 0;

 protected:
  ~ConnectionOwner() = default;
};

struct OpenOptions {
  absl::Duration connect_timeout;
  std::string router_name;
  uint64_t incarnation = 0;
  bool scram_only = false;
};

class BackendConnection final : public Backend, private net::Channel::Handler {
 public:
  BackendConnection(net::Worker& worker, ConnectionOwner& owner, ShardTarget target);
  ~BackendConnection() override = default;

  // Starts to connect. Errors: 08001; then nothing is called and the object is of no use.
  absl::Status Open(const OpenOptions& options);
  // False when the login did not wait for it.
  bool OnDerived(std::string_view salted_password);

  // kFree → kGranted: promised to somebody who is told at the end of the turn.
  void Grant() { phase_ = Phase::kGranted; }

  // kGranted → kFree.
  void EndGrant() { phase_ = Phase::kFree; }

  // kFree, kGranted → kLent.
  void Lend(BackendUser* user) {
    phase_ = Phase::kLent;
    user_ = user;
  }

  // Goes out ahead of the user's next bytes, unless another prelude is under way.
  void AddPrelude(Prelude prelude);
  // kLent → kFree. False when the connection owes or is owed something: it is to be closed.
  bool EndLease();

  // kFree → kHeld, and kHeld → kFree.
  void Hold() { phase_ = Phase::kHeld; }

  void EndHold() { phase_ = Phase::kFree; }

  // kFree → kUnbind.
  void Unbind(absl::Duration timeout);
  // Says good-bye and closes; nothing is called.
  void Close();

  void Send(std::string_view bytes) override;

  std::size_t pending_bytes() const override { return channel_->pending_bytes(); }

  void PauseReading() override { channel_->PauseReading(); }

  void ResumeReading() override { channel_->ResumeReading(); }

  Phase phase() const { return phase_; }

  const Binding& binding() const { return binding_; }

  const ShardTarget& target() const { return target_; }

  // The lane's own notes.
  Lane* lane = nullptr;
  uint64_t serial = 0;
  absl::Duration opened_at;
  absl::Duration close_at;  // end of its lifetime
  uint64_t generation = 0;
  metrics::BackendState counted = metrics::BackendState::kNone;
  bool served = false;  // lent at least once
  uint32_t streak = 0;  // leases in a row that overtook somebody of another tenant
  int cancels = 0;      // cancel requests on their way to it

 private:
  void OnReadable() override;
  void OnDrained() override;
  void OnBroken() override;

  void OnOwnReplies(std::string_view bytes);
  void OnFrame(const wire::Frame& frame);
  void OnLoginFrame(const wire::Frame& frame);
  void ActOnLogin(Login::Step step, const std::string& out);
  void OnAttachFrame(const wire::Frame& frame);
  void OnUnbindFrame(const wire::Frame& frame);
  void OnPreludeFrame(const wire::Frame& frame);
  void OnIdleFrame(const wire::Frame& frame);
  void StartAttach();
  void BecomeReady();
  void OnTimeout();
  void Lose(SqlError error);
  void LoseToPeer(int error_number);

  // Whether somebody waits for bytes as they come: a lease without an open prelude.
  bool relays() const { return phase_ == Phase::kLent && prelude_replies_ == 0; }

  net::Worker& worker_;
  ConnectionOwner& owner_;
  ShardTarget target_;
  OpenOptions options_;
  std::optional<net::Channel> channel_;
  std::optional<Login> login_;
  net::Timer timer_;
  ReplyReader reader_;
  BackendUser* user_ = nullptr;
  Prelude prelude_;          // not yet sent
  int prelude_replies_ = 0;  // ReadyForQuery that belong to the prelude
  Binding binding_;
  Phase phase_ = Phase::kLogin;
};

// What an unbind or reset runs, as one simple Query. Prepared statements stay.
extern const std::string_view kUnbindSql;

}  // namespace pgreeve::pool
