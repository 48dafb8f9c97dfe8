#include "rebalancer/leader.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/log/log.h"

namespace pgreeve::rebalancer {
namespace {

int64_t MonotonicNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Leader::Leader(LeaderOptions options, Meters& meters)
    : options_(std::move(options)),
      meters_(meters) {}

Leader::~Leader() {
  Stop();
}

void Leader::Start() {
  thread_ = std::thread(&Leader::Run, this);
}

void Leader::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

LeaderState Leader::State() const {
  const std::lock_guard lock(mutex_);
  return {token_, absl::Nanoseconds(MonotonicNanoseconds() - renewed_ns_)};
}

int64_t Leader::Token() const {
  const LeaderState state = State();
  return MayAct(state, options_.lease) ? state.token : 0;
}

bool Leader::catalog_up() const {
  const std::lock_guard lock(mutex_);
  return answered_ns_ != 0 &&
         absl::Nanoseconds(MonotonicNanoseconds() - answered_ns_) <= options_.lease;
}

void Leader::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const absl::Duration again_in = Step();
    lock.lock();
    wake_.wait_for(lock, absl::ToChronoMilliseconds(again_in), [this] { return stopping_; });
  }
  const int64_t token = std::exchange(token_, 0);
  lock.unlock();
  if (token != 0 && client_ != nullptr && client_->ok()) {
    const absl::Status resigned = client_->ResignLead(token);
    log::Info("lead_resigned",
              "another rebalancer may lead now",
              {{"token", token}, {"ok", resigned.ok()}});
  }
  meters_.Leading(false);
}

absl::Duration Leader::Step() {
  if (client_ == nullptr || !client_->ok()) {
    pqlink::ConnectOptions link;
    link.connect_timeout = absl::Seconds(2);
    link.statement_timeout = std::max(options_.lease / 3, absl::Seconds(1));
    link.application_name = "pgreeve-rebalancer leader";
    auto opened = metastore::CatalogClient::Open(options_.catalog_dsn, link);
    if (!opened.ok())
      return StepWithoutCatalog(opened.status());
    client_ = *std::move(opened);
  }
  const auto row = client_->Leader();
  if (!row.ok())
    return StepWithoutCatalog(row.status());
  {
    const std::lock_guard lock(mutex_);
    answered_ns_ = MonotonicNanoseconds();
  }
  if (std::exchange(away_, false))
    log::Info("catalog_back", "the catalog answers again");
  meters_.CatalogUp(true);
  LeaseRow lease;
  if (*row)
    lease = {(*row)->holder, (*row)->token, (*row)->live};
  const LeaderDecision decision = DecideLeader(options_.id, State(), lease, options_.lease);
  const absl::Status acted = Act(decision.act, lease.token);
  if (!acted.ok())
    return StepWithoutCatalog(acted);
  return decision.again_in;
}

absl::Duration Leader::StepWithoutCatalog(const absl::Status& why) {
  meters_.CatalogUp(false);
  const SqlError error = ToSqlError(why);
  if (!std::exchange(away_, true))
    log::Warning("catalog_away", error.message, {{"sqlstate", error.sqlstate}});
  if (client_ != nullptr && !client_->ok())
    client_.reset();
  const LeaderDecision decision = DecideWithoutCatalog(State(), options_.lease);
  if (decision.act == LeaderAct::kStepDown)
    StepDown("the catalog does not answer");
  return decision.again_in;
}

absl::Status Leader::Act(LeaderAct act, int64_t row_token) {
  // Before the request: the lease runs from when the catalog sees it, which is later.
  const int64_t asked_ns = MonotonicNanoseconds();
  switch (act) {
    case LeaderAct::kWait:
      break;
    case LeaderAct::kStepDown:
      StepDown("the lease is another's, or ran out");
      break;
    case LeaderAct::kReplace:
      RETURN_IF_ERROR(client_->ResignLead(row_token));
      [[fallthrough]];
    case LeaderAct::kTake: {
      ASSIGN_OR_RETURN(const std::optional<int64_t> token,
                       client_->TryLead(options_.id, options_.address, options_.lease));
      if (!token)
        break;
      {
        const std::lock_guard lock(mutex_);
        token_ = *token;
        renewed_ns_ = asked_ns;
      }
      meters_.Leading(true);
      log::Info("lead_taken", "this rebalancer leads", {{"token", *token}});
      break;
    }
    case LeaderAct::kRenew: {
      ASSIGN_OR_RETURN(const bool renewed, client_->RenewLead(State().token, options_.lease));
      if (!renewed) {
        StepDown("the lease was taken");
        break;
      }
      const std::lock_guard lock(mutex_);
      renewed_ns_ = asked_ns;
      break;
    }
  }
  return absl::OkStatus();
}

void Leader::StepDown(std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    token_ = 0;
  }
  meters_.Leading(false);
  log::Warning("lead_lost", why);
}

}  // namespace pgreeve::rebalancer
