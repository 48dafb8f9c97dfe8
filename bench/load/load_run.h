// All clients of one load generator and their loop. One thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/load_client.h"
#include "bench/load/load_request.h"

namespace pgreeve::bench {

struct LoadResult {
  uint64_t queries = 0;
  double seconds = 0;
  uint64_t received_bytes = 0;
};

class LoadRun {
 public:
  LoadRun(const LoadLogin& login, const RequestOptions& request);

  // Opens connections until there are `count`, each logged in.
  void Open(std::size_t count);

  // Sends the statement to prepare, if there is one, on every connection.
  void Prepare();

  // Each client sends one query at a time until all together have sent `queries`.
  LoadResult Run(uint64_t queries);

 private:
  static constexpr int kEventsPerTurn = 256;
  // Logins at the same time: more would only wait in the listen queue.
  static constexpr std::size_t kLoginsMax = 64;

  template <typename OnReady>
  void Turn(OnReady on_ready);
  uint64_t ReceivedBytes() const;

  const LoadLogin login_;
  const std::string preparation_;
  const std::vector<std::string> requests_;
  SaltedPasswords salted_;
  int epoll_fd_ = MakeEpoll();
  std::vector<char> scratch_;
  std::array<epoll_event, kEventsPerTurn> events_{};
  std::vector<std::unique_ptr<LoadClient>> clients_;
};

}  // namespace pgreeve::bench
