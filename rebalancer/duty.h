// One thing that the leader does again and again: a thread with a catalog connection of its own
// that works while this process leads, and otherwise waits. Reconnects with growing pauses. A duty
// that fails is logged, counted and tried again; it never ends the process. Owner's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "rebalancer/decide/backoff.h"
#include "rebalancer/leader.h"
#include "rebalancer/meters.h"
#include "router/metastore/catalog_client.h"

namespace pgreeve::rebalancer {

struct DutyOptions {
  std::string name;  // for log and metrics: "provision"
  std::string catalog_dsn;
  absl::Duration interval;  // from the end of one round to the start of the next
  std::string channel;      // a NOTIFY on it starts a round at once; empty: none
  absl::Duration statement_timeout = absl::Seconds(30);
};

class Duty {
 public:
  // One round; `lead_token` is what the acts are fenced with. Runs on the duty's thread.
  using Round = std::function<absl::Status(metastore::CatalogClient&, int64_t lead_token)>;

  // `leader` and `meters` outlive the duty.
  Duty(DutyOptions options, const Leader& leader, Meters& meters, Round round);
  ~Duty();  // Stop()
  Duty(const Duty&) = delete;
  Duty& operator=(const Duty&) = delete;

  void Start();

  // Asks the thread to end after what it is doing; Stop() waits for it as well.
  void RequestStop();
  void Stop();

 private:
  void Run();
  absl::Status RunRound(int64_t token);
  absl::Status Connect();
  void Wait(absl::Duration how_long);
  bool StopRequested() const;

  const DutyOptions options_;
  const Leader& leader_;
  Meters& meters_;
  const Round round_;
  const int stop_fd_;  // an eventfd, readable once the duty is to end
  std::unique_ptr<metastore::CatalogClient> client_;
  Backoff backoff_;
  std::thread thread_;
};

}  // namespace pgreeve::rebalancer
