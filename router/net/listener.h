// Accepts connections on one TCP address or Unix socket and gives each descriptor away. Belongs to
// one worker; which worker serves a connection is decided by the callback, which posts it there.
// Worker thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>

#include "router/net/socket_address.h"
#include "router/net/worker.h"

namespace pgreeve::net {

struct ListenOptions {
  std::string host;   // an address, or an absolute path of a folder for a Unix socket
  uint16_t port = 0;  // 0: one that is free (TCP)
  int backlog = 4096;
  bool reuse_port = false;  // several processes may listen; the kernel spreads (TCP)
  uint32_t unix_mode = 0777;
};

class Listener final : private EventHandler {
 public:
  // Gets a non-blocking, close-on-exec descriptor and owns it.
  using OnAccept = absl::AnyInvocable<void(int fd, const SocketAddress& peer)>;

  // Errors: 55006 when the address is in use, 08001 otherwise. A Unix socket file that nobody
  // listens on is replaced.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(Worker& worker,
                                                         const ListenOptions& options,
                                                         OnAccept on_accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const SocketAddress& address() const { return address_; }

  uint16_t port() const { return address_.port(); }

  // Connections of one turn; the rest waits for the next, so that sessions get their turn too.
  static constexpr int kAcceptsPerTurn = 64;
  // Pause when the process has no descriptor left; without it the loop would spin.
  static constexpr absl::Duration kExhaustedPause = absl::Milliseconds(100);

 private:
  Listener(Worker& worker, int fd, OnAccept on_accept);
  void OnEvents(uint32_t epoll_events) override;
  void Pause();

  Worker& worker_;
  int fd_;
  SocketAddress address_;
  OnAccept on_accept_;
  Timer resume_;
};

}  // namespace pgreeve::net
