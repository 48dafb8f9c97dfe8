// Holds the leader's lease of this process: a thread that asks decide/leader.h what to do and does
// it. Survives catalog restarts. Start and Stop: the owner's thread; Token and Status: any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "rebalancer/decide/leader.h"
#include "rebalancer/meters.h"
#include "router/metastore/catalog_client.h"

namespace pgreeve::rebalancer {

struct LeaderOptions {
  std::string catalog_dsn;
  std::string id;       // unique in the fleet
  std::string address;  // host:port of HTTP, for people
  absl::Duration lease = absl::Seconds(10);
};

class Leader {
 public:
  Leader(LeaderOptions options, Meters& meters);
  ~Leader();  // Stop()
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  void Start();

  // Gives the lease back, so that another process leads at once. Idempotent.
  void Stop();

  // The fencing token while this process leads, else 0. Also 0 as soon as the lease may have been
  // taken by somebody else, whatever the thread is doing.
  int64_t Token() const;

  // Whether the catalog answered within the last lease.
  bool catalog_up() const;

 private:
  void Run();
  // One look at the lease row and what follows from it; how long to wait then.
  absl::Duration Step();
  absl::Duration StepWithoutCatalog(const absl::Status& why);
  absl::Status Act(LeaderAct act, int64_t row_token);
  void StepDown(std::string_view why);
  LeaderState State() const;

  const LeaderOptions options_;
  Meters& meters_;
  std::unique_ptr<metastore::CatalogClient> client_;  // of the thread
  bool away_ = false;                                 // of the thread: the catalog's last answer

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  int64_t token_ = 0;
  // Of steady_clock, in nanoseconds: when the last take or renewal was asked for, and when the
  // catalog last answered.
  int64_t renewed_ns_ = 0;
  int64_t answered_ns_ = 0;
  std::thread thread_;
};

}  // namespace pgreeve::rebalancer
