#include "bench/load/load_run.h"

#include <algorithm>
#include <chrono>

namespace pgreeve::bench {

LoadRun::LoadRun(const LoadLogin& login, const RequestOptions& request)
    : login_(login),
      preparation_(PreparationOf(request)),
      requests_(RequestsOf(request)),
      scratch_(kReadBytes) {}

template <typename OnReady>
void LoadRun::Turn(OnReady on_ready) {
  const int count = epoll_wait(epoll_fd_, events_.data(), kEventsPerTurn, -1);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    auto* const client = static_cast<LoadClient*>(event.data.ptr);
    if (client->OnEvents(event.events, scratch_))
      on_ready(*client);
  }
}

void LoadRun::Open(std::size_t count) {
  std::size_t ready = clients_.size();
  while (ready < count) {
    while (clients_.size() < std::min(count, ready + kLoginsMax))
      clients_.push_back(std::make_unique<LoadClient>(epoll_fd_, login_, salted_));
    Turn([&](LoadClient&) { ++ready; });
  }
}

void LoadRun::Prepare() {
  if (preparation_.empty())
    return;
  for (const auto& client : clients_)
    client->Send(preparation_);
  std::size_t ready = 0;
  while (ready < clients_.size())
    Turn([&](LoadClient&) { ++ready; });
}

LoadResult LoadRun::Run(uint64_t queries) {
  const uint64_t bytes_before = ReceivedBytes();
  const auto begin = std::chrono::steady_clock::now();
  uint64_t sent = 0;
  uint64_t answered = 0;
  const auto send_next = [&](LoadClient& client) {
    if (sent < queries)
      client.Send(requests_[sent++ % requests_.size()]);
  };
  for (const auto& client : clients_)
    send_next(*client);
  while (answered < queries) {
    Turn([&](LoadClient& client) {
      ++answered;
      send_next(client);
    });
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return {queries, took.count(), ReceivedBytes() - bytes_before};
}

uint64_t LoadRun::ReceivedBytes() const {
  uint64_t sum = 0;
  for (const auto& client : clients_)
    sum += client->received_bytes();
  return sum;
}

}  // namespace pgreeve::bench
