#include "bench/load/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace pgreeve::bench {
namespace {

constexpr int kBacklog = 4096;

void Watch(int epoll_fd, int operation, int fd, uint32_t events, void* tag) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  if (epoll_ctl(epoll_fd, operation, fd, &event) != 0)
    Die("epoll_ctl");
}

void SetNoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

sockaddr_in AddressOf(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    errno = EINVAL;
    Die("address " + host);
  }
  return address;
}

}  // namespace

void Die(std::string_view what) {
  std::perror(std::string(what).c_str());
  std::exit(1);
}

Stream::Stream(int epoll_fd, int fd, void* tag)
    : epoll_fd_(epoll_fd),
      fd_(fd),
      tag_(tag),
      watched_(EPOLLIN) {
  Watch(epoll_fd_, EPOLL_CTL_ADD, fd_, watched_, tag_);
}

Stream::~Stream() {
  Close();
}

void Stream::Close() {
  if (fd_ >= 0)
    close(fd_);
  fd_ = -1;
  pending_.clear();
}

std::string_view Stream::Read(std::span<char> into) {
  if (fd_ < 0)
    return {};
  const ssize_t got = recv(fd_, into.data(), into.size(), 0);
  if (got > 0)
    return {into.data(), static_cast<std::size_t>(got)};
  if (got == 0 || (errno != EAGAIN && errno != EINTR))
    Close();
  return {};
}

std::size_t Stream::SendNow(std::string_view bytes) {
  const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0)
    return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
    Close();
  return 0;
}

void Stream::Send(std::string_view bytes) {
  if (fd_ < 0 || bytes.empty())
    return;
  if (pending_.empty()) {
    bytes.remove_prefix(SendNow(bytes));
    if (fd_ < 0 || bytes.empty())
      return;
  }
  pending_.append(bytes);
  UpdateInterest();
}

void Stream::Flush() {
  if (fd_ < 0 || pending_.empty())
    return;
  const std::size_t sent = SendNow(pending_);
  if (fd_ < 0)
    return;
  pending_.erase(0, sent);
  UpdateInterest();
}

void Stream::SetReading(bool reading) {
  reading_ = reading;
  UpdateInterest();
}

void Stream::UpdateInterest() {
  const uint32_t wanted =
      (reading_ ? EPOLLIN : 0U) | (pending_.empty() ? 0U : static_cast<uint32_t>(EPOLLOUT));
  if (fd_ < 0 || wanted == watched_)
    return;
  watched_ = wanted;
  Watch(epoll_fd_, EPOLL_CTL_MOD, fd_, watched_, tag_);
}

int ListenOn(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = AddressOf("127.0.0.1", port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd, kBacklog) != 0)
    Die("listen on port " + std::to_string(port));
  return fd;
}

int ConnectTo(const std::string& host, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    Die("socket");
  SetNoDelay(fd);
  const sockaddr_in address = AddressOf(host, port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      errno != EINPROGRESS)
    Die("connect to port " + std::to_string(port));
  return fd;
}

int AcceptFrom(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0)
    SetNoDelay(fd);
  else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
    Die("accept");
  return fd;
}

int MakeEpoll() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0)
    Die("epoll_create1");
  return fd;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace pgreeve::bench
