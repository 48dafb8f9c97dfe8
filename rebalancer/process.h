// The rebalancer as a whole: leadership, the leader's duties and the HTTP port, from options to a
// clean end. Owned by main; its methods on main's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "admin/http/server.h"
#include "rebalancer/duty.h"
#include "rebalancer/leader.h"
#include "rebalancer/measurer.h"
#include "rebalancer/meters.h"
#include "rebalancer/orphan_resolver.h"
#include "rebalancer/provisioner.h"

namespace pgreeve::rebalancer {

struct ProcessOptions {
  std::string id;
  std::string catalog_dsn;
  std::string http_address = "127.0.0.1";
  uint16_t http_port = 0;  // 0: the kernel chooses
  bool http = true;
  absl::Duration lease = absl::Seconds(10);
  absl::Duration poll = absl::Seconds(1);
  absl::Duration measure_interval = absl::Minutes(1);
  int64_t shard_creations_max = 1;
};

class Process {
 public:
  // Binds the HTTP port and starts all threads. The catalog need not be up. Errors: the port.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const ProcessOptions& options);

  // Ends duties after what they are doing, gives the lead back, closes the port.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // 0 without HTTP.
  uint16_t http_port() const { return http_ == nullptr ? uint16_t{0} : http_->port(); }

 private:
  explicit Process(const ProcessOptions& options);
  absl::Status Open(const ProcessOptions& options);
  void AddDuties(const ProcessOptions& options);
  http::Routes Routes();

  Meters meters_;
  std::unique_ptr<Leader> leader_;
  std::unique_ptr<http::HttpServer> http_;
  std::vector<std::unique_ptr<Provisioner>> provisioners_;
  std::unique_ptr<Measurer> measurer_;
  std::unique_ptr<OrphanResolver> resolver_;
  std::vector<std::unique_ptr<Duty>> duties_;
};

}  // namespace pgreeve::rebalancer
