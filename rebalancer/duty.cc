#include "rebalancer/duty.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>

#include <absl/time/clock.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/log/log.h"

namespace pgreeve::rebalancer {
namespace {

constexpr absl::Duration kFollowerPause = absl::Milliseconds(200);
constexpr absl::Duration kRetryFirst = absl::Milliseconds(250);
constexpr absl::Duration kRetryLimit = absl::Seconds(15);

uint32_t RandomBits() {
  thread_local std::minstd_rand generator(std::random_device{}());
  return static_cast<uint32_t>(generator()) * 2U;
}

}  // namespace

Duty::Duty(DutyOptions options, const Leader& leader, Meters& meters, Round round)
    : options_(std::move(options)),
      leader_(leader),
      meters_(meters),
      round_(std::move(round)),
      stop_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      backoff_(kRetryFirst, kRetryLimit) {}

Duty::~Duty() {
  Stop();
  close(stop_fd_);
}

void Duty::Start() {
  thread_ = std::thread(&Duty::Run, this);
}

void Duty::RequestStop() {
  const uint64_t one = 1;
  // Cannot fail short of 2^64 stops; the thread sees the descriptor readable for good.
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof one);
}

void Duty::Stop() {
  RequestStop();
  if (thread_.joinable())
    thread_.join();
}

bool Duty::StopRequested() const {
  pollfd waited{stop_fd_, POLLIN, 0};
  return poll(&waited, 1, 0) == 1;
}

void Duty::Wait(absl::Duration how_long) {
  const absl::Time deadline = absl::Now() + how_long;
  if (!options_.channel.empty() && client_ != nullptr && client_->ok() && leader_.Token() != 0) {
    if (client_->connection().WaitNotifications(how_long, stop_fd_).ok())
      return;
  }
  const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
  pollfd waited{stop_fd_, POLLIN, 0};
  poll(&waited, 1, static_cast<int>(std::clamp<int64_t>(left_ms, 1, 3600 * 1000)));
}

absl::Status Duty::Connect() {
  pqlink::ConnectOptions link;
  link.statement_timeout = options_.statement_timeout;
  link.application_name = "pgreeve-rebalancer " + options_.name;
  ASSIGN_OR_RETURN(client_, metastore::CatalogClient::Open(options_.catalog_dsn, link));
  if (!options_.channel.empty())
    RETURN_IF_ERROR(
        client_->connection().ExecScript("LISTEN " + pqlink::QuoteIdentifier(options_.channel)));
  return absl::OkStatus();
}

absl::Status Duty::RunRound(int64_t token) {
  if (client_ == nullptr || !client_->ok())
    RETURN_IF_ERROR(Connect());
  return round_(*client_, token);
}

void Duty::Run() {
  while (!StopRequested()) {
    const int64_t token = leader_.Token();
    if (token == 0) {
      Wait(kFollowerPause);
      continue;
    }
    const absl::Time begun = absl::Now();
    const absl::Status status = RunRound(token);
    meters_.DutyRound(options_.name, absl::Now() - begun, status.ok());
    if (status.ok()) {
      backoff_.Succeeded();
      Wait(options_.interval);
      continue;
    }
    const SqlError error = ToSqlError(status);
    log::Warning("duty_failed",
                 error.message,
                 {{"duty", options_.name}, {"sqlstate", error.sqlstate}, {"detail", error.detail}});
    if (client_ != nullptr && !client_->ok())
      client_.reset();
    Wait(backoff_.Next(RandomBits()));
  }
}

}  // namespace pgreeve::rebalancer
