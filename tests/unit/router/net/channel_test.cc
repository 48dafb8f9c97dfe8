#include "router/net/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/status.h"
#include "router/net/listener.h"

namespace pgreeve::net {
namespace {

static_assert(sizeof(Channel) <= 120, "an idle client holds little more than this");

class Recorder final : public Channel::Handler {
 public:
  void OnReadable() override {
    const ReadResult read = channel->Read(worker->scratch());
    ++reads;
    received.append(worker->scratch().data(), read.bytes);
    closed = closed || read.closed;
    if (read.closed)
      channel->Close();
  }

  void OnDrained() override { ++drained; }

  void OnBroken() override {
    ++broken;
    EXPECT_FALSE(channel->is_open());
  }

  Worker* worker = nullptr;
  Channel* channel = nullptr;
  std::string received;
  int reads = 0;
  int drained = 0;
  int broken = 0;
  bool closed = false;
};

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    std::array<int, 2> pair{};
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data());
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    peer_ = pair[1];
    channel_ = std::make_unique<Channel>(worker_, pair[0], &recorder_);
    recorder_.worker = &worker_;
    recorder_.channel = channel_.get();
  }

  ~ChannelTest() override {
    channel_.reset();
    ClosePeer();
  }

  void ClosePeer() {
    if (peer_ >= 0)
      close(peer_);
    peer_ = -1;
  }

  std::string ReadPeer() {
    std::string all;
    std::array<char, 65536> buffer;
    ssize_t got = 0;
    while ((got = recv(peer_, buffer.data(), buffer.size(), 0)) > 0)
      all.append(buffer.data(), static_cast<std::size_t>(got));
    return all;
  }

  Worker worker_{0};
  Recorder recorder_;
  std::unique_ptr<Channel> channel_;
  int peer_ = -1;
};

TEST_F(ChannelTest, ReadsOncePerEventAndWritesAtOnce) {
  ASSERT_EQ(send(peer_, "hello", 5, 0), 5);
  worker_.Turn(absl::Seconds(5));
  EXPECT_EQ(recorder_.received, "hello");
  EXPECT_EQ(recorder_.reads, 1);
  channel_->Send2("two ", "pieces");
  EXPECT_EQ(ReadPeer(), "two pieces");
  EXPECT_EQ(channel_->pending_bytes(), 0U);
  channel_->Send2("", "second only");
  channel_->Send2("first only", "");
  channel_->Send("");
  EXPECT_EQ(ReadPeer(), "second onlyfirst only");
  worker_.Turn(absl::ZeroDuration());
  EXPECT_EQ(recorder_.drained, 0);
}

TEST_F(ChannelTest, KeepsWhatThePeerDoesNotRead) {
  std::string sent;
  for (int i = 0; channel_->pending_bytes() < 3'000'000; ++i) {
    const std::string first(7777, static_cast<char>('a' + i % 26));
    const std::string second(3333, static_cast<char>('A' + i % 26));
    channel_->Send2(first, second);
    sent += first + second;
  }
  std::string got;
  while (recorder_.drained == 0) {
    got += ReadPeer();
    worker_.Turn(absl::Seconds(5));
  }
  got += ReadPeer();
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(channel_->pending_bytes(), 0U);
  EXPECT_EQ(recorder_.drained, 1);
}

TEST_F(ChannelTest, PausedReadingLeavesBytesInTheKernel) {
  channel_->PauseReading();
  channel_->PauseReading();
  ASSERT_EQ(send(peer_, "later", 5, 0), 5);
  worker_.Turn(absl::ZeroDuration());
  EXPECT_EQ(recorder_.reads, 0);
  channel_->ResumeReading();
  worker_.Turn(absl::Seconds(5));
  EXPECT_EQ(recorder_.received, "later");
}

// A hang-up is always reported by epoll; without parking the loop would spin and the last words
// would be lost.
TEST_F(ChannelTest, HangUpWhilePausedIsReadAfterResuming) {
  channel_->PauseReading();
  ASSERT_EQ(send(peer_, "last words", 10, 0), 10);
  ClosePeer();
  worker_.Turn(absl::ZeroDuration());
  EXPECT_TRUE(channel_->is_open());
  Timer tick(worker_, [] {});
  tick.ArmAfter(absl::Milliseconds(1));
  worker_.Turn(absl::Seconds(5));
  EXPECT_FALSE(tick.armed()) << "the loop woke for something else than the timer";
  channel_->ResumeReading();
  while (!recorder_.closed)
    worker_.Turn(absl::Seconds(5));
  EXPECT_EQ(recorder_.received, "last words");
}

TEST_F(ChannelTest, WriteFailureIsToldOnceFromTheLoop) {
  ClosePeer();
  channel_->Send("nobody reads this");
  EXPECT_EQ(recorder_.broken, 0);
  channel_->Send("nor this");
  EXPECT_FALSE(channel_->is_open());
  EXPECT_EQ(channel_->error(), EPIPE);
  worker_.Turn(absl::Seconds(5));
  worker_.Turn(absl::ZeroDuration());
  EXPECT_EQ(recorder_.broken, 1);
}

TEST_F(ChannelTest, DestroyedOrClosedAfterAFailureIsNotCalled) {
  ClosePeer();
  channel_->Send("nobody reads this");
  channel_->Close();
  worker_.Turn(absl::ZeroDuration());
  EXPECT_EQ(recorder_.broken, 0);
}

TEST_F(ChannelTest, CloseAfterDrainSendsTheRestFirst) {
  std::string sent;
  while (channel_->pending_bytes() == 0) {
    channel_->Send(std::string(100'000, 'x'));
    sent.append(100'000, 'x');
  }
  channel_->CloseAfterDrain();
  channel_->Send("ignored");
  EXPECT_TRUE(channel_->is_open());
  std::string got;
  while (recorder_.drained == 0) {
    got += ReadPeer();
    worker_.Turn(absl::Seconds(5));
  }
  got += ReadPeer();
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_FALSE(channel_->is_open());
  EXPECT_EQ(recorder_.broken, 0);
}

TEST_F(ChannelTest, CloseAfterDrainWithNothingKeptClosesAtOnce) {
  channel_->Send("bye");
  channel_->CloseAfterDrain();
  EXPECT_FALSE(channel_->is_open());
  EXPECT_EQ(ReadPeer(), "bye");
  worker_.Turn(absl::ZeroDuration());
  EXPECT_EQ(recorder_.drained, 0);
}

class Accepted {
 public:
  explicit Accepted(const ListenOptions& options) {
    auto listener = Listener::Start(
        worker, options, [this](int fd, const SocketAddress& /*peer*/) { fds.push_back(fd); });
    if (listener.ok())
      listener_ = *std::move(listener);
  }

  ~Accepted() {
    for (const int fd : fds)
      close(fd);
  }

  Worker worker{0};
  std::vector<int> fds;
  std::unique_ptr<Listener> listener_;
};

TEST(ListenerTest, AcceptsWhatStartConnectOpensAndBytesSentEarlyArrive) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    Accepted accepted({.host = host});
    if (accepted.listener_ == nullptr)
      continue;  // no IPv6 here
    const auto fd = StartConnect(host, accepted.listener_->port());
    ASSERT_TRUE(fd.ok());
    Recorder recorder;
    Channel channel(accepted.worker, *fd, &recorder);
    recorder.worker = &accepted.worker;
    recorder.channel = &channel;
    channel.Send("early");
    while (accepted.fds.empty() || channel.pending_bytes() > 0)
      accepted.worker.Turn(absl::Seconds(5));
    std::array<char, 8> buffer{};
    fcntl(accepted.fds[0], F_SETFL, 0);
    EXPECT_EQ(recv(accepted.fds[0], buffer.data(), 5, MSG_WAITALL), 5);
    EXPECT_STREQ(buffer.data(), "early");
  }
}

TEST(ListenerTest, UnixSocketReplacesAStaleFileButNotALiveOne) {
  std::string folder = "/tmp/pgreeve-net-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  {
    // A socket file that nobody listens on.
    const auto address = SocketAddress::Parse(folder, 5432);
    const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(stale, address->get(), address->size()), 0);
    close(stale);
    Accepted accepted({.host = folder, .port = 5432});
    ASSERT_NE(accepted.listener_, nullptr);
    Accepted second({.host = folder, .port = 5432});
    EXPECT_EQ(second.listener_, nullptr);
    const auto fd = StartConnect(folder, 5432);
    ASSERT_TRUE(fd.ok());
    accepted.worker.Turn(absl::Seconds(5));
    EXPECT_GE(accepted.fds.size(), 1U);
    close(*fd);
  }
  EXPECT_EQ(access((folder + "/.s.PGSQL.5432").c_str(), F_OK), -1);
  rmdir(folder.c_str());
}

TEST(StartConnectTest, RefusesWhatIsNoAddress) {
  EXPECT_EQ(ToSqlError(StartConnect("localhost", 5432).status()).sqlstate, "08001");
  EXPECT_EQ(ToSqlError(StartConnect("/" + std::string(200, 'x'), 1).status()).sqlstate, "08001");
  EXPECT_EQ(ToSqlError(StartConnect("/nonexistent", 1).status()).sqlstate, "08001");
}

TEST(StartConnectTest, ARefusedConnectionIsReported) {
  Worker worker(0);
  uint16_t port = 0;
  {
    Accepted accepted({.host = "127.0.0.1"});
    port = accepted.listener_->port();
  }
  const auto fd = StartConnect("127.0.0.1", port);
  ASSERT_TRUE(fd.ok());
  Recorder recorder;
  Channel channel(worker, *fd, &recorder);
  recorder.worker = &worker;
  recorder.channel = &channel;
  channel.Send("hello");
  while (recorder.broken == 0 && !recorder.closed)
    worker.Turn(absl::Seconds(5));
  EXPECT_EQ(channel.error(), ECONNREFUSED);
}

}  // namespace
}  // namespace pgreeve::net
