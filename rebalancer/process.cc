#include "rebalancer/process.h"

#include <utility>

#include "router/base/status_macros.h"
#include "router/log/log.h"

namespace pgreeve::rebalancer {
namespace {

constexpr absl::Duration kOrphanInterval = absl::Seconds(5);
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const ProcessOptions& options) {
  std::unique_ptr<Process> process(new Process(options));
  RETURN_IF_ERROR(process->Open(options));
  return process;
}

Process::Process(const ProcessOptions& options) : meters_(options.id) {}

absl::Status Process::Open(const ProcessOptions& options) {
  LeaderOptions lead;
  lead.catalog_dsn = options.catalog_dsn;
  lead.id = options.id;
  lead.lease = options.lease;
  if (options.http)
    lead.address = options.http_address + ":" + std::to_string(options.http_port);
  leader_ = std::make_unique<Leader>(lead, meters_);
  if (options.http) {
    http::ServerOptions server;
    server.address = options.http_address;
    server.port = options.http_port;
    ASSIGN_OR_RETURN(http_, http::HttpServer::Start(server, Routes()));
  }
  AddDuties(options);
  leader_->Start();
  for (const auto& duty : duties_)
    duty->Start();
  return absl::OkStatus();
}

void Process::AddDuties(const ProcessOptions& options) {
  DutyOptions duty;
  duty.catalog_dsn = options.catalog_dsn;

  duty.name = "provision";
  duty.interval = options.poll;
  duty.channel = metastore::kRequestChannel;
  duty.statement_timeout = absl::Minutes(2);
  for (int64_t i = 0; i < options.shard_creations_max; ++i) {
    provisioners_.push_back(
        std::make_unique<Provisioner>("rebalancer:" + options.id, *leader_, meters_));
    Provisioner* provisioner = provisioners_.back().get();
    duties_.push_back(std::make_unique<Duty>(
        duty, *leader_, meters_, [provisioner](metastore::CatalogClient& catalog, int64_t token) {
          return provisioner->Round(catalog, token);
        }));
  }

  duty.channel.clear();
  duty.statement_timeout = absl::Seconds(30);
  duty.name = "measure";
  duty.interval = options.measure_interval;
  measurer_ = std::make_unique<Measurer>(*leader_, meters_);
  duties_.push_back(std::make_unique<Duty>(
      duty, *leader_, meters_, [this](metastore::CatalogClient& catalog, int64_t token) {
        return measurer_->Round(catalog, token);
      }));

  duty.name = "two_phase";
  duty.interval = kOrphanInterval;
  resolver_ = std::make_unique<OrphanResolver>(*leader_, meters_);
  duties_.push_back(std::make_unique<Duty>(
      duty, *leader_, meters_, [this](metastore::CatalogClient& catalog, int64_t token) {
        return resolver_->Round(catalog, token);
      }));
}

http::Routes Process::Routes() {
  http::Routes routes;
  const auto text = [](int status, std::string body) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
  };
  routes.Add("GET", "/livez", [text](const http::Request&) { return text(200, "ok\n"); });
  // A follower is ready: it takes over when the leader goes.
  routes.Add("GET", "/readyz", [this, text](const http::Request&) {
    if (!leader_->catalog_up())
      return text(503, "the catalog does not answer\n");
    return text(200, leader_->Token() != 0 ? "ok: leads\n" : "ok: follows\n");
  });
  routes.Add("GET", "/metrics", [this, text](const http::Request&) {
    http::Response page = text(200, meters_.Page());
    page.content_type = kMetricsType;
    return page;
  });
  return routes;
}

Process::~Process() {
  for (const auto& duty : duties_)
    duty->RequestStop();
  for (const auto& duty : duties_)
    duty->Stop();
  http_.reset();  // its handlers use the leader
  if (leader_ != nullptr)
    leader_->Stop();
}

}  // namespace pgreeve::rebalancer
