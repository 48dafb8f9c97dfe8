#include "router/metastore/follower.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <absl/time/clock.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/snapshot_file.h"

namespace pgreeve::metastore {
namespace {

// A snapshot is rewritten at most this often while changes come in, …
constexpr absl::Duration kSnapshotIntervalMin = absl::Seconds(2);
// … and at least this often without any: its age says when it was last known to be the newest.
constexpr absl::Duration kSnapshotIntervalMax = absl::Minutes(1);
constexpr absl::Duration kFarewellTimeout = absl::Seconds(1);

Epoch EpochOf(const catalog::Placement& placement) {
  return {placement.timeline, placement.epoch};
}

}  // namespace

struct Follower::State {
  struct Task {
    Job job;
    Done done;
  };

  State(FollowerOptions given, Publish callback)
      : options(std::move(given)),
        publish(std::move(callback)),
        file(options.snapshot_path, options.seal_key) {}

  // ---- shared by both threads
  absl::StatusOr<std::unique_ptr<CatalogClient>> Connect(std::string_view purpose) const;
  // Publishes what the catalog has beyond the placement in use.
  absl::Status CatchUp(CatalogClient& client);
  std::shared_ptr<const catalog::Placement> Current() const;
  void Use(std::shared_ptr<const catalog::Placement> next, absl::Time confirmed_at, bool from_file);
  void Report(const absl::Status& status);
  bool Stopping() const;
  void Pause(absl::Duration duration);

  // ---- the following thread
  void Follow();
  absl::Status FollowOnce();
  absl::Status Lease(absl::Time now);
  void WriteSnapshot(absl::Time now);
  void KeepNewest(absl::Time now);
  void Write(absl::Time now);
  void Farewell();

  // ---- the job thread
  void RunJobs();
  absl::Status RunJob(Job& job);

  const FollowerOptions options;
  const Publish publish;

  mutable std::mutex mutex;  // guards the members up to the next blank line
  std::condition_variable wake;
  bool stopping = false;
  bool running = false;
  std::deque<Task> tasks;
  std::shared_ptr<const catalog::Placement> current;
  FollowerStatus status;

  std::mutex advance_mutex;  // one CatchUp at a time; taken before `mutex`
  int stop_fd = -1;          // readable once stopping

  SnapshotFile file;  // following thread only, like the rest
  std::unique_ptr<CatalogClient> client;
  absl::Time leased_at = absl::InfinitePast();
  bool registered = false;
  absl::Time snapshot_at = absl::InfinitePast();
  Epoch snapshot_epoch;

  std::unique_ptr<CatalogClient> job_client;  // job thread only

  std::thread follow_thread;
  std::thread job_thread;
};

absl::StatusOr<std::unique_ptr<CatalogClient>> Follower::State::Connect(
    std::string_view purpose) const {
  pqlink::ConnectOptions connect;
  connect.connect_timeout = options.connect_timeout;
  connect.statement_timeout = options.statement_timeout;
  connect.application_name = "pgreeve-" + std::string(purpose) +
                             (options.router_name.empty() ? "" : "-" + options.router_name);
  ASSIGN_OR_RETURN(auto opened, CatalogClient::Open(options.catalog_dsn, connect));
  opened->connection().SetInterrupt(stop_fd);
  return opened;
}

std::shared_ptr<const catalog::Placement> Follower::State::Current() const {
  const std::lock_guard lock(mutex);
  return current;
}

void Follower::State::Use(std::shared_ptr<const catalog::Placement> next,
                          absl::Time confirmed_at,
                          bool from_file) {
  {
    const std::lock_guard lock(mutex);
    current = next;
    status.epoch = EpochOf(*next);
    status.from_snapshot = from_file;
    status.confirmed_at = confirmed_at;
  }
  publish(std::move(next));
}

absl::Status Follower::State::CatchUp(CatalogClient& from) {
  const std::lock_guard advancing(advance_mutex);
  const auto previous = Current();
  const absl::Time asked_at = absl::Now();
  ASSIGN_OR_RETURN(auto next, from.LoadChanges(previous));
  if (next != nullptr) {
    // A server that knows less was left behind by a promotion, or restored without a new timeline.
    if (previous != nullptr && EpochOf(*next) < EpochOf(*previous))
      return SqlStatus("55000",
                       "the catalog is at epoch " + ToString(EpochOf(*next)) +
                           ", older than the placement in use, " + ToString(EpochOf(*previous)));
    Use(std::move(next), asked_at, false);
    return absl::OkStatus();
  }
  const std::lock_guard lock(mutex);
  status.confirmed_at = asked_at;
  status.from_snapshot = false;
  return absl::OkStatus();
}

void Follower::State::Report(const absl::Status& outcome) {
  const std::lock_guard lock(mutex);
  status.catalog_up = outcome.ok();
  status.error = outcome.ok() ? "" : ToSqlError(outcome).message;
}

bool Follower::State::Stopping() const {
  const std::lock_guard lock(mutex);
  return stopping;
}

void Follower::State::Pause(absl::Duration duration) {
  std::unique_lock lock(mutex);
  wake.wait_for(lock, absl::ToChronoMilliseconds(duration), [this] { return stopping; });
}

// ---------------------------------------------------------------- following

void Follower::State::Follow() {
  while (!Stopping()) {
    const absl::Status outcome = FollowOnce();
    if (Stopping())
      break;
    Report(outcome);
    if (!outcome.ok()) {
      client.reset();
      const absl::Time now = absl::Now();
      KeepNewest(now);
      if (now - leased_at > options.lease) {
        const std::lock_guard lock(mutex);
        status.leased = false;
      }
      Pause(options.poll_interval);
      continue;
    }
    // Until the next NOTIFY, or the poll. A broken connection shows in the next turn.
    client->connection().WaitNotifications(options.poll_interval, stop_fd).IgnoreError();
  }
  KeepNewest(absl::Now());
  Farewell();
}

absl::Status Follower::State::FollowOnce() {
  if (client == nullptr) {
    ASSIGN_OR_RETURN(client, Connect("follow"));
    RETURN_IF_ERROR(client->connection().ExecScript(std::string("LISTEN ") + kChangeChannel));
  }
  RETURN_IF_ERROR(CatchUp(*client));
  const absl::Time now = absl::Now();
  WriteSnapshot(now);
  return Lease(now);
}

absl::Status Follower::State::Lease(absl::Time now) {
  if (options.router_name.empty() || (registered && now - leased_at < options.lease / 3))
    return absl::OkStatus();
  RouterRow row;
  row.name = options.router_name;
  row.incarnation = options.incarnation;
  row.address = options.address;
  row.http_address = options.http_address;
  row.acked = EpochOf(*Current());
  bool held = false;
  if (registered) {
    ASSIGN_OR_RETURN(held, client->RenewLease(row, options.lease));
  }
  if (!held) {
    // First time, or the row has gone. A later incarnation under our name is an error that stays.
    RETURN_IF_ERROR(client->RegisterRouter(row, options.lease));
    registered = true;
  }
  leased_at = now;
  const std::lock_guard lock(mutex);
  status.leased = true;
  return absl::OkStatus();
}

void Follower::State::WriteSnapshot(absl::Time now) {
  const bool changed = EpochOf(*Current()) != snapshot_epoch;
  if (now - snapshot_at >= (changed ? kSnapshotIntervalMin : kSnapshotIntervalMax))
    Write(now);
}

// A change that came just before the catalog or this router went must outlast both. Nothing else is
// written then: the file's time says when the catalog was last heard.
void Follower::State::KeepNewest(absl::Time now) {
  const auto placement = Current();
  if (placement != nullptr && EpochOf(*placement) != snapshot_epoch)
    Write(now);
}

void Follower::State::Write(absl::Time now) {
  const auto placement = Current();
  snapshot_at = now;
  const absl::Status written = file.Write(*placement, now);
  if (written.ok()) {
    snapshot_epoch = EpochOf(*placement);
    return;
  }
  const std::lock_guard lock(mutex);
  status.snapshot_error = ToSqlError(written).message;
}

// The lease is given back, so that nobody waits for a router that has gone on purpose.
void Follower::State::Farewell() {
  if (client == nullptr || !client->ok() || !registered)
    return;
  if (const auto placement = Current(); placement != nullptr)
    file.Write(*placement, absl::Now()).IgnoreError();
  client->connection().SetInterrupt(-1);
  if (client->connection().SetStatementTimeout(kFarewellTimeout).ok())
    client->UnregisterRouter(options.router_name, options.incarnation).IgnoreError();
}

// ---------------------------------------------------------------- jobs

void Follower::State::RunJobs() {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stopping || !tasks.empty(); });
      if (stopping)
        return;
      task = std::move(tasks.front());
      tasks.pop_front();
    }
    absl::Status outcome = RunJob(task.job);
    if (task.done)
      task.done(std::move(outcome));
  }
}

absl::Status Follower::State::RunJob(Job& job) {
  // A connection that has died while it was idle is found here, not by the job.
  if (job_client != nullptr && !job_client->connection().ExecScript("SELECT 1").ok())
    job_client.reset();
  if (job_client == nullptr) {
    ASSIGN_OR_RETURN(job_client, Connect("jobs"));
  }
  absl::Status outcome = job(*job_client);
  if (!job_client->ok() || job_client->connection().in_transaction()) {
    job_client.reset();
    return outcome;
  }
  const auto placement = Current();
  if (placement == nullptr || job_client->last_epoch() > placement->epoch) {
    // The job stands, whatever becomes of this; the following thread tries again.
    const absl::Status caught_up = CatchUp(*job_client);
    if (!caught_up.ok())
      job_client.reset();
  }
  return outcome;
}

// ---------------------------------------------------------------- the outside

Follower::Follower(FollowerOptions options, Publish publish)
    : state_(std::make_unique<State>(std::move(options), std::move(publish))) {
  state_->stop_fd = eventfd(0, EFD_CLOEXEC);
}

Follower::~Follower() {
  Stop();
  close(state_->stop_fd);
}

absl::Status Follower::Start() {
  State& state = *state_;
  const auto load = [&state]() -> absl::Status {
    ASSIGN_OR_RETURN(state.client, state.Connect("follow"));
    RETURN_IF_ERROR(state.client->connection().ExecScript(std::string("LISTEN ") + kChangeChannel));
    return state.CatchUp(*state.client);
  };
  const absl::Status loaded = load();
  state.Report(loaded);
  if (!loaded.ok()) {
    state.client.reset();
    auto stored = state.file.Read(absl::Now(), state.options.snapshot_age_max);
    if (!stored.ok()) {
      const SqlError error = ToSqlError(loaded);
      return SqlStatus(error.sqlstate,
                       "no placement: " + error.message,
                       ToSqlError(stored.status()).message,
                       error.hint);
    }
    state.snapshot_epoch = EpochOf(*stored->placement);
    state.Use(std::move(stored->placement), stored->written_at, true);
  }
  {
    const std::lock_guard lock(state.mutex);
    state.running = true;
  }
  state.follow_thread = std::thread([&state] { state.Follow(); });
  state.job_thread = std::thread([&state] { state.RunJobs(); });
  return absl::OkStatus();
}

void Follower::Stop() {
  State& state = *state_;
  std::deque<State::Task> left;
  {
    const std::lock_guard lock(state.mutex);
    state.stopping = true;
    state.running = false;
  }
  const uint64_t one = 1;
  if (write(state.stop_fd, &one, sizeof one) < 0)
    return;  // the counter is full: it is readable already
  state.wake.notify_all();
  if (state.follow_thread.joinable())
    state.follow_thread.join();
  if (state.job_thread.joinable())
    state.job_thread.join();
  {
    const std::lock_guard lock(state.mutex);
    left.swap(state.tasks);
  }
  for (State::Task& task : left) {
    if (task.done)
      task.done(SqlStatus("57P01", "the router is shutting down"));
  }
}

std::shared_ptr<const catalog::Placement> Follower::Current() const {
  return state_->Current();
}

FollowerStatus Follower::Status() const {
  const std::lock_guard lock(state_->mutex);
  return state_->status;
}

void Follower::Submit(Job job, Done done) {
  State& state = *state_;
  absl::Status refused;
  {
    const std::lock_guard lock(state.mutex);
    if (state.stopping || !state.running) {
      refused = SqlStatus("57P01", "the router is shutting down");
    } else if (state.tasks.size() >= state.options.jobs_max) {
      refused = SqlStatus("53400",
                          "too many catalog jobs wait",
                          std::to_string(state.tasks.size()) + " jobs wait for the catalog.");
    } else {
      state.tasks.push_back({std::move(job), std::move(done)});
    }
  }
  if (refused.ok()) {
    state.wake.notify_all();
  } else if (done) {
    done(std::move(refused));
  }
}

uint64_t NewIncarnation() {
  return static_cast<uint64_t>(absl::ToUnixMicros(absl::Now()));
}

}  // namespace pgreeve::metastore
