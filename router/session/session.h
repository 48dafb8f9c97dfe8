// One client connection, from its first byte to its last. Reads messages, asks the planner where
// they go, borrows a backend, passes replies on. What is decided is decided elsewhere: login
// (login.h), replies (relay.h), transactions (transaction.h), routes (plan/). Long work that the
// router does itself (a scatter, a broadcast, COPY under row security) is a Task.
//
// One unit of the client is in flight at a time: a simple Query, or the extended messages up to
// Sync or Flush. Bytes behind it stay in `input_` until its replies are complete.
// Worker thread only. Owns itself: Close() destroys it at the end of the turn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/status.h"
#include "router/net/channel.h"
#include "router/net/worker.h"
#include "router/plan/plan.h"
#include "router/pool/backend.h"
#include "router/pool/pool.h"
#include "router/session/copy_task.h"
#include "router/session/local_reply.h"
#include "router/session/prepared.h"
#include "router/session/refusals.h"
#include "router/session/relay.h"
#include "router/session/task.h"
#include "router/session/tracked_settings.h"
#include "router/session/transaction.h"
#include "router/session/worker_context.h"
#include "router/wire/client_messages.h"
#include "router/wire/frame.h"

namespace pgreeve::session {

class Login;

// Where a unit runs.
struct Target {
  ShardId shard;
  catalog::RoleClass role = catalog::RoleClass::kTenant;
  const catalog::TenantInfo* tenant = nullptr;  // null: unbound, or a role that needs no token

  bool SameBackend(const Target& other) const {
    return shard == other.shard && role == other.role &&
           (tenant == nullptr) == (other.tenant == nullptr) &&
           (tenant == nullptr || tenant->id == other.tenant->id);
  }
};

class Session final : public net::Channel::Handler,
                      public pool::BackendUser,
                      public pool::Waiter,
                      public RelaySink,
                      public TaskHost,
                      public CopyBackend {
 public:
  // Takes over a connected client descriptor. `peer` is for logs and the host-based rules.
  static void Start(WorkerContext& context, int fd, std::string peer, bool local);

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Ends the session with a FATAL 57P01 once it is between transactions (drain) or now.
  void Shutdown(bool now);
  // The client (or an administrator) wants what runs now to stop. No effect when nothing runs.
  void CancelQuery();

  std::string_view cancel_secret() const { return cancel_secret_; }

  const std::string& user() const { return user_; }

  const std::string& database() const { return database_; }

  const std::string& peer() const { return peer_; }

  const std::string& application() const { return application_; }

  std::string TenantText() const;

  // For the console: idle, active, waiting, in_tx, login.
  metrics::ClientState state() const { return state_; }

  uint32_t pins() const { return pins_; }

  pool::Backend* backend() const { return backend_; }

  uint32_t pid() const { return pid_; }

  // TaskHost
  WorkerContext& context() override { return ctx_; }

  void SendToClient(std::string_view bytes) override;
  bool ClientIsBehind() const override;
  void FinishTask(TaskResult result) override;

  std::string_view actor() const override { return user_; }

  const std::shared_ptr<const pool::SettingsSet>& settings() const override {
    return settings_.current();
  }

  void ResumeInput() override;
  std::string_view Setting(std::string_view name) const override;

  // CopyBackend
  void RunInTransaction(std::string messages,
                        int readies,
                        absl::AnyInvocable<void(std::optional<SqlError>)> done) override;

 private:
  friend class Login;
  static constexpr std::size_t kKeptBytes = 256;  // an idle session keeps no larger buffer

  enum class Stage : uint8_t { kLogin, kReady, kClosed };
  // What keeps the next unit from being looked at.
  enum class Wait : uint8_t { kNothing, kLease, kReplies, kTask };

  // One message of an extended unit, looked at before anything is sent.
  struct Item {
    wire::Frame frame;
    enum class Kind : uint8_t { kForward, kSynthetic, kTask } kind = Kind::kForward;
    PreparedPtr statement;  // Parse, Bind, Describe S
    std::string insert;     // kSynthetic: the reply
    wire::Bind bind;        // Bind: decoded
    std::string_view name;  // statement or portal, as the client calls it
    char what = 'S';        // Describe, Close
    uint32_t row_limit = 0;
    int plan = -1;  // kTask: index into unit_plans_
    bool executes = false;
  };

  // What a statement that was sent changes in the session once it has succeeded.
  struct Effect {
    plan::Verb verb = plan::Verb::kNone;
    std::string name = {};
    std::string value = {};
    uint32_t pins = 0;
    PreparedPtr prepared = {};
  };

  Session(WorkerContext& context, int fd, std::string peer, bool local);

  // net::Channel::Handler
  void OnReadable() override;
  void OnDrained() override;
  void OnBroken() override;
  // pool::Waiter
  void OnLease(pool::Backend* backend) override;
  void OnLeaseFailed(const SqlError& error) override;
  // pool::BackendUser
  void OnBackendBytes(pool::Backend& backend, std::string_view bytes) override;
  void OnBackendClosed(pool::Backend& backend, const SqlError& error) override;
  void OnBackendDrained(pool::Backend& backend) override;
  // RelaySink
  void Forward(std::string_view bytes) override;
  void OnStatementDone(int32_t effect, int index, std::string_view tag) override;
  void OnError(std::string_view body) override;
  void OnQuietError(std::string_view body) override;
  void OnParameterStatus(std::string_view name, std::string_view value) override;
  void OnCopyIn() override;
  void OnParsed(int32_t effect) override;
  char OnReady(char status) override;

  // session.cc: input, leases, endings
  bool MayConsume() const;
  std::size_t ConsumeOne(std::string_view bytes);
  void ProcessInput(std::string_view fresh);
  void Drain();
  void LimitInput();
  std::size_t ConsumeReady(std::string_view bytes);
  std::size_t ConsumeUnit(std::string_view bytes);
  std::size_t SkipToSync(const wire::Frame& frame);
  std::size_t ConsumeCopyIn(std::string_view bytes);
  void SendToBackend(std::string_view bytes);
  void SendQueryToBackend(std::string_view bytes);
  // False: the session waits for a lease and the unit stays where it is.
  bool AcquireFor(const Target& target);
  void Resume();
  void MaybeRelease();
  void ReleaseBackend(pool::Return how);
  void BackendFailed(const SqlError& error);
  void BackendLost(const SqlError& error);
  void FlushOutput();
  void UnitDone();
  void CountUnit();
  void Fatal(const SqlError& error, metrics::Refusal reason);
  void Close();
  void Delete();
  void SetState(metrics::ClientState state);
  void SendReady();
  void OnTimer();

  // login_flow.cc
  std::size_t ConsumeLogin(std::string_view bytes);
  void LoggedIn(std::string send);

  // query.cc: simple protocol
  enum class Next : uint8_t { kConsumed, kWait };
  void StartUnit();
  void CountAs(const plan::StatementPlan& plan);
  Next HandleQuery(const wire::Frame& frame);
  Next RunPlans(std::string_view sql, plan::Plans& plans);
  Next RunStatement(std::string_view sql, plan::StatementPlan& plan);
  Next RunSqlExecute(std::string_view sql, const plan::StatementPlan& plan);
  void ContinueScript();
  bool ScriptGoesOn() const;
  Next ForwardQuery(std::string_view sql);
  Next ForwardSqlPrepare(std::string_view sql, const plan::StatementPlan& plan);
  void RejectQuery(const SqlError& error, int code);
  void EndLocalQuery(const LocalReply& reply);
  Next StartTask(std::unique_ptr<Task> task);
  void RunConsole(std::string_view sql);

  // segment.cc: extended protocol
  std::size_t HandleUnit(std::string_view bytes, std::size_t unit_bytes);
  absl::Status LookAt(Item& item);
  absl::Status LookAtParse(Item& item);
  absl::Status LookAtBind(Item& item);
  absl::Status LookAtDescribe(Item& item);
  absl::Status LookAtExecute(Item& item);
  absl::Status LookAtClose(Item& item);
  absl::Status PlanBind(Item& item, plan::StatementPlan& plan);
  absl::Status WantTarget(const Target& target);
  const Item* FindBind(std::string_view portal) const;
  void ResetUnit();
  std::size_t RunUnit(std::string_view unit);
  void EmitUnit();
  void EmitItem(Item& item, std::string& out);
  void EmitBind(Item& item, std::string& out);
  absl::Status EmitLocal(Item& item, std::string& reply);
  void EnsurePrepared(const PreparedStatement& statement, std::string& out);
  bool RepliesPass() const;
  static bool NamesStatement(const Item& item);
  void SendPassing();
  void EmitParse(const PreparedStatement& statement, bool is_client, std::string& out);
  void EmitFailure(std::string& out);
  void AppendPoison(std::string error, std::string& out);
  PreparedPtr FindPrepared(std::string_view name);
  void DropUnconfirmed();
  // task_unit.cc: units with a statement that the router executes
  void StartTaskUnit(std::string_view unit);
  void ContinueTaskUnit(TaskResult result);
  void RunTaskItems();
  void FailTaskUnit(const SqlError& error, int code);

  // statements.cc: what both protocols need
  plan::SessionView View();
  Target TargetFor(const plan::StatementPlan& plan);
  Target AnyShardTarget();
  std::optional<SqlError> CheckLease(const Target& target);
  std::optional<Refusal> CheckTask(const plan::StatementPlan& plan);
  std::optional<SqlError> CheckTenant();
  bool AnswersLocally(const plan::StatementPlan& plan) const;
  absl::StatusOr<LocalReply> AnswerLocally(const plan::StatementPlan& plan, std::string_view text);
  absl::StatusOr<LocalReply> AnswerTransaction(const plan::StatementPlan& plan,
                                               std::string_view text);
  absl::StatusOr<LocalReply> AnswerSetting(const plan::StatementPlan& plan);
  absl::StatusOr<LocalReply> BindTenant(std::string_view value, bool is_local);
  void SwitchTenant(TenantId id, bool is_local);
  std::unique_ptr<Task> MakeTask(const plan::StatementPlan& plan, TaskInput input);
  Next ProvisionFor(const plan::StatementPlan& plan);
  void WantTenant(const TenantId& id);
  void TenantCreated(const absl::Status& status);
  void Remember(const plan::StatementPlan& plan, std::string_view text);
  void Apply(const Effect& effect, std::string_view tag);
  void SettingsChanged();
  void TransactionEnded(bool committed, bool was_open);
  const catalog::TenantInfo* BoundTenant();
  catalog::RoleClass ReadRole();
  void AppendPendingBegin(std::string& out);
  void Reject(int code, const SqlError& error);

  WorkerContext& ctx_;
  net::Channel channel_;
  std::string input_;  // bytes of the client that are not consumed yet
  std::string peer_;
  std::string user_;
  std::string database_;
  std::string application_;
  std::string cancel_secret_;
  std::unique_ptr<Login> login_;
  net::Timer timer_;

  // identity and binding
  catalog::LoginScope scope_ = catalog::LoginScope::kApp;
  bool isolated_ = true;
  bool locked_ = false;
  bool may_provision_ = false;
  bool console_ = false;
  bool local_peer_ = false;
  TenantId tenant_id_;

  // What SET pgreeve.tenant did inside the transaction, for its end.
  struct TenantSwitch {
    TenantId before;     // after ROLLBACK
    TenantId committed;  // after COMMIT; SET LOCAL does not change it
  };

  std::optional<TenantSwitch> tenant_switch_;
  const catalog::TenantInfo* tenant_ = nullptr;  // valid for tenant_version_
  uint64_t tenant_version_ = 0;
  metrics::TierIndex bound_tier_ = metrics::kTierOther;

  // the unit in flight
  Stage stage_ = Stage::kLogin;
  Wait wait_ = Wait::kNothing;
  metrics::ClientState state_ = metrics::ClientState::kNone;
  metrics::Kind unit_kind_ = metrics::Kind::kRead;
  metrics::Route unit_route_ = metrics::Route::kSingle;
  metrics::TierIndex unit_tier_ = metrics::kTierOther;
  bool skip_to_sync_ = false;   // an error came: the client's messages are dropped up to Sync
  bool copy_ended_ = false;     // CopyDone or CopyFail has gone
  bool unit_extended_ = false;  // the unit in flight ends in Sync, not with a Query
  bool copy_in_ = false;        // CopyData goes to the backend
  bool processing_ = false;     // input is being consumed further up the stack
  bool shutdown_ = false;       // ends at the next moment between transactions
  bool flush_unit_ = false;     // the unit ended in Flush: no ReadyForQuery comes
  bool unit_open_ = false;      // messages went to the backend, its Sync did not
  bool outside_ = false;        // the lease does not belong to the lazy transaction
  bool unit_failed_ = false;    // a shard sent an ErrorResponse
  bool ready_ = false;          // ReadyForQuery came
  bool collect_ = false;        // the router adds replies: one send at the end of the turn
  bool read_paused_ = false;
  bool backend_full_ = false;   // the backend does not read
  bool client_behind_ = false;  // the client does not read
  bool counted_ = false;        // in login_connections
  bool deleting_ = false;
  bool dirty_ = false;  // session state may be on the backend
  uint32_t pid_ = 0;
  uint32_t pins_ = 0;
  std::size_t scanned_ = 0;  // of the bytes in front, known to hold no end of a unit
  pool::Backend* backend_ = nullptr;
  Target lease_target_;
  std::shared_ptr<const catalog::Placement> lease_placement_;  // keeps lease_target_ valid
  bool plain_waits_ = false;      // the query that waits for a lease needs no plan
  std::string_view query_frame_;  // the Query that is being handled; empty: none
  std::unique_ptr<SqlError> lease_error_;
  Relay relay_;
  std::string output_;    // for the client, at the end of the turn
  std::string last_tag_;  // first word of the last CommandComplete
  std::vector<Effect> effects_;

  struct Preparing {
    uint64_t id = 0;               // to be noted at the backend
    std::string client_name = {};  // and kept for the client
    bool is_client = false;
    bool confirmed = false;
  };

  std::vector<Preparing> preparing_;
  absl::Duration unit_started_;

  // an extended unit
  std::vector<Item> items_;
  std::vector<plan::StatementPlan> unit_plans_;
  std::optional<Target> unit_target_;
  std::optional<SqlError> unit_error_;
  int unit_error_code_ = 0;
  bool unit_has_task_ = false;
  bool unit_executes_ = false;
  bool unit_begins_ = false;    // BEGIN stands in this unit
  bool unit_forwards_ = false;  // something of it needs a backend
  bool unit_syncs_ = false;     // it ends in Sync
  TenantId unit_provision_;     // a tenant to be created first
  std::size_t task_item_ = 0;
  std::string task_unit_;  // a task unit keeps its messages here

  struct Script {
    std::string sql;
    plan::Plans plans;
    std::size_t next = 0;
  };

  std::unique_ptr<Script> script_;
  std::unique_ptr<Task> task_;
  // A task's own statement on the session's backend (RunInTransaction).
  absl::AnyInvocable<void(std::optional<SqlError>)> call_done_;
  std::optional<SqlError> call_error_;

  // session state
  Transaction transaction_;
  TrackedSettings settings_;
  StringMap<PreparedPtr> prepared_;
  PreparedPtr unnamed_;
  StringMap<LocalPortal> local_portals_;
  StringMap<std::string> pgreeve_settings_;  // notice, combine, …
  std::vector<std::string> search_path_;
  bool standard_conforming_strings_ = true;
};

}  // namespace pgreeve::session
