// One client of the load generator: logs in (trust or SCRAM-SHA-256), then sends a request and
// waits for its ReadyForQuery. An error ends the program: a number from a run with errors is no
// number. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bench/load/stream.h"
#include "router/auth/scram_client.h"
#include "router/wire/frame.h"

namespace pgreeve::bench {

struct LoadLogin {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  std::string user = "bench";
  std::string password;
  std::string database = "bench";
  std::string options;  // as PGOPTIONS
};

// The key derivation is the same for all clients of a user: done once.
using SaltedPasswords = std::map<std::pair<std::string, uint32_t>, std::string>;

class LoadClient {
 public:
  LoadClient(int epoll_fd, const LoadLogin& login, SaltedPasswords& salted);

  // What came is in `scratch` until the next call. True when a ReadyForQuery arrived that ends the
  // login or a request.
  bool OnEvents(uint32_t events, std::span<char> scratch);

  void Send(std::string_view request) { stream_.Send(request); }

  bool logged_in() const { return logged_in_; }

  uint64_t received_bytes() const { return received_bytes_; }

 private:
  bool OnBytes(std::string_view bytes);
  bool OnFrame(const wire::Frame& frame);
  void OnAuthentication(std::string_view body);

  const LoadLogin& login_;
  SaltedPasswords& salted_;
  Stream stream_;
  bool logged_in_ = false;
  uint64_t received_bytes_ = 0;
  std::optional<auth::ScramClient> scram_;
  std::string partial_;
};

}  // namespace pgreeve::bench
