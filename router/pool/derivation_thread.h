// Salts passwords (PBKDF2) where they hold up no session: a shard decides how long that takes. One
// thread, started by the first request; results are remembered, so that all later logins with the
// same role and salt cost nothing.
// Worker thread only; results come back through the worker.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <absl/functional/any_invocable.h>

#include "router/auth/scram_keys.h"
#include "router/base/string_map.h"
#include "router/net/worker.h"

namespace pgreeve::pool {

class DerivationThread {
 public:
  // Gets the salted password; called from the worker's loop, or at once when it is remembered.
  using Done = absl::AnyInvocable<void(const std::string& salted_password)>;

  explicit DerivationThread(net::Worker& worker) : worker_(worker) {}

  // Waits for the derivation that runs; what is queued is dropped without a call.
  ~DerivationThread();
  DerivationThread(const DerivationThread&) = delete;
  DerivationThread& operator=(const DerivationThread&) = delete;

  void Derive(const auth::KeyDerivation& request, Done done);

  static constexpr std::size_t kRememberedMax = 1024;

 private:
  struct Job {
    std::string key;
    auth::KeyDerivation request;
  };

  // Outlives this object in closures that are posted to the worker.
  struct Results {
    StringMap<std::string> remembered;
    StringMap<std::vector<Done>> waiting;
    void Finish(const std::string& key, std::string salted_password);
  };

  void Work();

  net::Worker& worker_;
  std::shared_ptr<Results> results_ = std::make_shared<Results>();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace pgreeve::pool
