// The door from the workers to the catalog: verbs of sessions become jobs of the follower, and
// their results come back to the worker that asked. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "router/metastore/follower.h"
#include "router/net/worker.h"
#include "router/session/worker_context.h"

namespace pgreeve::server {

struct ControlOptions {
  absl::Duration provision_wait = absl::Seconds(10);
  int64_t tenants_per_second_max = 20;  // made by INSERT
};

class Control final : public session::ControlServices {
 public:
  explicit Control(ControlOptions options) : options_(options) {}

  // Before the first session. The workers and the follower outlive all calls.
  void Connect(std::vector<session::WorkerContext*> workers, metastore::Follower* follower);

  void OnReload(std::function<void()> reload) { reload_ = std::move(reload); }

  void CreateTenant(int worker, session::NewTenant tenant, Done done) override;
  void DeclareTable(int worker, TableFact fact, std::string actor, Done done) override;
  void ForgetTable(
      int worker, std::string schema, std::string table, std::string actor, Done done) override;
  void BeginDdl(int worker, std::string sql, std::string actor, Begun done) override;
  void FinishDdl(int worker, int64_t sequence, bool succeeded, Done done) override;
  void RecordCommit(int worker, std::string gid, Done done) override;
  void Audit(std::string actor, std::string action, std::string subject) override;
  bool HasLease() const override;
  void Cancel(uint32_t pid, std::string secret) override;
  void LoginFailed(std::string user, std::string peer, SqlError error) override;
  void Reload() override;

 private:
  void PlaceTenant(int worker, session::NewTenant tenant, absl::Time deadline, Done done);
  bool MayProvision();
  void Submit(int worker, metastore::Follower::Job job, Done done);

  ControlOptions options_;
  std::vector<session::WorkerContext*> workers_;
  metastore::Follower* follower_ = nullptr;
  std::function<void()> reload_;
  std::mutex mutex_;
  double provision_tokens_ = 0;
  absl::Time provision_refilled_;
};

}  // namespace pgreeve::server
