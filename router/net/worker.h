// The event loop of the data path: one thread, level-triggered epoll, its own timers. Sessions and
// backends live and die on one worker and share nothing with others but posted closures.
// Asio is not here on purpose (docs/adr/0001): its socket reads cost two extra calls a query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

namespace pgreeve::net {

// What the loop calls when a descriptor is ready. An object may be destroyed while the loop hands
// out events of the same turn; Worker::Unwatch makes sure it is not called after.
class EventHandler {
 public:
  virtual void OnEvents(uint32_t epoll_events) = 0;

 protected:
  ~EventHandler() = default;
};

class Timer;

class Worker {
 public:
  explicit Worker(int index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  int index() const { return index_; }

  // Runs until Stop. Call on the thread that will be the worker thread.
  void Run();
  // One turn: sleeps until something is ready or due, or `wait_max` has passed; then events, posted
  // tasks, timers and deferred tasks, in this order. Run is made of it; tests drive a loop by it.
  void Turn(absl::Duration wait_max);
  // Any thread.
  void Stop();
  // Any thread. Runs `task` on the worker thread, in order of posting; wakes the loop. A task that
  // the loop does not come to any more is destroyed with the worker.
  void Post(absl::AnyInvocable<void()> task);
  // Worker thread. Runs `task` at the end of this turn, before the loop sleeps.
  void Defer(absl::AnyInvocable<void()> task);

  // Monotonic time of this turn; one clock read a turn. Worker thread.
  absl::Duration now() const { return now_; }

  // Wall clock of this turn.
  absl::Time wall_now() const;

  // Memory to receive into, shared by everything on this worker: contents are valid until the
  // caller returns to the loop or anybody reads again. 64 KiB.
  std::span<char> scratch() { return {scratch_.get(), kScratchBytes}; }

  // epoll_ctl. `events`: EPOLLIN, EPOLLOUT. Worker thread.
  void Watch(int fd, uint32_t events, EventHandler* handler);
  void Rewatch(int fd, uint32_t events, EventHandler* handler);
  void Unwatch(int fd, EventHandler* handler);

  static constexpr std::size_t kScratchBytes = 64 * 1024;

 private:
  friend class Timer;
  struct State;

  void DispatchEvents(int count);
  void RunPosted();
  void FireTimers();
  void RunDeferred();
  int SleepMilliseconds(absl::Duration wait_max) const;

  int index_;
  absl::Duration now_;
  std::unique_ptr<char[]> scratch_;
  std::unique_ptr<State> state_;
};

// One-shot, re-armable. Costs 16 bytes while disarmed plus the closure. Worker thread. The closure
// may destroy its timer as its last act. Fires never early, and not before the next turn when it is
// armed by a closure that a timer runs.
class Timer {
 public:
  Timer(Worker& worker, absl::AnyInvocable<void()> on_fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Arms, or moves the time of an armed timer. No allocation in the long run.
  void ArmAfter(absl::Duration delay);
  void Disarm();
  bool armed() const;

 private:
  friend class Worker;
  friend class TimerHeap;
  Worker& worker_;
  absl::AnyInvocable<void()> on_fire_;
  uint64_t id_ = 0;  // place in the heap, counted from 1; 0 = disarmed
};

}  // namespace pgreeve::net
