#include "router/net/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "router/base/status.h"

namespace pgreeve::net {

absl::StatusOr<SocketAddress> SocketAddress::Parse(const std::string& host, uint16_t port) {
  SocketAddress address;
  if (host.starts_with('/')) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const std::string path = host + "/.s.PGSQL." + std::to_string(port);
    if (path.size() >= sizeof(local.sun_path))
      return SqlStatus("08001", "the path of the socket is too long", path);
    std::memcpy(local.sun_path, path.data(), path.size());
    std::memcpy(&address.storage_, &local, sizeof(local));
    address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return address;
  }
  sockaddr_in v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage_, &v4, sizeof(v4));
    address.size_ = sizeof(v4);
    return address;
  }
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage_, &v6, sizeof(v6));
    address.size_ = sizeof(v6);
    return address;
  }
  return SqlStatus("08001", "not an address: " + host, "A host name must be resolved before.");
}

SocketAddress SocketAddress::OfSocket(int fd) {
  SocketAddress address;
  address.size_ = sizeof(address.storage_);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_);
  return address;
}

int SocketAddress::Accept(int listening_fd, SocketAddress& peer) {
  peer.size_ = sizeof(peer.storage_);
  return accept4(listening_fd,
                 reinterpret_cast<sockaddr*>(&peer.storage_),
                 &peer.size_,
                 SOCK_NONBLOCK | SOCK_CLOEXEC);
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

std::string SocketAddress::path() const {
  if (family() != AF_UNIX)
    return {};
  return reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
}

std::string SocketAddress::ToString() const {
  if (family() == AF_UNIX)
    return path();
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(port());
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage_);
  inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(port());
}

void SetStreamOptions(int fd, int family) {
  if (family == AF_UNIX)
    return;
  const auto set = [fd](int level, int name, int value) {
    // An option that the kernel does not know costs speed or patience, not correctness.
    setsockopt(fd, level, name, &value, sizeof(value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 6);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 3);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kPeerLostSeconds * 1000);
}

}  // namespace pgreeve::net
