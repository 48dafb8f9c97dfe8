#include "router/control.h"

#include <algorithm>
#include <utility>

#include <openssl/crypto.h>

#include "router/base/status_macros.h"
#include "router/log/log.h"
#include "router/session/cancel_key.h"
#include "router/session/session.h"

namespace pgreeve::server {
namespace {

constexpr absl::Duration kPlaceAgain = absl::Milliseconds(250);

// A timer that lives until it has fired once. Worker thread.
class OneShot {
 public:
  static void After(net::Worker& worker, absl::Duration delay, absl::AnyInvocable<void()> task) {
    auto* shot = new OneShot(worker, std::move(task));
    shot->timer_.ArmAfter(delay);
  }

 private:
  OneShot(net::Worker& worker, absl::AnyInvocable<void()> task)
      : worker_(worker),
        task_(std::move(task)),
        timer_(worker, [this] {
          worker_.Defer([this] {
            task_();
            delete this;
          });
        }) {}

  net::Worker& worker_;
  absl::AnyInvocable<void()> task_;
  net::Timer timer_;
};

}  // namespace

void Control::Connect(std::vector<session::WorkerContext*> workers, metastore::Follower* follower) {
  workers_ = std::move(workers);
  follower_ = follower;
}

void Control::Submit(int worker, metastore::Follower::Job job, Done done) {
  net::Worker* back = &workers_[static_cast<std::size_t>(worker)]->worker;
  follower_->Submit(std::move(job), [back, done = std::move(done)](absl::Status status) mutable {
    back->Post([done = std::move(done), status = std::move(status)]() mutable {
      done(std::move(status));
    });
  });
}

// A token bucket of one second's worth: a typo in a loop must not fill the fleet.
bool Control::MayProvision() {
  const std::lock_guard lock(mutex_);
  const absl::Time now = absl::Now();
  const auto rate = static_cast<double>(options_.tenants_per_second_max);
  const double refill = absl::ToDoubleSeconds(now - provision_refilled_) * rate;
  provision_tokens_ = std::min(rate, provision_tokens_ + refill);
  provision_refilled_ = now;
  if (provision_tokens_ < 1)
    return false;
  provision_tokens_ -= 1;
  return true;
}

void Control::CreateTenant(int worker, session::NewTenant tenant, Done done) {
  if (tenant.automatic && !MayProvision()) {
    workers_[static_cast<std::size_t>(worker)]->worker.Post([done = std::move(done)]() mutable {
      done(SqlStatus("53400",
                     "too many tenants are being created",
                     "",
                     "The limit is provisioning.tenants_per_second_max."));
    });
    return;
  }
  PlaceTenant(worker, std::move(tenant), absl::Now() + options_.provision_wait, std::move(done));
}

// Where no shard has room the rebalancer makes one: asked again until it is there.
void Control::PlaceTenant(int worker, session::NewTenant tenant, absl::Time deadline, Done done) {
  metastore::TenantSpec spec;
  spec.id = tenant.id;
  spec.tier = tenant.tier;
  spec.region = tenant.region;
  auto job = [spec, tenant](metastore::CatalogClient& catalog) {
    return catalog.CreateTenant(spec, tenant.actor).status();
  };
  Submit(worker,
         std::move(job),
         [this, worker, tenant, deadline, done = std::move(done)](absl::Status status) mutable {
           if (!metastore::CatalogClient::IsShardPending(status) || absl::Now() >= deadline) {
             done(std::move(status));
             return;
           }
           OneShot::After(workers_[static_cast<std::size_t>(worker)]->worker,
                          kPlaceAgain,
                          [this, worker, tenant, deadline, done = std::move(done)]() mutable {
                            PlaceTenant(worker, tenant, deadline, std::move(done));
                          });
         });
}

void Control::DeclareTable(int worker, TableFact fact, std::string actor, Done done) {
  auto job = [fact = std::move(fact), actor = std::move(actor)](metastore::CatalogClient& catalog) {
    return catalog.DeclareTable(fact, actor);
  };
  Submit(worker, std::move(job), std::move(done));
}

void Control::ForgetTable(
    int worker, std::string schema, std::string table, std::string actor, Done done) {
  auto job = [schema = std::move(schema), table = std::move(table), actor = std::move(actor)](
                 metastore::CatalogClient& catalog) {
    return catalog.DropTable(schema, table, actor);
  };
  Submit(worker, std::move(job), std::move(done));
}

void Control::BeginDdl(int worker, std::string sql, std::string actor, Begun done) {
  auto sequence = std::make_shared<int64_t>(0);
  auto job = [sequence, sql = std::move(sql), actor = std::move(actor)](
                 metastore::CatalogClient& catalog) {
    ASSIGN_OR_RETURN(*sequence, catalog.BeginSchemaDdl(sql, actor));
    return absl::OkStatus();
  };
  Submit(worker, std::move(job), [sequence, done = std::move(done)](absl::Status status) mutable {
    if (status.ok())
      done(*sequence);
    else
      done(std::move(status));
  });
}

void Control::FinishDdl(int worker, int64_t sequence, bool succeeded, Done done) {
  auto job = [sequence, succeeded](metastore::CatalogClient& catalog) {
    return catalog.FinishSchemaDdl(sequence, succeeded);
  };
  Submit(worker, std::move(job), std::move(done));
}

void Control::RecordCommit(int worker, std::string gid, Done done) {
  auto job = [gid = std::move(gid)](metastore::CatalogClient& catalog) -> absl::Status {
    ASSIGN_OR_RETURN(const bool commit, catalog.RecordDecision(gid, true));
    if (!commit)
      return SqlStatus("40000", "recovery has rolled the transaction back");
    return absl::OkStatus();
  };
  Submit(worker, std::move(job), std::move(done));
}

void Control::Audit(std::string actor, std::string action, std::string subject) {
  constexpr std::size_t kSubjectBytesMax = 2000;
  if (subject.size() > kSubjectBytesMax)
    subject.resize(kSubjectBytesMax);
  follower_->Submit(
      [actor = std::move(actor), action = std::move(action), subject = std::move(subject)](
          metastore::CatalogClient& catalog) {
        return catalog.AppendAudit(actor, action, subject, "");
      },
      [](absl::Status status) {
        if (!status.ok())
          log::Warning("audit_failed",
                       "an audit row could not be written",
                       {{"reason", std::string(status.message())}});
      });
}

bool Control::HasLease() const {
  return follower_->Status().leased;
}

void Control::Cancel(uint32_t pid, std::string secret) {
  const uint32_t index = session::WorkerOfCancelPid(pid);
  if (index >= workers_.size())
    return;
  session::WorkerContext* context = workers_[index];
  context->worker.Post([context, pid, secret = std::move(secret)] {
    const auto it = context->by_pid.find(pid);
    if (it == context->by_pid.end())
      return;
    const std::string_view expected = it->second->cancel_secret();
    if (expected.size() == secret.size() &&
        CRYPTO_memcmp(expected.data(), secret.data(), secret.size()) == 0)
      it->second->CancelQuery();
  });
}

void Control::LoginFailed(std::string user, std::string peer, SqlError error) {
  log::Info("login_failed",
            error.message,
            {{"user", user}, {"client", peer}, {"sqlstate", error.sqlstate}});
}

void Control::Reload() {
  if (reload_)
    reload_();
}

}  // namespace pgreeve::server
