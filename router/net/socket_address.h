// Where a stream socket connects or listens: an IPv4 or IPv6 address with a port, or a Unix socket
// of Postgres' naming. Names are resolved elsewhere. Immutable value; any thread.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

namespace pgreeve::net {

class SocketAddress {
 public:
  // `host`: an address, or an absolute path of a folder ("/dir" + port → /dir/.s.PGSQL.port).
  // Errors: 08001.
  static absl::StatusOr<SocketAddress> Parse(const std::string& host, uint16_t port);
  // The address that `fd` is bound to.
  static SocketAddress OfSocket(int fd);
  // accept4, non-blocking and close-on-exec; -1 and errno when there is none.
  static int Accept(int listening_fd, SocketAddress& peer);

  int family() const { return storage_.ss_family; }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }

  socklen_t size() const { return size_; }

  uint16_t port() const;     // 0 for a Unix socket
  std::string path() const;  // empty unless a Unix socket
  // "127.0.0.1:5432", "[::1]:5432", the path.
  std::string ToString() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// TCP_NODELAY and keepalive (a dead peer is found in kPeerLostSeconds); nothing for Unix sockets.
void SetStreamOptions(int fd, int family);
constexpr int kPeerLostSeconds = 15;

}  // namespace pgreeve::net
