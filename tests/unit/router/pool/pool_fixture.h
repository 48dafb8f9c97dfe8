// A pool, a fake shard and clients on one worker, driven by the test.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/pool/pool.h"
#include "router/pool/pool_metrics.h"
#include "router/wire/client_messages.h"
#include "tests/support/scripted_backend.h"

namespace pgreeve::pool {

// Borrows backends and keeps what it is told.
class Client final : public BackendUser, public Waiter {
 public:
  explicit Client(Pool& pool) : pool_(pool) {}

  void Acquire(const LeaseRequest& request) {
    ++asked;
    backend = pool_.Acquire(request, this, this);
    leases += backend != nullptr ? 1 : 0;
  }

  void Query(std::string_view sql) {
    std::string out;
    wire::AppendQuery(out, sql);
    backend->Send(out);
  }

  void Release(Return how = Return::kClean) {
    Backend* const leased = std::exchange(backend, nullptr);
    received.clear();
    pool_.Release(leased, how);
  }

  bool answered() const { return received.ends_with(std::string("Z\0\0\0\5I", 6)); }

  void OnBackendBytes(Backend& from, std::string_view bytes) override {
    EXPECT_EQ(&from, backend);
    received += bytes;
    if (on_bytes)
      on_bytes();
  }

  void OnBackendClosed(Backend& from, const SqlError& error) override {
    EXPECT_EQ(&from, backend);
    backend = nullptr;
    closed.push_back(error);
  }

  void OnBackendDrained(Backend& /*from*/) override {}

  void OnLease(Backend* granted) override {
    EXPECT_EQ(backend, nullptr);
    backend = granted;
    ++leases;
    if (on_lease)
      on_lease();
  }

  void OnLeaseFailed(const SqlError& error) override { failed.push_back(error); }

  Backend* backend = nullptr;
  int asked = 0;
  int leases = 0;
  std::string received;
  std::vector<SqlError> closed;
  std::vector<SqlError> failed;
  std::function<void()> on_lease;
  std::function<void()> on_bytes;

 private:
  Pool& pool_;
};

constexpr ShardId kShard{1};

inline catalog::TenantInfo Tenant(std::string_view text, uint64_t epoch = 3) {
  catalog::TenantInfo tenant;
  tenant.id = *TenantId::FromText(TenantType::kText, text);
  tenant.shard = kShard;
  tenant.epoch = epoch;
  return tenant;
}

class PoolTest : public ::testing::Test {
 protected:
  PoolTest() { MakePool({}); }

  void MakePool(PoolOptions options) {
    pool = std::make_unique<Pool>(worker, budget, std::move(options));
    pool->SetPlacement(MakePlacement());
  }

  std::shared_ptr<catalog::Placement> MakePlacement() const {
    auto placement = std::make_shared<catalog::Placement>();
    placement->epoch = 7;
    for (auto& role : placement->roles)
      role = {.user = "pgreeve_app", .password = "secret"};
    catalog::ShardInfo shard;
    shard.id = kShard;
    shard.name = "s1";
    shard.host = "127.0.0.1";
    shard.port = server.port();
    shard.database = "shard1";
    shard.token_kid = 1;
    shard.token_key = std::string(32, 'k');
    placement->shards.emplace(shard.id, shard);
    return placement;
  }

  // Turns the loop until `condition` holds; the deadline is for tests that would hang.
  template <class F>
  ::testing::AssertionResult Until(F condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return ::testing::AssertionFailure() << "did not happen";
      worker.Turn(absl::Milliseconds(20));
    }
    return ::testing::AssertionSuccess();
  }

  LeaseRequest For(const catalog::TenantInfo& tenant) const {
    LeaseRequest request;
    request.shard = kShard;
    request.tenant = &tenant;
    return request;
  }

  // Borrows, runs one statement, gives back.
  ::testing::AssertionResult RunOnce(Client& client, const LeaseRequest& request) {
    client.Acquire(request);
    if (auto leased = Until([&] { return client.backend != nullptr; }); !leased)
      return leased;
    client.Query("SELECT 1");
    auto answered = Until([&] { return client.answered(); });
    if (answered)
      client.Release();
    return answered;
  }

  net::Worker worker{0};
  support::ScriptedBackend server{worker};
  ConnectionBudget budget;
  std::unique_ptr<Pool> pool;
  const catalog::TenantInfo alice = Tenant("alice");
  const catalog::TenantInfo bob = Tenant("bob");
};

}  // namespace pgreeve::pool
