// A small HTTP/1.1 server for probes, metrics and the admin API: one thread of its own with one
// io_context. Not for the data path and not for the open internet: it binds to loopback by default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "admin/http/exchange.h"

namespace pgreeve::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // a numeric address
  uint16_t port = 0;                  // 0: the kernel chooses
  std::size_t connections_max = 64;   // more are answered 503 and closed
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 1024 * 1024;
  absl::Duration request_timeout = absl::Seconds(10);  // to receive one request, to send the answer
  absl::Duration idle_timeout = absl::Seconds(60);     // between two requests
};

class HttpServer {
 public:
  // Binds and starts the thread. Errors: kUnavailable when the address cannot be bound,
  // kInvalidArgument when it is no address.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(ServerOptions options, Routes routes);

  // Ends connections, waits for the thread.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // What was bound.
  uint16_t port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace pgreeve::http
