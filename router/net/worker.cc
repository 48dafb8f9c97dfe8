#include "router/net/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <absl/time/clock.h>

#include "router/net/timer_heap.h"

namespace pgreeve::net {
namespace {

constexpr int kEventsPerTurn = 256;
// Deferred tasks that defer again run in the same turn this often; then events get their turn.
constexpr int kDeferRoundsMax = 16;

using Task = absl::AnyInvocable<void()>;

// A descriptor of our own making fails only when the program is wrong or the kernel has no memory.
void Must(int result, const char* what) {
  if (result >= 0)
    return;
  std::perror(what);
  std::abort();
}

absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

struct Worker::State {
  int epoll_fd = -1;
  int wake_fd = -1;
  std::array<epoll_event, kEventsPerTurn> events;
  int dispatching_at = 0;  // events before this one are done
  int dispatching_end = 0;

  std::atomic<bool> stopping = false;
  std::mutex posted_mutex;
  std::vector<Task> posted;  // guarded by posted_mutex
  std::vector<Task> posted_now;
  std::vector<Task> deferred;
  std::vector<Task> deferred_now;
  TimerHeap timers;
  mutable std::optional<absl::Time> wall;

  void Wake() const {
    const uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake anyway.
    [[maybe_unused]] const ssize_t written = write(wake_fd, &one, sizeof(one));
  }
};

Worker::Worker(int index)
    : index_(index),
      now_(MonotonicNow()),
      scratch_(std::make_unique_for_overwrite<char[]>(kScratchBytes)),
      state_(std::make_unique<State>()) {
  state_->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  Must(state_->epoll_fd, "epoll_create1");
  state_->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Must(state_->wake_fd, "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = state_.get();  // no handler has this address
  Must(epoll_ctl(state_->epoll_fd, EPOLL_CTL_ADD, state_->wake_fd, &event), "epoll_ctl");
}

Worker::~Worker() {
  // Closures may own objects that still speak to this worker; they go while it stands.
  while (true) {
    std::vector<Task> posted;
    {
      const std::scoped_lock lock(state_->posted_mutex);
      posted.swap(state_->posted);
    }
    std::vector<Task> deferred;
    deferred.swap(state_->deferred);
    if (posted.empty() && deferred.empty())
      break;
  }
  close(state_->wake_fd);
  close(state_->epoll_fd);
}

void Worker::Run() {
  while (!state_->stopping.load(std::memory_order_relaxed))
    Turn(absl::InfiniteDuration());
}

void Worker::Stop() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->Wake();
}

void Worker::Post(absl::AnyInvocable<void()> task) {
  bool wake = false;
  {
    const std::scoped_lock lock(state_->posted_mutex);
    wake = state_->posted.empty();
    state_->posted.push_back(std::move(task));
  }
  if (wake)
    state_->Wake();
}

void Worker::Defer(absl::AnyInvocable<void()> task) {
  state_->deferred.push_back(std::move(task));
}

absl::Time Worker::wall_now() const {
  if (!state_->wall.has_value())
    state_->wall = absl::Now();
  return *state_->wall;
}

void Worker::Watch(int fd, uint32_t events, EventHandler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  Must(epoll_ctl(state_->epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void Worker::Rewatch(int fd, uint32_t events, EventHandler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  Must(epoll_ctl(state_->epoll_fd, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

void Worker::Unwatch(int fd, EventHandler* handler) {
  epoll_event event{};
  Must(epoll_ctl(state_->epoll_fd, EPOLL_CTL_DEL, fd, &event), "epoll_ctl");
  // Events of this turn that wait for the handler die with its registration. A new handler at the
  // same address has none in this turn.
  for (int i = state_->dispatching_at; i < state_->dispatching_end; ++i) {
    if (state_->events[static_cast<std::size_t>(i)].data.ptr == handler)
      state_->events[static_cast<std::size_t>(i)].data.ptr = nullptr;
  }
}

int Worker::SleepMilliseconds(absl::Duration wait_max) const {
  if (!state_->deferred.empty())
    return 0;
  absl::Duration sleep = wait_max;
  if (!state_->timers.empty())
    sleep = std::min(sleep, state_->timers.first_at() - now_);
  if (sleep <= absl::ZeroDuration())
    return 0;
  if (sleep >= absl::Hours(1))
    return wait_max == absl::InfiniteDuration() && state_->timers.empty() ? -1 : 3600 * 1000;
  constexpr int64_t kNanoseconds = 1'000'000;  // in a millisecond; rounded up: never early
  return static_cast<int>((absl::ToInt64Nanoseconds(sleep) + kNanoseconds - 1) / kNanoseconds);
}

void Worker::Turn(absl::Duration wait_max) {
  const int count = epoll_wait(
      state_->epoll_fd, state_->events.data(), kEventsPerTurn, SleepMilliseconds(wait_max));
  if (count < 0 && errno != EINTR)
    Must(count, "epoll_wait");
  now_ = MonotonicNow();
  state_->wall.reset();
  DispatchEvents(std::max(count, 0));
  FireTimers();
  RunDeferred();
}

void Worker::DispatchEvents(int count) {
  bool woken = false;
  state_->dispatching_end = count;
  for (int i = 0; i < count; ++i) {
    const epoll_event event = state_->events[static_cast<std::size_t>(i)];
    state_->dispatching_at = i + 1;
    if (event.data.ptr == state_.get())
      woken = true;
    else if (event.data.ptr != nullptr)
      static_cast<EventHandler*>(event.data.ptr)->OnEvents(event.events);
  }
  state_->dispatching_at = state_->dispatching_end = 0;
  if (woken)
    RunPosted();
}

void Worker::RunPosted() {
  uint64_t counter = 0;
  [[maybe_unused]] const ssize_t got = read(state_->wake_fd, &counter, sizeof(counter));
  {
    const std::scoped_lock lock(state_->posted_mutex);
    state_->posted_now.swap(state_->posted);
  }
  for (Task& task : state_->posted_now)
    task();
  state_->posted_now.clear();
}

void Worker::FireTimers() {
  const uint64_t before = state_->timers.next_number();
  while (Timer* timer = state_->timers.PopDue(now_, before))
    timer->on_fire_();
}

void Worker::RunDeferred() {
  for (int round = 0; round < kDeferRoundsMax && !state_->deferred.empty(); ++round) {
    state_->deferred_now.swap(state_->deferred);
    for (Task& task : state_->deferred_now)
      task();
    state_->deferred_now.clear();
  }
}

Timer::Timer(Worker& worker, absl::AnyInvocable<void()> on_fire)
    : worker_(worker),
      on_fire_(std::move(on_fire)) {}

Timer::~Timer() {
  Disarm();
}

void Timer::ArmAfter(absl::Duration delay) {
  worker_.state_->timers.Arm(this, worker_.now_ + std::max(delay, absl::ZeroDuration()));
}

void Timer::Disarm() {
  worker_.state_->timers.Disarm(this);
}

bool Timer::armed() const {
  return id_ != 0;
}

}  // namespace pgreeve::net
