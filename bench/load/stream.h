// A connected TCP socket in an epoll set, as the benchmark's programs use it: level-triggered,
// sends at once, asks for EPOLLOUT only while bytes wait. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pgreeve::bench {

constexpr std::size_t kReadBytes = 64 * 1024;

class Stream {
 public:
  // Owns `fd`. `tag` is what epoll reports.
  Stream(int epoll_fd, int fd, void* tag);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // What came, empty when nothing did or the peer is gone (see open()).
  std::string_view Read(std::span<char> into);

  // Keeps what the kernel does not take.
  void Send(std::string_view bytes);

  // On EPOLLOUT.
  void Flush();

  void SetReading(bool reading);
  void Close();

  bool open() const { return fd_ >= 0; }

  bool waits() const { return !pending_.empty(); }

 private:
  std::size_t SendNow(std::string_view bytes);
  void UpdateInterest();

  int epoll_fd_;
  int fd_;
  void* tag_;
  bool reading_ = true;
  uint32_t watched_;
  std::string pending_;
};

// Both abort the program with a message when they fail: there is nothing to measure then.
int ListenOn(uint16_t port);
int ConnectTo(const std::string& host, uint16_t port);  // non-blocking, may be in progress
int MakeEpoll();

// The next waiting connection, non-blocking; -1 when there is none.
int AcceptFrom(int listener);

// The soft limit of descriptors becomes the hard one.
void RaiseDescriptorLimit();

[[noreturn]] void Die(std::string_view what);

}  // namespace pgreeve::bench
