// Lending: whose backend, whose turn, what is sent before.
#include "router/pool/pool.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/router/pool/pool_fixture.h"

namespace pgreeve::pool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

PoolOptions Limited(int32_t limit) {
  PoolOptions options;
  options.backends_per_shard_max = limit;
  return options;
}

TEST_F(PoolTest, TheSameTenantAgainNeedsNothing) {
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  client.Acquire(For(alice));
  ASSERT_NE(client.backend, nullptr) << "at hand";
  client.Query("SELECT 2");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  client.Release();
  EXPECT_THAT(server.sessions.at(0)->queries,
              ElementsAre(StartsWith("SELECT pgreeve.attach"),
                          StartsWith("SET pgreeve.token"),
                          "SELECT 1",
                          "SELECT 2"));
}

// The three tests of isolation, part one. The bind in front of the DELETE fails; the DELETE was
// pipelined behind it and runs anyway. It must not find the previous tenant's token.
TEST_F(PoolTest, AFailingBindLeavesThePipelinedStatementWithoutAnyTenant) {
  MakePool(Limited(1));
  Client first(*pool);
  ASSERT_TRUE(RunOnce(first, For(alice)));
  const std::string token_of_alice = server.sessions.at(0)->token;
  ASSERT_FALSE(token_of_alice.empty());
  server.script.on_query = [](auto& session, const std::string& sql) -> std::optional<std::string> {
    if (!sql.starts_with("SET pgreeve.token"))
      return std::nullopt;
    SqlError error;
    error.sqlstate = "53200";
    error.message = "out of memory";
    session.SendError(error);
    return std::string("Z\0\0\0\5I", 6);
  };
  Client second(*pool);
  second.Acquire(For(bob));
  ASSERT_TRUE(Until([&] { return second.backend != nullptr; }));
  second.Query("DELETE FROM events");
  ASSERT_TRUE(Until([&] { return !second.closed.empty(); }));
  EXPECT_EQ(second.closed[0].sqlstate, "08006");
  EXPECT_THAT(second.closed[0].detail, HasSubstr("out of memory"));
  EXPECT_THAT(second.received, IsEmpty());
  const auto& session = *server.sessions.at(0);
  ASSERT_TRUE(Until([&] { return !session.open(); }));
  ASSERT_EQ(server.sessions.size(), 1U) << "it was the backend that had been bound to alice";
  EXPECT_THAT(session.queries,
              ElementsAre(StartsWith("SELECT pgreeve.attach"),
                          StartsWith("SET pgreeve.token"),
                          "SELECT 1",
                          HasSubstr("RESET ALL"),
                          StartsWith("SET pgreeve.token"),
                          "DELETE FROM events"));
  ASSERT_EQ(session.ran.size(), 2U);
  EXPECT_EQ(session.ran[1].sql, "DELETE FROM events");
  EXPECT_EQ(session.ran[1].token, "");
}

// What is written on the stream between two tenants: the unbind alone, then silence until its
// answer has come, and only then the bind and the statement behind it.
TEST_F(PoolTest, NothingFollowsAnUnbindBeforeItsAnswer) {
  MakePool(Limited(1));
  Client first(*pool);
  ASSERT_TRUE(RunOnce(first, For(alice)));
  support::ScriptedBackend::Session* held = nullptr;
  server.script.on_query = [&held](auto& session,
                                   const std::string& sql) -> std::optional<std::string> {
    if (sql.find("RESET ALL") == std::string::npos)
      return std::nullopt;
    held = &session;
    return std::string();
  };
  Client second(*pool);
  second.Acquire(For(bob));
  ASSERT_TRUE(Until([&] { return held != nullptr; }));
  for (int i = 0; i < 5; ++i)
    worker.Turn(absl::ZeroDuration());
  EXPECT_EQ(second.backend, nullptr);
  EXPECT_THAT(held->queries.back(), HasSubstr("RESET ALL"));
  held->token.clear();
  held->SendReply("DISCARD TEMP");
  ASSERT_TRUE(Until([&] { return second.backend != nullptr; }));
  second.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return second.answered(); }));
  EXPECT_THAT(held->ran.back().token, StartsWith("1:626f62:"));
  second.Release();
}

TEST_F(PoolTest, AnUnbindThatFailsClosesTheConnection) {
  const std::string answers[] = {std::string("Z\0\0\0\5T", 6),
                                 std::string("Z\0\0\0\5E", 6),
                                 std::string("E\0\0\0\5\0Z\0\0\0\5I", 12),
                                 std::string("garbage that is no message")};
  for (const std::string& answer : answers) {
    MakePool(Limited(1));
    server.script.on_query = nullptr;
    Client first(*pool);
    ASSERT_TRUE(RunOnce(first, For(alice)));
    auto* const session = server.sessions.back().get();
    server.script.on_query = [&answer](auto&, const std::string& sql) {
      return sql.find("RESET ALL") == std::string::npos ? std::nullopt
                                                        : std::optional<std::string>(answer);
    };
    Client second(*pool);
    ASSERT_TRUE(RunOnce(second, For(bob)));
    EXPECT_NE(server.sessions.back().get(), session);
    EXPECT_FALSE(session->open());
    EXPECT_THAT(server.sessions.back()->queries, ::testing::SizeIs(3));
  }
}

TEST_F(PoolTest, AnUnbindWithoutAnswerClosesTheConnection) {
  PoolOptions options = Limited(1);
  options.reset_timeout = absl::Milliseconds(20);
  MakePool(options);
  Client first(*pool);
  ASSERT_TRUE(RunOnce(first, For(alice)));
  auto* const session = server.sessions.back().get();
  server.script.on_query = [](auto&, const std::string& sql) {
    return sql.find("RESET ALL") == std::string::npos ? std::nullopt
                                                      : std::optional<std::string>("");
  };
  Client second(*pool);
  ASSERT_TRUE(RunOnce(second, For(bob)));
  EXPECT_FALSE(session->open());
  EXPECT_EQ(pool->metrics().reset_failures.value(), 1U);
}

TEST_F(PoolTest, ADirtyBackendIsResetAndBoundAgain) {
  MakePool(Limited(1));
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  client.Query("SELECT set_config('a.b', 'c', false)");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  client.Release(Return::kDirty);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  EXPECT_THAT(server.sessions.at(0)->queries,
              ElementsAre(StartsWith("SELECT pgreeve.attach"),
                          StartsWith("SET pgreeve.token"),
                          StartsWith("SELECT set_config"),
                          HasSubstr("RESET ALL"),
                          StartsWith("SET pgreeve.token"),
                          "SELECT 1"));
  EXPECT_EQ(pool->metrics().resets.value(), 1U);
}

TEST_F(PoolTest, SettingsGoAheadOfTheBindAndAreResetBeforeOthers) {
  MakePool(Limited(1));
  LeaseRequest with_settings = For(alice);
  with_settings.settings =
      std::make_shared<SettingsSet>(SettingsSet{5, "SET a = 'x'; SET b = 'y'"});
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, with_settings));
  ASSERT_TRUE(RunOnce(client, with_settings));
  ASSERT_TRUE(RunOnce(client, For(alice)));
  EXPECT_THAT(server.sessions.at(0)->queries,
              ElementsAre(StartsWith("SELECT pgreeve.attach"),
                          "SET a = 'x'; SET b = 'y'",
                          StartsWith("SET pgreeve.token"),
                          "SELECT 1",
                          "SELECT 1",
                          HasSubstr("RESET ALL"),
                          StartsWith("SET pgreeve.token"),
                          "SELECT 1"));
}

TEST_F(PoolTest, ATenantsNewEpochIsANewToken) {
  MakePool(Limited(1));
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  const catalog::TenantInfo moved = Tenant("alice", 9);
  ASSERT_TRUE(RunOnce(client, For(moved)));
  EXPECT_THAT(server.sessions.at(0)->queries,
              ElementsAre(StartsWith("SELECT pgreeve.attach"),
                          StartsWith("SET pgreeve.token = '1:616c696365:3:"),
                          "SELECT 1",
                          StartsWith("SET pgreeve.token = '1:616c696365:9:"),
                          "SELECT 1"));
}

TEST_F(PoolTest, ATokenIsRenewedAtHalfOfItsLife) {
  PoolOptions options = Limited(1);
  options.token_lifetime = absl::Milliseconds(40);
  options.unbind_idle = absl::Hours(1);
  MakePool(options);
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  const absl::Duration bound_at = worker.now();
  ASSERT_TRUE(Until([&] { return worker.now() - bound_at > absl::Milliseconds(21); }));
  ASSERT_TRUE(RunOnce(client, For(alice)));
  EXPECT_THAT(server.sessions.at(0)->queries, ::testing::SizeIs(5));
  EXPECT_EQ(pool->metrics().unbinds.value(), 0U);
  // A lease that lasts: in front of the transaction that begins after half of the life.
  client.Acquire(For(alice));
  ASSERT_NE(client.backend, nullptr);
  client.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  const absl::Duration renewed_at = worker.now();
  ASSERT_TRUE(Until([&] { return worker.now() - renewed_at > absl::Milliseconds(21); }));
  client.received.clear();
  pool->RenewBinding(client.backend);
  client.Query("SELECT 2");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  EXPECT_EQ(client.received, std::string("C\0\0\0\13SELECT\0Z\0\0\0\5I", 18));
  const auto& queries = server.sessions.at(0)->queries;
  EXPECT_THAT(queries.at(queries.size() - 2), StartsWith("SET pgreeve.token"));
  client.Release();
}

TEST_F(PoolTest, AnIdleBackendIsUnboundInTheBackground) {
  PoolOptions options;
  options.unbind_idle = absl::Milliseconds(1);
  MakePool(options);
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  ASSERT_TRUE(Until([&] { return server.sessions.at(0)->token.empty(); }));
  ASSERT_TRUE(Until([&] { return pool->Stats()[0].idle == 1; }));
  client.Acquire(For(bob));
  EXPECT_NE(client.backend, nullptr) << "an unbound one is at hand";
  client.Release();
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(PoolTest, ALeaseThatSentNothingLeavesTheBindingAlone) {
  MakePool(Limited(1));
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  client.Release();
  client.Acquire(For(bob));
  ASSERT_NE(client.backend, nullptr) << "still blank";
  client.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  client.Release();
  EXPECT_THAT(server.sessions.at(0)->token, StartsWith("1:626f62:"));
}

TEST_F(PoolTest, OperatorsAreNotBound) {
  LeaseRequest request;
  request.shard = kShard;
  request.role = catalog::RoleClass::kOperator;
  request.tenant = &alice;
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, request));
  EXPECT_THAT(server.sessions.at(0)->queries,
              ElementsAre(StartsWith("SELECT pgreeve.attach"), "SELECT 1"));
}

TEST_F(PoolTest, FirstInFirstOutWithinATenantAndTurnsBetweenThem) {
  MakePool(Limited(1));
  Client holder(*pool);
  holder.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return holder.backend != nullptr; }));
  std::vector<std::string> order;
  std::vector<std::unique_ptr<Client>> clients;
  const auto add = [&](const std::string& name, const catalog::TenantInfo& tenant) {
    clients.push_back(std::make_unique<Client>(*pool));
    Client* const client = clients.back().get();
    client->on_lease = [&order, client, name] {
      order.push_back(name);
      client->Query("SELECT 1");
    };
    client->on_bytes = [client] {
      if (client->answered())
        client->Release();
    };
    client->Acquire(For(tenant));
  };
  const catalog::TenantInfo carol = Tenant("carol");
  for (int i = 0; i < 3; ++i)
    add("bob" + std::to_string(i), bob);
  add("carol0", carol);
  add("carol1", carol);
  holder.Release();
  ASSERT_TRUE(Until([&] { return order.size() == clients.size(); }));
  const auto at = [&](const std::string& name) {
    return std::find(order.begin(), order.end(), name) - order.begin();
  };
  EXPECT_EQ(order[0], "bob0");
  EXPECT_LT(at("bob0"), at("bob1"));
  EXPECT_LT(at("bob1"), at("bob2"));
  EXPECT_LT(at("carol0"), at("carol1"));
  ASSERT_TRUE(Until([&] { return pool->Stats()[0].idle == 1; }));
  EXPECT_EQ(server.sessions.size(), 1U);
}

TEST_F(PoolTest, AReleasedBackendIsLentOnInTheSameTurn) {
  MakePool(Limited(1));
  Client first(*pool);
  Client second(*pool);
  first.Acquire(For(alice));
  second.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return first.backend != nullptr; }));
  bool released = false;
  first.on_bytes = [&] {
    if (!first.answered())
      return;
    first.Release();
    EXPECT_EQ(second.backend, nullptr) << "never inside a call";
    released = true;
  };
  first.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return released; }));
  EXPECT_NE(second.backend, nullptr) << "at the end of the turn";
  second.Release();
}

TEST_F(PoolTest, WaitersGiveUpAfterTheTimeout) {
  PoolOptions options = Limited(1);
  options.queue_timeout = absl::Milliseconds(15);
  MakePool(options);
  Client holder(*pool);
  Client waiter(*pool);
  holder.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return holder.backend != nullptr; }));
  waiter.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return !waiter.failed.empty(); }));
  EXPECT_EQ(waiter.failed[0].sqlstate, "53300");
  holder.Release();
  worker.Turn(absl::ZeroDuration());
  EXPECT_EQ(waiter.backend, nullptr);
  EXPECT_EQ(pool->Stats()[0].waiting, 0);
}

TEST_F(PoolTest, TheQueueHasAnEnd) {
  PoolOptions options = Limited(1);
  options.waiters_max = 1;
  MakePool(options);
  Client a(*pool);
  Client b(*pool);
  a.Acquire(For(alice));
  b.Acquire(For(alice));
  worker.Turn(absl::ZeroDuration());
  ASSERT_EQ(b.failed.size(), 1U);
  EXPECT_EQ(b.failed[0].sqlstate, "53300");
  pool->Forget(&a);
}

TEST_F(PoolTest, AForgottenWaiterIsNotCalledWhereverItStands) {
  MakePool(Limited(1));
  Client queued(*pool);
  queued.Acquire(For(alice));
  pool->Forget(&queued);
  pool->Forget(&queued);
  ASSERT_TRUE(Until([&] { return pool->Stats()[0].idle == 1; }));
  // Granted but not yet told.
  Client holder(*pool);
  Client granted(*pool);
  Client last(*pool);
  holder.Acquire(For(alice));
  granted.Acquire(For(alice));
  last.Acquire(For(alice));
  ASSERT_NE(holder.backend, nullptr);
  holder.Release();
  pool->Forget(&granted);
  worker.Turn(absl::ZeroDuration());
  EXPECT_EQ(granted.leases, 0);
  EXPECT_EQ(last.leases, 1);
  last.Release();
  // Refused but not yet told.
  LeaseRequest nowhere = For(alice);
  nowhere.shard = ShardId{99};
  Client refused(*pool);
  refused.Acquire(nowhere);
  pool->Forget(&refused);
  Client told(*pool);
  told.Acquire(nowhere);
  worker.Turn(absl::ZeroDuration());
  EXPECT_THAT(refused.failed, IsEmpty());
  ASSERT_EQ(told.failed.size(), 1U);
  EXPECT_EQ(told.failed[0].sqlstate, "08001");
  EXPECT_EQ(queued.leases, 0);
}

TEST_F(PoolTest, AConnectionThatDiesInALeaseIsToldToItsUserAlone) {
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  client.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  server.sessions.at(0)->Close();
  ASSERT_TRUE(Until([&] { return !client.closed.empty(); }));
  EXPECT_EQ(client.closed[0].sqlstate, "08006");
  ASSERT_TRUE(RunOnce(client, For(alice)));
}

TEST_F(PoolTest, AnIdleConnectionThatDiesIsReplacedUnseen) {
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  server.sessions.at(0)->Close();
  ASSERT_TRUE(Until([&] { return pool->Stats()[0].idle == 0; }));
  ASSERT_TRUE(RunOnce(client, For(alice)));
  EXPECT_THAT(client.failed, IsEmpty());
  EXPECT_THAT(client.closed, IsEmpty());
}

TEST_F(PoolTest, WhatAnIdleBackendSaysUnaskedEndsIt) {
  Client client(*pool);
  ASSERT_TRUE(RunOnce(client, For(alice)));
  std::string harmless;
  wire::AppendParameterStatus(harmless, "TimeZone", "CET");
  server.sessions.at(0)->Send(harmless);
  for (int i = 0; i < 3; ++i)
    worker.Turn(absl::Milliseconds(1));
  EXPECT_EQ(pool->Stats()[0].idle, 1);
  server.sessions.at(0)->Send(std::string("D\0\0\0\6\0\0", 7));
  ASSERT_TRUE(Until([&] { return pool->Stats()[0].idle == 0; }));
}

TEST_F(PoolTest, AReleaseThatOwesIsClosed) {
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  client.Query("SELECT 1");
  client.Release();  // the bind has not been answered
  ASSERT_TRUE(Until([&] { return !server.sessions.at(0)->open(); }));
  EXPECT_EQ(pool->Stats()[0].idle, 0);
}

TEST_F(PoolTest, CancelHoldsTheBackendBackAndResetsIt) {
  MakePool(Limited(1));
  server.script.hold_cancels = true;
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  client.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  pool->CancelQuery(client.backend);
  pool->CancelQuery(client.backend);
  ASSERT_TRUE(Until([&] { return !server.cancels.empty(); }));
  EXPECT_THAT(server.cancels, ElementsAre(std::make_pair(1001U, std::string("abcd"))));
  client.Release();
  Client next(*pool);
  next.Acquire(For(alice));
  for (int i = 0; i < 3; ++i)
    worker.Turn(absl::ZeroDuration());
  EXPECT_EQ(next.backend, nullptr);
  server.sessions.back()->Close();
  ASSERT_TRUE(Until([&] { return next.backend != nullptr; }));
  EXPECT_THAT(server.sessions.at(0)->queries.back(), HasSubstr("RESET ALL"));
  next.Release();
}

TEST_F(PoolTest, ACancelWithoutAnswerEndsByItself) {
  MakePool(Limited(1));
  server.script.hold_cancels = true;
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  pool->CancelQuery(client.backend);
  client.Release();
  ASSERT_TRUE(RunOnce(client, For(alice)));
}

TEST_F(PoolTest, ALongAnswerSplitAnywhereReachesTheUserWhole) {
  server.script.byte_by_byte = true;
  std::string answer;
  for (int i = 0; i < 20; ++i)
    wire::AppendDataRow(answer, {std::string_view("some value")});
  wire::AppendReadyForQuery(answer, 'I');
  server.script.on_query = [&answer](auto&, const std::string& sql) {
    return sql == "SELECT 1" ? std::optional<std::string>(answer) : std::nullopt;
  };
  Client client(*pool);
  client.Acquire(For(alice));
  ASSERT_TRUE(Until([&] { return client.backend != nullptr; }));
  client.Query("SELECT 1");
  ASSERT_TRUE(Until([&] { return client.answered(); }));
  EXPECT_EQ(client.received, answer);
  client.Release();
}

}  // namespace
}  // namespace pgreeve::pool
