// How a pool's connections come to be, and what happens when they do not.
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/router/pool/pool_fixture.h"

namespace pgreeve::pool {
namespace {

using support::FakeAuth;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

TEST_F(PoolTest, LogsInAttachesAndBindsAheadOfTheFirstStatement) {
  Client client(*pool);
  client.Acquire(For(alice));
  EXPECT_EQ(client.backend, nullptr);
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  EXPECT_EQ(client.backend->pid(), 1001U);
  EXPECT_EQ(client.backend->secret(), "abcd");
  EXPECT_EQ(client.backend->parameters().find("TimeZone")->second, "UTC");
  client.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  // One CommandComplete and one ReadyForQuery: the bind's are not the user's.
  EXPECT_EQ(client.received, std::string("C\0\0\0\13SELECT\0Z\0\0\0\5I", 18));
  const auto& session = *server.sessions.at(0);
  EXPECT_THAT(session.startup, Contains(Pair("user", "pgreeve_app")));
  EXPECT_THAT(session.startup, Contains(Pair("database", "shard1")));
  EXPECT_THAT(session.startup, Contains(Pair("row_security", "on")));
  EXPECT_THAT(session.startup, Contains(Pair("standard_conforming_strings", "on")));
  EXPECT_THAT(session.startup, Contains(Pair("TimeZone", "UTC")));
  EXPECT_THAT(session.queries,
              ElementsAre("SELECT pgreeve.attach('r1', 0, 7)",
                          StartsWith("SET pgreeve.token = '1:616c696365:3:"),
                          "SELECT 1"));
  EXPECT_THAT(session.token, HasSubstr(":1001:"));
  client.Release();
  EXPECT_EQ(pool->metrics().connects.value(), 1U);
  EXPECT_EQ(pool->metrics().binds.value(), 1U);
}

TEST_F(PoolTest, EveryWayToLogIn) {
  for (const FakeAuth auth :
       {FakeAuth::kTrust, FakeAuth::kCleartext, FakeAuth::kMd5, FakeAuth::kScram}) {
    server.script.auth = auth;
    MakePool({});
    Client client(*pool);
    EXPECT_TRUE(RunOnce(client, For(alice))) << static_cast<int>(auth);
  }
}

TEST_F(PoolTest, EveryWayToLogInSplitAtEveryByte) {
  server.script.byte_by_byte = true;
  for (const FakeAuth auth :
       {FakeAuth::kTrust, FakeAuth::kCleartext, FakeAuth::kMd5, FakeAuth::kScram}) {
    server.script.auth = auth;
    MakePool({});
    Client client(*pool);
    client.Acquire(For(alice));
    ASSERT_TRUE(Until([&] { return client.backend != nullptr; })) << static_cast<int>(auth);
    client.Query("SELECT 1");
    ASSERT_TRUE(Until([&] { return client.answered(); }));
    EXPECT_EQ(client.received, std::string("C\0\0\0\13SELECT\0Z\0\0\0\5I", 18));
    client.Release();
  }
}

TEST_F(PoolTest, SaltedPasswordsAreRemembered) {
  server.script.auth = FakeAuth::kScram;
  Client first(*pool);
  Client second(*pool);
  first.Acquire(For(alice));
  second.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return first.backend != nullptr && second.backend != nullptr; }));
  EXPECT_EQ(pool->metrics().connects.value(), 2U);
  first.Release();
  second.Release();
}

TEST_F(PoolTest, AWrongPasswordIsNotTheClientsFault) {
  for (const FakeAuth auth : {FakeAuth::kCleartext, FakeAuth::kMd5, FakeAuth::kScram}) {
    server.script.auth = auth;
    server.script.password = "another";
    MakePool({});
    Client client(*pool);
    client.Acquire(For(alice));
    ASSERT_TRUE(Until([&] { return !client.failed.empty(); }));
    EXPECT_EQ(client.failed[0].sqlstate, "08001");
    EXPECT_THAT(client.failed[0].detail, HasSubstr("28P01"));
    EXPECT_EQ(pool->Stats()[0].opening, 0);
    EXPECT_EQ(pool->metrics().connect_failures.value(), 1U);
  }
}

TEST_F(PoolTest, AHugeIterationCountIsRefusedAndCostsNothing) {
  server.script.auth = FakeAuth::kScram;
  server.script.iterations = 2'000'000'000;
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return !client.failed.empty(); }));
  EXPECT_EQ(client.failed[0].sqlstate, "08001");
  EXPECT_THAT(client.failed[0].detail, HasSubstr("iterations"));
}

TEST_F(PoolTest, ScramOnlySendsNoPasswordToWhoAsksForIt) {
  PoolOptions options;
  options.scram_only = true;
  for (const FakeAuth auth : {FakeAuth::kTrust, FakeAuth::kCleartext, FakeAuth::kMd5}) {
    server.script.auth = auth;
    MakePool(options);
    Client client(*pool);
    client.Acquire(For(alice));
    ASSERT_TRUE(Until([&] { return !client.failed.empty(); }));
    EXPECT_THAT(server.sessions.back()->passwords, ElementsAre());
  }
  server.script.auth = FakeAuth::kScram;
  MakePool(options);
  Client client(*pool);
  EXPECT_TRUE(RunOnce(client, For(alice)));
}

TEST_F(PoolTest, GarbageEndsTheLogin) {
  const std::string cases[] = {
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      std::string("R\0\0\0\3", 5),                             // shorter than its own length
      std::string("R\0\0\0\4", 5),                             // no kind
      std::string("R\0\0\0\10\0\0\0\7", 9),                    // GSS
      std::string("R\0\0\0\10\0\0\0\14", 9),                   // SASLFinal out of turn
      std::string("R\377\377\377\377", 5),                     // 4 GB
      std::string("R\0\2\0\0", 5) + std::string(70'000, 'x'),  // more than we care to keep
      std::string("Z\0\0\0\5I", 6),                            // ready before the authentication
      std::string("D\0\0\0\6\0\0", 7),
      std::string("R\0\0\0\27\0\0\0\12SCRAM-SHA-1\0\0", 22),    // an unknown mechanism
      std::string("E\0\0\0\5\0", 6),                            // an error without any field
      std::string("R\0\0\0\10\0\0\0\0K\0\0\0\10\0\0\0\1", 18),  // a key without secret
      std::string("R\0\0\0\10\0\0\0\0Z\0\0\0\5T", 15),          // in a transaction
      std::string("R\0\0\0\10\0\0\0\0S\0\0\0\6a\0", 16),        // half a parameter
  };
  for (const std::string& garbage : cases) {
    server.script.garbage = garbage;
    PoolOptions options;
    options.connect_timeout = absl::Milliseconds(300);
    MakePool(options);
    Client client(*pool);
    client.Acquire(For(alice));
    ASSERT_TRUE(Until([&] { return !client.failed.empty(); })) << garbage;
    EXPECT_EQ(client.failed[0].sqlstate, "08001");
    EXPECT_EQ(client.leases, 0);
  }
}

TEST_F(PoolTest, DyingAtEachStepIsAnErrorOnceAndRecovers) {
  server.script.auth = FakeAuth::kScram;
  bool survived = false;
  for (int step = 0; !survived; ++step) {
    SCOPED_TRACE(step);
    ASSERT_LT(step, 40);
    server.script.die_before_message = step;
    MakePool({});
    Client client(*pool);
    client.Acquire(For(alice));
    ASSERT_TRUE(Until([&] { return client.backend != nullptr || !client.failed.empty(); }));
    if (client.failed.empty()) {
      client.Query("SELECT 1");
      ASSERT_TRUE(Until([&] { return client.answered() || !client.closed.empty(); }));
      survived = client.answered();
    } else {
      EXPECT_EQ(client.failed[0].sqlstate, "08001");
      EXPECT_EQ(client.failed.size(), 1U);
    }
    if (survived) {
      client.Release();
      continue;
    }
    EXPECT_EQ(client.closed.size() + client.failed.size(), 1U);
    server.script.die_before_message = -1;
    // In the back-off the answer comes at once; after it the shard is tried again.
    ASSERT_TRUE(Until([&] {
      if (client.asked > client.leases + static_cast<int>(client.failed.size()))
        return false;
      if (client.backend == nullptr)
        client.Acquire(For(alice));
      return client.backend != nullptr;
    }));
    client.Query("SELECT 1");
    ASSERT_TRUE(Until([&] { return client.answered(); }));
    client.Release();
  }
}

TEST_F(PoolTest, NobodyListens) {
  server.Stop();
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return !client.failed.empty(); }));
  EXPECT_EQ(client.failed[0].sqlstate, "08001");
  EXPECT_THAT(client.failed[0].detail, HasSubstr("refused"));
  // Within the back-off: at once, and not by asking again.
  client.Acquire(For(alice));
  EXPECT_EQ(client.failed.size(), 1U) << "never inside the call";
  worker.Turn(absl::ZeroDuration());
  ASSERT_EQ(client.failed.size(), 2U);
  EXPECT_EQ(client.failed[1].sqlstate, "57P03");
  EXPECT_EQ(pool->metrics().connect_failures.value(), 1U);
  // Recovers by itself.
  server.Start();
  ASSERT_TRUE(Until([&] {
    if (client.backend == nullptr &&
        client.asked == client.leases + static_cast<int>(client.failed.size()))
      client.Acquire(For(alice));
    return client.backend != nullptr;
  }));
  client.Release();
}

TEST_F(PoolTest, AShardThatDoesNotAnswerIsGivenUp) {
  server.script.on_query = [](auto&, const std::string&) { return std::string(); };
  PoolOptions options;
  options.connect_timeout = absl::Milliseconds(20);
  MakePool(options);
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return !client.failed.empty(); }));
  EXPECT_EQ(client.failed[0].sqlstate, "08001");
}

TEST_F(PoolTest, ARefusedAttachIsNotToldInItsOwnWords) {
  server.script.on_query = [](auto& session, const std::string&) {
    SqlError error;
    error.sqlstate = "PR010";
    error.message = "epoch too old";
    session.SendError(error);
    return std::string("Z\0\0\0\5I", 6);
  };
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return !client.failed.empty(); }));
  EXPECT_EQ(client.failed[0].sqlstate, "57P03");
}

TEST_F(PoolTest, AFullShardIsWaitedFor) {
  int refusals = 2;
  server.script.on_query = [&refusals](auto& session,
                                       const std::string& sql) -> std::optional<std::string> {
    if (sql.find("attach") == std::string::npos || refusals-- <= 0)
      return std::nullopt;
    SqlError error;
    error.sqlstate = "53300";
    error.message = "sorry, too many clients already";
    session.SendError(error, "FATAL");
    session.Close();
    return std::string();
  };
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  EXPECT_TRUE(client.failed.empty());
  EXPECT_EQ(pool->metrics().connect_failures.value(), 2U);
  client.Release();
}

}  // namespace
}  // namespace pgreeve::pool
