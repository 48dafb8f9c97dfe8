#include "router/pool/derivation_thread.h"

#include <utility>

namespace pgreeve::pool {
namespace {

// Names a request without holding its password.
std::string KeyOf(const auth::KeyDerivation& request) {
  return auth::HmacSha256(request.password,
                          std::to_string(request.iterations) + ":" + request.salt);
}

}  // namespace

DerivationThread::~DerivationThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void DerivationThread::Derive(const auth::KeyDerivation& request, Done done) {
  std::string key = KeyOf(request);
  if (const auto it = results_->remembered.find(key); it != results_->remembered.end()) {
    done(std::string(it->second));
    return;
  }
  std::vector<Done>& waiting = results_->waiting[key];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1)
    return;
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back({std::move(key), request});
  }
  if (!thread_.joinable())
    thread_ = std::thread([this] { Work(); });
  changed_.notify_one();
}

void DerivationThread::Work() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_)
        return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    std::string salted = auth::Derive(job.request);
    worker_.Post([results = std::weak_ptr<Results>(results_),
                  key = std::move(job.key),
                  salted = std::move(salted)]() mutable {
      if (const auto alive = results.lock())
        alive->Finish(key, std::move(salted));
    });
  }
}

void DerivationThread::Results::Finish(const std::string& key, std::string salted_password) {
  if (remembered.size() >= kRememberedMax)
    remembered.clear();
  remembered.insert_or_assign(key, salted_password);
  const auto node = waiting.extract(key);
  if (node.empty())
    return;
  for (Done& done : node.mapped())
    done(salted_password);
}

}  // namespace pgreeve::pool
