// The composition root of a router: settings become options, workers get their parts, the
// follower's placements reach the workers, signals become drain and reload. Main thread, but where
// it says otherwise.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/status.h>

#include "admin/http/server.h"
#include "config/settings.h"
#include "router/control.h"
#include "router/metastore/follower.h"
#include "router/metrics/collect.h"
#include "router/metrics/process_slots.h"
#include "router/metrics/tiers.h"
#include "router/net/listener.h"

namespace pgreeve::server {

struct WorkerUnit;

class Server {
 public:
  Server(config::RouterSettings settings, std::string settings_path);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts everything and returns once SIGTERM or SIGINT was handled. SIGHUP reloads; a second
  // SIGTERM ends at once.
  absl::Status Run();

 private:
  absl::Status Start();
  absl::Status StartHttp();
  absl::Status Listen();
  void StartFollower();
  void Publish(std::shared_ptr<const catalog::Placement> placement);
  void Accept(int fd, const net::SocketAddress& peer);
  void WaitForSignals();
  // Any thread: SIGHUP or the console's RELOAD.
  void Reload();
  void Drain();
  void Stop();
  http::Response Ready(const http::Request& request) const;

  config::RouterSettings settings_;
  std::string settings_path_;
  std::mutex reload_mutex_;
  uint64_t incarnation_ = 0;
  metrics::ProcessSlots process_;
  metrics::TierNames tiers_;
  pool::ConnectionBudget budget_;
  Control control_;
  std::vector<std::unique_ptr<WorkerUnit>> workers_;
  std::unique_ptr<metastore::Follower> follower_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<metrics::RouterCollector> collector_;
  metrics::ProcessCollector process_collector_;
  metrics::BuildCollector build_collector_;
  std::unique_ptr<http::HttpServer> http_;
  std::thread starter_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> has_placement_{false};
};

}  // namespace pgreeve::server
