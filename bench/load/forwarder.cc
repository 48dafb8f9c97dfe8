// The floor of every proxy's cost: moves bytes between pairs of connections, one backend connection
// for each client, and looks at none of them. Two receives and two sends per query.
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/load/stream.h"

namespace pgreeve::bench {
namespace {

constexpr int kEventsPerTurn = 256;

struct Pair;

struct Side {
  Pair* pair = nullptr;
  Side* peer = nullptr;
  std::optional<Stream> stream;
};

struct Pair {
  Side client;
  Side backend;
  bool dead = false;
};

class Forwarder {
 public:
  Forwarder(uint16_t port, std::string host, uint16_t backend_port)
      : listener_(ListenOn(port)),
        host_(std::move(host)),
        backend_port_(backend_port),
        scratch_(kReadBytes) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listener_, &event) != 0)
      Die("epoll_ctl");
  }

  [[noreturn]] void Run() {
    while (true) {
      const int count = epoll_wait(epoll_fd_, events_.data(), kEventsPerTurn, -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr)
          Accept();
        else
          OnEvents(*static_cast<Side*>(event.data.ptr), event.events);
      }
      if (bury_)
        Bury();
    }
  }

 private:
  void Accept() {
    const int fd = AcceptFrom(listener_);
    if (fd < 0)
      return;
    auto pair = std::make_unique<Pair>();
    pair->client.pair = pair->backend.pair = pair.get();
    pair->client.peer = &pair->backend;
    pair->backend.peer = &pair->client;
    pair->client.stream.emplace(epoll_fd_, fd, &pair->client);
    pair->backend.stream.emplace(epoll_fd_, ConnectTo(host_, backend_port_), &pair->backend);
    pairs_.push_back(std::move(pair));
  }

  void OnEvents(Side& side, uint32_t events) {
    if (side.pair->dead)
      return;
    Stream& from = *side.stream;
    Stream& to = *side.peer->stream;
    if (from.waits() && (events & EPOLLOUT) != 0) {
      from.Flush();
      if (!from.waits())
        to.SetReading(true);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      to.Send(from.Read(scratch_));
      if (to.waits())
        from.SetReading(false);
    }
    if (!from.open() || !to.open())
      side.pair->dead = bury_ = true;
  }

  void Bury() {
    std::erase_if(pairs_, [](const auto& pair) { return pair->dead; });
    bury_ = false;
  }

  int epoll_fd_ = MakeEpoll();
  int listener_;
  std::string host_;
  uint16_t backend_port_;
  std::vector<char> scratch_;
  std::array<epoll_event, kEventsPerTurn> events_{};
  std::vector<std::unique_ptr<Pair>> pairs_;
  bool bury_ = false;
};

}  // namespace
}  // namespace pgreeve::bench

int main(int argc, char** argv) {
  CLI::App app{"forwarder: bytes from a port to another, one connection for each"};
  uint16_t port = 0;
  uint16_t backend_port = 0;
  std::string host = "127.0.0.1";
  app.add_option("--port", port, "Listen here, on loopback")->required();
  app.add_option("--backend-port", backend_port, "Forward to this port")->required();
  app.add_option("--backend-host", host, "of this IPv4 address");
  CLI11_PARSE(app, argc, argv);
  pgreeve::bench::RaiseDescriptorLimit();
  pgreeve::bench::Forwarder forwarder(port, host, backend_port);
  std::cout << "ready" << std::endl;
  forwarder.Run();
}
