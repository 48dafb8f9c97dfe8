#include "router/server.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <openssl/rand.h>

#include "config/load.h"
#include "router/base/status_macros.h"
#include "router/catalog/seal.h"
#include "router/log/log.h"
#include "router/session/session.h"
#include "router/worker_unit.h"

namespace pgreeve::server {
namespace {

constexpr auto kStartAgain = std::chrono::seconds(1);
constexpr auto kDrainPoll = std::chrono::milliseconds(50);

std::string RandomSecret() {
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    std::abort();  // without randomness no login is safe
  return {bytes.begin(), bytes.end()};
}

// "127.0.0.1:6432" or a folder; false when it is neither.
bool SplitAddress(const std::string& text, std::string& host, uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (!text.empty() && text[0] == '/') {
    host = text;
    port = 6432;
    return true;
  }
  if (colon == text.npos)
    return false;
  host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[')
    host = host.substr(1, host.size() - 2);
  port = static_cast<uint16_t>(std::stoi(text.substr(colon + 1)));
  return true;
}

log::Options ToLogOptions(const config::RouterSettings& settings) {
  log::Options options;
  options.level = static_cast<log::Level>(settings.log.level);
  options.format =
      settings.log.format == config::LogFormat::kJson ? log::Format::kJson : log::Format::kLogfmt;
  options.component = "router";
  options.id = settings.router_id;
  return options;
}

}  // namespace

Server::Server(config::RouterSettings settings, std::string settings_path)
    : settings_(std::move(settings)),
      settings_path_(std::move(settings_path)),
      incarnation_(metastore::NewIncarnation()),
      control_({.provision_wait = absl::Seconds(10),
                .tenants_per_second_max = settings_.provisioning.tenants_per_second_max}),
      build_collector_(PGREEVE_VERSION, "") {}

Server::~Server() = default;

absl::Status Server::Run() {
  log::Configure(ToLogOptions(settings_));
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads inherit it; WaitForSignals takes them
  signal(SIGPIPE, SIG_IGN);
  RETURN_IF_ERROR(Start());
  log::Info("router_started",
            "the router serves",
            {{"incarnation", incarnation_}, {"workers", workers_.size()}});
  WaitForSignals();
  Drain();
  Stop();
  log::Info("router_stopped", "the router has ended");
  return absl::OkStatus();
}

absl::Status Server::Start() {
  std::size_t count = static_cast<std::size_t>(settings_.workers);
  if (count == 0)
    count = std::max(1U, std::thread::hardware_concurrency());
  const std::string mock_secret = RandomSecret();
  std::vector<session::WorkerContext*> contexts;
  for (std::size_t i = 0; i < count; i++) {
    auto unit = std::make_unique<WorkerUnit>(
        static_cast<int>(i), settings_, incarnation_, budget_, control_, tiers_);
    unit->context.limits = ToLimits(settings_, count);
    unit->context.router_name = settings_.router_id;
    unit->context.incarnation = incarnation_;
    unit->context.version = PGREEVE_VERSION;
    unit->context.mock_secret = mock_secret;
    contexts.push_back(&unit->context);
    workers_.push_back(std::move(unit));
  }
  metastore::FollowerOptions options;
  options.catalog_dsn = settings_.catalog.dsn;
  options.snapshot_path = settings_.catalog.snapshot_file;
  if (!settings_.catalog.snapshot_key.empty())
    options.seal_key = catalog::SealKeyFromText(settings_.catalog.snapshot_key);
  options.snapshot_age_max = settings_.catalog.snapshot_age_max;
  options.poll_interval = settings_.catalog.poll;
  options.lease = settings_.catalog.lease;
  options.router_name = settings_.router_id;
  options.incarnation = incarnation_;
  options.address = settings_.listen.pg.empty() ? "" : settings_.listen.pg[0];
  options.http_address = settings_.listen.http;
  follower_ = std::make_unique<metastore::Follower>(
      options, [this](std::shared_ptr<const catalog::Placement> placement) {
        Publish(std::move(placement));
      });
  control_.Connect(std::move(contexts), follower_.get());
  control_.OnReload([this] { Reload(); });
  RETURN_IF_ERROR(Listen());
  RETURN_IF_ERROR(StartHttp());
  for (const auto& unit : workers_) {
    unit->tick.ArmAfter(absl::ZeroDuration());
    unit->thread = std::thread([&worker = unit->worker] { worker.Run(); });
  }
  starter_ = std::thread([this] { StartFollower(); });
  return absl::OkStatus();
}

// Without catalog and snapshot there is nothing to serve from; clients hear 57P03 until there is.
void Server::StartFollower() {
  while (!stopping_) {
    const absl::Status started = follower_->Start();
    if (started.ok())
      return;
    log::Warning("catalog_unreachable",
                 "neither the catalog nor a snapshot could be read",
                 {{"reason", std::string(started.message())}});
    std::this_thread::sleep_for(kStartAgain);
  }
}

void Server::Publish(std::shared_ptr<const catalog::Placement> placement) {
  has_placement_ = true;
  process_.CatalogAt(Epoch{placement->timeline, placement->epoch});
  for (const auto& [id, shard] : placement->shards)
    process_.PoolSizeIs(id, shard.backends_max);
  for (const auto& unit : workers_) {
    WorkerUnit* target = unit.get();
    unit->worker.Post([target, placement] {
      // With a count of its own: sessions take and drop a reference with every lease.
      const auto own = std::make_shared<std::shared_ptr<const catalog::Placement>>(placement);
      target->context.placement = {own, placement.get()};
      target->context.placement_version++;
      target->planner.SetPlacement(placement);
      target->pool.SetPlacement(placement);
    });
  }
}

absl::Status Server::Listen() {
  for (const std::string& address : settings_.listen.pg) {
    net::ListenOptions options;
    if (!SplitAddress(address, options.host, options.port))
      return SqlStatus("22023", "listen.pg: \"" + address + "\" is no address");
    options.reuse_port = settings_.listen.reuseport;
    ASSIGN_OR_RETURN(
        auto listener,
        net::Listener::Start(workers_[0]->worker,
                             options,
                             [this](int fd, const net::SocketAddress& peer) { Accept(fd, peer); }));
    log::Info("listening", "clients may connect", {{"address", listener->address().ToString()}});
    listeners_.push_back(std::move(listener));
  }
  return absl::OkStatus();
}

// On the first worker's thread: the connection goes to the worker with the fewest sessions.
void Server::Accept(int fd, const net::SocketAddress& peer) {
  WorkerUnit* best = workers_[0].get();
  for (const auto& unit : workers_) {
    if (unit->sessions.load(std::memory_order_relaxed) <
        best->sessions.load(std::memory_order_relaxed))
      best = unit.get();
  }
  best->sessions.fetch_add(1, std::memory_order_relaxed);
  const bool local = peer.family() == AF_UNIX;
  best->worker.Post([best, fd, text = local ? std::string("unix") : peer.ToString(), local] {
    session::Session::Start(best->context, fd, text, local);
    best->sessions.store(static_cast<int64_t>(best->context.sessions.size()),
                         std::memory_order_relaxed);
  });
}

http::Response Server::Ready(const http::Request& request) const {
  const metastore::FollowerStatus status = follower_->Status();
  const bool ready = has_placement_ && !draining_;
  http::Response response;
  response.status = ready ? 200 : 503;
  if (!request.HasParameter("verbose")) {
    response.body = ready ? "ready\n" : "not ready\n";
    return response;
  }
  const auto flag = [](bool value) { return std::string(value ? "true" : "false"); };
  response.content_type = "application/json";
  response.body =
      "{\"ready\":" + flag(ready) + ",\"placement\":" + flag(has_placement_) +
      ",\"draining\":" + flag(draining_) + ",\"catalog_up\":" + flag(status.catalog_up) +
      ",\"from_snapshot\":" + flag(status.from_snapshot) + ",\"leased\":" + flag(status.leased) +
      ",\"epoch\":\"" + ToString(status.epoch) + "\"}\n";
  return response;
}

absl::Status Server::StartHttp() {
  metrics::RouterSources sources;
  for (const auto& unit : workers_)
    sources.workers.push_back(&unit->slots);
  sources.process = &process_;
  sources.tiers = &tiers_;
  sources.shard_name = [this](ShardId id) -> std::string {
    const auto placement = follower_->Current();
    const catalog::ShardInfo* shard = placement == nullptr ? nullptr : placement->FindShard(id);
    return shard == nullptr ? "" : shard->name;
  };
  sources.top_tenants = static_cast<std::size_t>(settings_.metrics.top_tenants);
  collector_ = std::make_unique<metrics::RouterCollector>(std::move(sources));
  if (settings_.listen.http.empty())
    return absl::OkStatus();
  http::Routes routes;
  routes.Add("GET", "/livez", [](const http::Request&) {
    http::Response response;
    response.body = "alive\n";
    return response;
  });
  routes.Add("GET", "/readyz", [this](const http::Request& request) { return Ready(request); });
  routes.Add("GET", "/metrics", [this](const http::Request&) {
    const metastore::FollowerStatus status = follower_->Status();
    if (status.catalog_up)
      process_.CatalogAnswered(status.confirmed_at);
    else
      process_.CatalogFailed();
    http::Response response;
    response.content_type = metrics::kTextContentType;
    response.body =
        metrics::ExpositionText({&build_collector_, collector_.get(), &process_collector_});
    return response;
  });
  http::ServerOptions options;
  if (!SplitAddress(settings_.listen.http, options.address, options.port))
    return SqlStatus("22023", "listen.http is no address");
  ASSIGN_OR_RETURN(http_, http::HttpServer::Start(options, std::move(routes)));
  return absl::OkStatus();
}

void Server::WaitForSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, number);
  while (true) {
    int number = 0;
    if (sigwait(&signals, &number) != 0)
      continue;
    if (number != SIGHUP)
      return;
    Reload();
  }
}

void Server::Reload() {
  const std::lock_guard lock(reload_mutex_);
  auto loaded = config::LoadRouter(settings_path_);
  if (!loaded.ok()) {
    log::Error("reload_failed",
               "the settings file has mistakes; nothing was changed",
               {{"reason", std::string(loaded.status().message())}});
    return;
  }
  for (const config::Change& change : config::Diff(settings_, *loaded)) {
    log::Info("setting_changed",
              change.applied_now ? "applied" : "applies at the next restart",
              {{"setting", change.setting}, {"old", change.before}, {"new", change.after}});
  }
  settings_ = config::Applied(settings_, *std::move(loaded));
  log::Configure(ToLogOptions(settings_));
  collector_->SetTopTenants(static_cast<std::size_t>(settings_.metrics.top_tenants));
  for (const auto& unit : workers_) {
    WorkerUnit* target = unit.get();
    const session::SessionLimits limits = ToLimits(settings_, workers_.size());
    const pool::PoolOptions pool = ToPoolOptions(settings_, incarnation_);
    unit->worker.Post([target, limits, pool] {
      target->context.limits = limits;
      target->pool.SetOptions(pool);
    });
  }
  log::Info("reloaded", "the settings file was read again");
}

// Not ready any more, no new connections, idle clients are told to go elsewhere, the others when
// their transaction ends.
void Server::Drain() {
  draining_ = true;
  log::Info("draining", "waiting for transactions to end", {{"limit_s", settings_.timeouts.drain}});
  workers_[0]->worker.Post([this] { listeners_.clear(); });
  for (const auto& unit : workers_) {
    unit->worker.Post([context = &unit->context] {
      context->draining = true;
      const std::vector<session::Session*> sessions(context->sessions.begin(),
                                                    context->sessions.end());
      for (session::Session* session : sessions)
        session->Shutdown(false);
    });
  }
  const auto deadline =
      std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(settings_.timeouts.drain);
  sigset_t again;
  sigemptyset(&again);
  sigaddset(&again, SIGTERM);
  sigaddset(&again, SIGINT);
  std::atomic<int64_t> left{1};
  while (left > 0 && std::chrono::steady_clock::now() < deadline) {
    std::atomic<std::size_t> answers{0};
    std::atomic<int64_t> sum{0};
    for (const auto& unit : workers_) {
      unit->worker.Post([context = &unit->context, &answers, &sum] {
        sum += static_cast<int64_t>(context->sessions.size());
        answers++;
      });
    }
    while (answers < workers_.size())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    left = sum.load();
    const timespec poll{0, std::chrono::nanoseconds(kDrainPoll).count()};
    if (left > 0 && sigtimedwait(&again, nullptr, &poll) > 0)
      return;  // asked twice
  }
}

void Server::Stop() {
  stopping_ = true;
  if (starter_.joinable())
    starter_.join();
  http_.reset();
  follower_->Stop();
  for (const auto& unit : workers_) {
    unit->worker.Post([target = unit.get()] {
      const std::vector<session::Session*> sessions(target->context.sessions.begin(),
                                                    target->context.sessions.end());
      for (session::Session* session : sessions)
        session->Shutdown(true);
      target->pool.CloseAll();
      target->worker.Defer([target] { target->worker.Stop(); });
    });
  }
  for (const auto& unit : workers_) {
    if (unit->thread.joinable())
      unit->thread.join();
  }
  // What could not say good-bye in time goes with the worker.
  for (const auto& unit : workers_) {
    const std::vector<session::Session*> sessions(unit->context.sessions.begin(),
                                                  unit->context.sessions.end());
    for (session::Session* session : sessions)
      delete session;
  }
  listeners_.clear();
}

}  // namespace pgreeve::server
