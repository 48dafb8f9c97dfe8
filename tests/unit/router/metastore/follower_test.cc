#include "router/metastore/follower.h"

#include <sys/stat.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "router/catalog/seal.h"
#include "tests/unit/router/metastore/fixture.h"

namespace pgreeve::metastore {
namespace {

class FollowerTest : public CatalogTest {
 protected:
  FollowerOptions Options() const {
    FollowerOptions options;
    options.catalog_dsn = dsn_;
    options.snapshot_path = ::testing::TempDir() + "/pgreeve_snapshot_" +
                            std::to_string(::getpid()) + "_" + dsn_.substr(dsn_.rfind('/') + 1);
    options.seal_key = catalog::SealKeyFromText("test");
    options.router_name = "r1";
    options.incarnation = NewIncarnation();
    options.address = "127.0.0.1:6432";
    options.poll_interval = absl::Milliseconds(50);
    return options;
  }

  Follower::Publish Collect() {
    return [this](std::shared_ptr<const catalog::Placement> placement) {
      const std::lock_guard lock(mutex_);
      if (seen_ != nullptr) {
        EXPECT_GT(placement->epoch, seen_->epoch) << "versions come in order, each once";
      }
      seen_ = std::move(placement);
      changed_.notify_all();
    };
  }

  // Waits until `holds` of what was published last.
  bool Await(const std::function<bool(const catalog::Placement&)>& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, std::chrono::seconds(30), [&] { return seen_ != nullptr && holds(*seen_); });
  }

  // Waits for something that only Status() tells.
  static bool AwaitStatus(const Follower& follower,
                          const std::function<bool(const FollowerStatus&)>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      if (holds(follower.Status()))
        return true;
      std::this_thread::yield();
    }
    return false;
  }

  absl::Status Run(Follower& follower, Follower::Job job) {
    std::promise<absl::Status> promise;
    follower.Submit(std::move(job),
                    [&](absl::Status status) { promise.set_value(std::move(status)); });
    return promise.get_future().get();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const catalog::Placement> seen_;
};

TEST_F(FollowerTest, FollowsWhatOthersChange) {
  Follower follower(Options(), Collect());
  ASSERT_TRUE(follower.Start().ok());
  EXPECT_TRUE(follower.Status().catalog_up);
  EXPECT_FALSE(follower.Status().from_snapshot);
  AddShard(AddNode());
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "", ""}, "t").ok());
  EXPECT_TRUE(Await([](const auto& p) { return p.FindTenant(Id("a")) != nullptr; }));
  EXPECT_TRUE(AwaitStatus(follower, [](const auto& s) { return s.leased; }));
  EXPECT_TRUE((*client_->ListRouters())[0].live);
  follower.Stop();
  follower.Stop();
  EXPECT_TRUE(client_->ListRouters()->empty());  // the lease is given back
}

TEST_F(FollowerTest, AJobsChangeIsPublishedBeforeItsCompletion) {
  AddShard(AddNode());
  FollowerOptions options = Options();
  options.poll_interval = absl::Hours(1);  // only the job itself may bring the news
  Follower follower(options, Collect());
  ASSERT_TRUE(follower.Start().ok());
  for (int i = 0; i < 10; i++) {
    const TenantId id = Id("t" + std::to_string(i));
    std::promise<bool> found;
    follower.Submit(
        [id](CatalogClient& client) {
          return client.CreateTenant({id, "", ""}, "t").status();
        },
        [&](absl::Status status) {
          EXPECT_TRUE(status.ok()) << status;
          found.set_value(follower.Current()->FindTenant(id) != nullptr);
        });
    EXPECT_TRUE(found.get_future().get()) << i;
  }
  EXPECT_EQ(
      StateOf(Run(follower, [](CatalogClient& client) { return client.DropLogin("nobody", "t"); })),
      "42704");
}

TEST_F(FollowerTest, AJobAfterItsConnectionWasEndedWorks) {
  Follower follower(Options(), Collect());
  ASSERT_TRUE(follower.Start().ok());
  const auto pid_job = [](int* pid) {
    return [pid](CatalogClient& client) {
      *pid = client.connection().backend_pid();
      return absl::OkStatus();
    };
  };
  int first = 0;
  int second = 0;
  ASSERT_TRUE(Run(follower, pid_job(&first)).ok());
  ASSERT_TRUE(client_->connection().Exec("SELECT pg_terminate_backend($1, 5000)", {first}).ok());
  ASSERT_TRUE(Run(follower, pid_job(&second)).ok());
  EXPECT_NE(first, second);
  // A job that leaves a transaction open does not hand it to the next.
  ASSERT_TRUE(Run(follower, [](CatalogClient& client) {
                return client.connection().ExecScript("BEGIN");
              }).ok());
  ASSERT_TRUE(Run(follower, [](CatalogClient& client) {
                EXPECT_FALSE(client.connection().in_transaction());
                return absl::OkStatus();
              }).ok());
}

TEST_F(FollowerTest, ServesFromTheSnapshotWhileTheCatalogIsDown) {
  AddShard(AddNode());
  ASSERT_TRUE(client_->CreateTenant({Id("a"), "", ""}, "t").ok());
  const FollowerOptions options = Options();
  {
    Follower follower(options, Collect());
    ASSERT_TRUE(follower.Start().ok());
    ASSERT_TRUE(AwaitStatus(follower, [](const auto& s) { return s.leased; }));
  }

  struct stat info {};

  ASSERT_EQ(stat(options.snapshot_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  auto* cluster = test::ScratchPostgres::Get();
  cluster->Stop();
  seen_ = nullptr;
  FollowerOptions later = options;
  later.incarnation = NewIncarnation();
  Follower follower(later, Collect());
  const absl::Status started = follower.Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_TRUE(follower.Status().from_snapshot);
  EXPECT_FALSE(follower.Status().catalog_up);
  EXPECT_FALSE(follower.Status().leased);
  EXPECT_NE(follower.Current()->FindTenant(Id("a")), nullptr);
  EXPECT_FALSE(follower.Current()->FindShard(ShardId{1})->token_key.empty());
  EXPECT_EQ(StateOf(Run(follower, [](CatalogClient&) { return absl::OkStatus(); })), "08001");

  FollowerOptions other_key = later;
  other_key.seal_key = catalog::SealKeyFromText("another");
  other_key.router_name = "";
  EXPECT_FALSE(Follower(other_key, [](auto) {}).Start().ok());
  FollowerOptions too_old = later;
  too_old.snapshot_age_max = -absl::Hours(1);
  EXPECT_FALSE(Follower(too_old, [](auto) {}).Start().ok());

  ASSERT_TRUE(cluster->Start());
  EXPECT_TRUE(AwaitStatus(follower, [](const auto& s) { return s.catalog_up && s.leased; }));
  EXPECT_FALSE(follower.Status().from_snapshot);
  client_ = Open();
  ASSERT_TRUE(client_->CreateTenant({Id("b"), "", ""}, "t").ok());
  EXPECT_TRUE(Await([](const auto& p) { return p.FindTenant(Id("b")) != nullptr; }));
}

TEST_F(FollowerTest, WithoutCatalogAndFileItDoesNotStart) {
  FollowerOptions options = Options();
  options.catalog_dsn = "postgresql://postgres@127.0.0.1:1/none";
  Follower follower(options, Collect());
  EXPECT_EQ(StateOf(follower.Start()), "08001");
  EXPECT_EQ(follower.Current(), nullptr);
}

TEST_F(FollowerTest, JobsAreLimitedAndEndWithTheFollower) {
  FollowerOptions options = Options();
  options.jobs_max = 1;
  Follower follower(options, Collect());
  ASSERT_TRUE(follower.Start().ok());
  std::promise<void> started;
  std::promise<void> go;
  std::vector<std::string> states(3, "none");
  const auto into = [&states](std::size_t at) {
    return [&states, at](absl::Status status) { states[at] = StateOf(status); };
  };
  follower.Submit(
      [&](CatalogClient&) {
        started.set_value();
        go.get_future().wait();
        return absl::OkStatus();
      },
      into(0));
  started.get_future().wait();
  follower.Submit([](CatalogClient&) { return absl::OkStatus(); }, into(1));
  follower.Submit([](CatalogClient&) { return absl::OkStatus(); }, into(2));
  EXPECT_EQ(states[2], "53400");
  std::thread stopper([&] { follower.Stop(); });
  // Stop() raises the flag before it waits for the job; a refused Submit shows that it has.
  std::string refused;
  while (refused != "57P01")
    follower.Submit(nullptr, [&](absl::Status status) { refused = StateOf(status); });
  go.set_value();
  stopper.join();
  EXPECT_EQ(states[0], "00000");
  EXPECT_EQ(states[1], "57P01");
}

TEST_F(FollowerTest, StopInterruptsAStatement) {
  Follower follower(Options(), Collect());
  ASSERT_TRUE(follower.Start().ok());
  std::promise<void> started;
  std::string state;
  follower.Submit(
      [&](CatalogClient& client) {
        started.set_value();
        return client.connection().Exec("SELECT pg_sleep(600)").status();
      },
      [&](absl::Status status) { state = StateOf(status); });
  started.get_future().wait();
  follower.Stop();
  EXPECT_EQ(state, "08006");
}

}  // namespace
}  // namespace pgreeve::metastore
