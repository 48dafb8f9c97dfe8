// A Postgres that answers at once and stores nothing, so that two cores can keep a proxy busy: the
// shard of every run of bench/run_load.py. One thread, raw epoll, one send for all that was asked.
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/load/null_session.h"
#include "bench/load/stream.h"

namespace pgreeve::bench {
namespace {

constexpr int kEventsPerTurn = 256;

struct Connection {
  Connection(int epoll_fd, int fd, const NullAnswers& answers, uint32_t pid)
      : stream(epoll_fd, fd, this),
        session(answers, pid) {}

  Stream stream;
  NullSession session;
};

class NullBackend {
 public:
  NullBackend(uint16_t port, const NullAnswerOptions& options)
      : answers_(options),
        listener_(ListenOn(port)),
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
          OnEvents(static_cast<Connection*>(event.data.ptr), event.events);
      }
    }
  }

 private:
  void Accept() {
    const int fd = AcceptFrom(listener_);
    // Owned by its registration; OnEvents ends it.
    if (fd >= 0)
      new Connection(epoll_fd_, fd, answers_, ++last_pid_);
  }

  void OnEvents(Connection* connection, uint32_t events) {
    Stream& stream = connection->stream;
    if (stream.waits() && (events & EPOLLOUT) != 0) {
      stream.Flush();
      if (!stream.waits())
        stream.SetReading(true);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
      Answer(*connection);
    if (!stream.open())
      delete connection;  // one event for each descriptor in a turn: nothing refers to it any more
  }

  void Answer(Connection& connection) {
    Stream& stream = connection.stream;
    const std::string_view bytes = stream.Read(scratch_);
    if (bytes.empty())
      return;
    out_.clear();
    const bool goes_on = connection.session.OnBytes(bytes, out_);
    stream.Send(out_);
    if (!goes_on)
      stream.Close();
    else if (stream.waits())
      stream.SetReading(false);
  }

  const NullAnswers answers_;
  int epoll_fd_ = MakeEpoll();
  int listener_;
  std::vector<char> scratch_;
  std::string out_;
  std::array<epoll_event, kEventsPerTurn> events_{};
  uint32_t last_pid_ = 0;
};

}  // namespace
}  // namespace pgreeve::bench

int main(int argc, char** argv) {
  CLI::App app{"null_backend: a Postgres that answers at once and stores nothing"};
  uint16_t port = 0;
  pgreeve::bench::NullAnswerOptions options;
  app.add_option("--port", port, "Listen here, on loopback")->required();
  app.add_option("--value", options.value, "The one row of every answer");
  app.add_option("--bulk-rows", options.bulk_rows, "Rows for a query that names \"bulk\"");
  app.add_option("--bulk-bytes", options.bulk_bytes, "Bytes of each of them");
  CLI11_PARSE(app, argc, argv);
  pgreeve::bench::RaiseDescriptorLimit();
  pgreeve::bench::NullBackend backend(port, options);
  std::cout << "ready" << std::endl;
  backend.Run();
}
