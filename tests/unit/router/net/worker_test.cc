#include "router/net/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::net {
namespace {

using ::testing::ElementsAre;

class Ready final : public EventHandler {
 public:
  explicit Ready(Worker& worker) : worker_(worker), fd_(eventfd(1, EFD_NONBLOCK)) {
    worker_.Watch(fd_, EPOLLIN, this);
  }

  ~Ready() {
    worker_.Unwatch(fd_, this);
    close(fd_);
  }

  void OnEvents(uint32_t /*epoll_events*/) override {
    ++calls;
    if (on_event)
      on_event();
  }

  int calls = 0;
  absl::AnyInvocable<void()> on_event;

 private:
  Worker& worker_;
  int fd_;
};

TEST(WorkerTest, LevelTriggeredHandlersAreCalledEveryTurn) {
  Worker worker(0);
  Ready ready(worker);
  worker.Turn(absl::Seconds(1));
  worker.Turn(absl::Seconds(1));
  EXPECT_EQ(ready.calls, 2);
}

TEST(WorkerTest, AHandlerDestroyedInTheTurnIsNotCalled) {
  Worker worker(0);
  auto first = std::make_unique<Ready>(worker);
  auto second = std::make_unique<Ready>(worker);
  int calls = 0;
  first->on_event = [&] {
    ++calls;
    second.reset();
  };
  second->on_event = [&] {
    ++calls;
    first.reset();
  };
  worker.Turn(absl::Seconds(1));
  EXPECT_EQ(calls, 1);
  EXPECT_NE(first == nullptr, second == nullptr);
}

TEST(WorkerTest, PostedTasksRunInOrderFromOtherThreads) {
  Worker worker(0);
  std::vector<int> seen;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i)
      worker.Post([&seen, i] { seen.push_back(i); });
    worker.Post([&worker] { worker.Stop(); });
  });
  worker.Run();
  poster.join();
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(WorkerTest, DeferredTasksRunAtTheEndOfTheTurn) {
  Worker worker(0);
  std::vector<int> seen;
  worker.Post([&] {
    worker.Defer([&] {
      seen.push_back(2);
      worker.Defer([&] { seen.push_back(3); });
    });
    seen.push_back(1);
  });
  worker.Turn(absl::Seconds(1));
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST(WorkerTest, ATaskThatDefersForeverDoesNotStopTheLoop) {
  Worker worker(0);
  Ready ready(worker);
  int rounds = 0;

  struct Again {
    Worker& worker;
    int& rounds;

    void operator()() const {
      ++rounds;
      worker.Defer(Again{worker, rounds});
    }
  };

  worker.Defer(Again{worker, rounds});
  for (int i = 0; i < 3; ++i)
    worker.Turn(absl::InfiniteDuration());
  EXPECT_EQ(ready.calls, 3);
  EXPECT_GT(rounds, 3);
}

TEST(WorkerTest, TasksThatNeverRanAreDestroyedWithTheWorker) {
  const auto token = std::make_shared<int>(0);
  {
    Worker worker(0);
    worker.Post([token] {});
    worker.Defer([token] {});
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(TimerTest, FiresNotBeforeItsTimeAndOnce) {
  Worker worker(0);
  int fired = 0;
  Timer timer(worker, [&] { ++fired; });
  const absl::Duration start = worker.now();
  timer.ArmAfter(absl::Milliseconds(3));
  while (fired == 0)
    worker.Turn(absl::Seconds(5));
  EXPECT_GE(worker.now() - start, absl::Milliseconds(3));
  EXPECT_FALSE(timer.armed());
  worker.Turn(absl::ZeroDuration());
  EXPECT_EQ(fired, 1);
}

TEST(TimerTest, RearmedInItsOwnClosureLetsTheLoopGoOn) {
  Worker worker(0);
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(worker, [&] {
    ++fired;
    timer->ArmAfter(absl::ZeroDuration());
  });
  timer->ArmAfter(absl::ZeroDuration());
  worker.Turn(absl::InfiniteDuration());
  EXPECT_EQ(fired, 1);
  worker.Turn(absl::InfiniteDuration());
  EXPECT_EQ(fired, 2);
}

TEST(TimerTest, MayDestroyItself) {
  Worker worker(0);
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(worker, [&] { timer.reset(); });
  timer->ArmAfter(absl::ZeroDuration());
  worker.Turn(absl::InfiniteDuration());
  EXPECT_EQ(timer, nullptr);
}

// Against a plain list, with many timers armed, moved and disarmed at random.
TEST(TimerTest, AgreesWithASimpleModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Worker worker(0);
  constexpr std::size_t kTimers = 100;
  std::vector<int> due(kTimers, -1);  // milliseconds; -1 = disarmed
  std::vector<std::size_t> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t i = 0; i < kTimers; ++i)
    timers.push_back(std::make_unique<Timer>(worker, [&fired, i] { fired.push_back(i); }));
  for (int step = 0; step < 2000; ++step) {
    const std::size_t i = random() % kTimers;
    if (random() % 3 == 0) {
      timers[i]->Disarm();
      due[i] = -1;
    } else {
      due[i] = static_cast<int>(random() % 20);
      timers[i]->ArmAfter(absl::Milliseconds(due[i]));
    }
  }
  std::size_t armed = 0;
  for (std::size_t i = 0; i < kTimers; ++i) {
    EXPECT_EQ(timers[i]->armed(), due[i] >= 0);
    armed += due[i] >= 0 ? 1 : 0;
  }
  while (fired.size() < armed)
    worker.Turn(absl::Seconds(5));
  for (std::size_t i = 1; i < fired.size(); ++i)
    EXPECT_LE(due[fired[i - 1]], due[fired[i]]);
}

}  // namespace
}  // namespace pgreeve::net
