// What the catalog alone can tell.
#include <algorithm>
#include <string>

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "admin/cli/doctor.h"
#include "admin/cli/http_probe.h"
#include "admin/cli/lookup.h"
#include "router/base/status_macros.h"
#include "router/metastore/embedded_sql.h"

namespace pgreeve::cli {
namespace {

constexpr uint64_t kEpochsBehindMax = 5;
constexpr absl::Duration kCreatingMax = absl::Minutes(5);
constexpr double kPlacementAgeMaxSeconds = 60;

void CheckVersion(metastore::CatalogClient& catalog, Diagnosis& diagnosis) {
  const auto version = catalog.Version();
  const auto newest = static_cast<int32_t>(metastore::Migrations().size());
  if (!version.ok())
    diagnosis.Found({Severity::kError,
                     "catalog",
                     "version",
                     std::string(version.status().message()),
                     "pgreevectl catalog upgrade"});
  else if (*version < newest)
    diagnosis.Found({Severity::kError,
                     "catalog",
                     "version",
                     fmt::format("is {}, this program expects {}", *version, newest),
                     "pgreevectl catalog upgrade"});
  else if (*version > newest)
    diagnosis.Found({Severity::kWarning,
                     "catalog",
                     "version",
                     fmt::format("is {}, this program knows {}", *version, newest),
                     "use the pgreevectl of the newer version"});
  else
    diagnosis.Passed("catalog", "version", std::to_string(*version));
}

void CheckAudit(metastore::CatalogClient& catalog, Diagnosis& diagnosis) {
  const auto broken = catalog.VerifyAudit();
  if (!broken.ok())
    diagnosis.Found({Severity::kError,
                     "audit",
                     "chain",
                     std::string(broken.status().message()),
                     "look into the catalog's log"});
  else if (*broken)
    diagnosis.Found({Severity::kError,
                     "audit",
                     "chain",
                     fmt::format("row {} does not follow from the one before it", **broken),
                     "somebody changed or removed audit rows; compare with a backup"});
  else
    diagnosis.Passed("audit", "chain", "intact");
}

void CheckCounters(const FleetFacts& fleet, Diagnosis& diagnosis) {
  absl::flat_hash_map<ShardId, int32_t> counted;
  for (const auto& [id, home] : fleet.tenants)
    ++counted[home.shard];
  for (const metastore::ShardRow& shard : fleet.shards) {
    const int32_t tenants = counted[shard.info.id];
    if (tenants != shard.tenants)
      diagnosis.Found(
          {Severity::kError,
           "placement",
           shard.info.name,
           fmt::format("counts {} tenants, the directory lists {}", shard.tenants, tenants),
           fmt::format("in the catalog: UPDATE pgreeve.shards SET tenants = {} WHERE "
                       "id = {}",
                       tenants,
                       shard.info.id.value)});
    else if (tenants > shard.capacity)
      diagnosis.Found({Severity::kWarning,
                       "placement",
                       shard.info.name,
                       fmt::format("holds {} tenants, room is for {}", tenants, shard.capacity),
                       fmt::format("pgreevectl shard capacity {} {}", shard.info.name, tenants)});
    else
      diagnosis.Passed(
          "placement", shard.info.name, fmt::format("{} of {} tenants", tenants, shard.capacity));
  }
}

void CheckLeases(metastore::CatalogClient& catalog, const FleetFacts& fleet, Diagnosis& diagnosis) {
  for (const metastore::RouterRow& router : fleet.routers) {
    const bool other = router.acked.timeline != fleet.epoch.timeline;
    if (!router.live)
      diagnosis.Found({Severity::kWarning,
                       "lease",
                       "router " + router.name,
                       fmt::format("lost its lease {} ago",
                                   absl::FormatDuration(absl::Trunc(
                                       absl::Now() - router.lease_until, absl::Seconds(1)))),
                       "see whether it runs and reaches the catalog; a router that is gone for "
                       "good keeps its row until its name is used again"});
    else if (other || router.acked.n + kEpochsBehindMax < fleet.epoch.n)
      diagnosis.Found({Severity::kWarning,
                       "lease",
                       "router " + router.name,
                       fmt::format("is at epoch {}, the catalog at {}",
                                   pgreeve::ToString(router.acked),
                                   pgreeve::ToString(fleet.epoch)),
                       "look into its log for catalog errors"});
    else
      diagnosis.Passed("lease", "router " + router.name, pgreeve::ToString(router.acked));
  }
  if (fleet.routers.empty())
    diagnosis.Found({Severity::kWarning,
                     "lease",
                     "routers",
                     "no router has ever registered",
                     "start pgreeve-router with this catalog"});
  const auto leader = catalog.Leader();
  if (leader.ok() && *leader && (*leader)->live)
    diagnosis.Passed("lease", "rebalancer", (*leader)->holder);
  else
    diagnosis.Found({Severity::kWarning,
                     "lease",
                     "rebalancer",
                     "none leads: shards are not made, tenants not measured, transactions of dead "
                     "routers not resolved",
                     "start pgreeve-rebalancer with this catalog"});
}

void CheckRequests(metastore::CatalogClient& catalog,
                   const FleetFacts& fleet,
                   Diagnosis& diagnosis) {
  const auto requests = catalog.ListShardRequests();
  if (!requests.ok())
    return diagnosis.Found({Severity::kError,
                            "requests",
                            "shards",
                            std::string(requests.status().message()),
                            "look into the catalog's log"});
  bool clean = true;
  for (const metastore::ShardRequest& request : *requests) {
    const std::string subject = fmt::format("{} in {}", request.tier, request.region);
    const bool open = request.state == "waiting" || request.state == "taken";
    // A later shard of the same kind with room has answered the need.
    const bool served = std::any_of(fleet.shards.begin(), fleet.shards.end(), [&](const auto& s) {
      return s.info.tier == request.tier && s.info.region == request.region &&
             s.info.state == catalog::ShardState::kOpen && s.tenants < s.capacity;
    });
    if (request.state == "failed" && !served) {
      diagnosis.Found({Severity::kWarning,
                       "requests",
                       subject,
                       "no shard could be made: " + request.error,
                       fmt::format("pgreevectl shard add --tier {} --node … shows the error at "
                                   "once; then repeat what needed the shard",
                                   request.tier)});
      clean = false;
    } else if (open && absl::Now() - request.requested_at > kCreatingMax) {
      diagnosis.Found(
          {Severity::kWarning,
           "requests",
           subject,
           "a shard has been waited for since " +
               absl::FormatTime("%H:%M:%S UTC", request.requested_at, absl::UTCTimeZone()),
           "look into the log of the rebalancer that leads"});
      clean = false;
    }
  }
  for (const metastore::ShardRow& shard : fleet.shards) {
    if (shard.info.state == catalog::ShardState::kCreating) {
      diagnosis.Found({Severity::kNote, "requests", shard.info.name, "is being made", ""});
      clean = false;
    }
  }
  if (clean)
    diagnosis.Passed("requests", "shards", "none is waited for");
}

}  // namespace

const metastore::NodeRow* FleetFacts::FindNode(NodeId id) const {
  const auto it = std::find_if(
      nodes.begin(), nodes.end(), [&](const metastore::NodeRow& node) { return node.id == id; });
  return it == nodes.end() ? nullptr : &*it;
}

std::size_t FleetFacts::live_routers() const {
  return static_cast<std::size_t>(std::count_if(
      routers.begin(), routers.end(), [](const metastore::RouterRow& r) { return r.live; }));
}

absl::StatusOr<FleetFacts> ReadFleet(metastore::CatalogClient& catalog) {
  FleetFacts fleet;
  ASSIGN_OR_RETURN(const auto placement, catalog.LoadPlacement());
  ASSIGN_OR_RETURN(fleet.nodes, catalog.ListNodes());
  ASSIGN_OR_RETURN(fleet.shards, catalog.ListShards());
  ASSIGN_OR_RETURN(fleet.routers, catalog.ListRouters());
  fleet.epoch = Epoch{placement->timeline, placement->epoch};
  for (const auto& [name, fact] : placement->tables->all())
    fleet.tables.push_back(fact);
  std::sort(fleet.tables.begin(), fleet.tables.end(), [](const TableFact& a, const TableFact& b) {
    return std::tie(a.schema, a.name) < std::tie(b.schema, b.name);
  });
  placement->ForEachTenant([&](const catalog::TenantInfo& tenant) {
    fleet.tenants.insert_or_assign(tenant.id.Text(), TenantHome{tenant.shard, tenant.tier});
  });
  return fleet;
}

void CheckCatalog(metastore::CatalogClient& catalog,
                  const FleetFacts& fleet,
                  Diagnosis& diagnosis) {
  CheckVersion(catalog, diagnosis);
  CheckAudit(catalog, diagnosis);
  CheckCounters(fleet, diagnosis);
  CheckLeases(catalog, fleet, diagnosis);
  CheckRequests(catalog, fleet, diagnosis);
}

void CheckRouters(const FleetFacts& fleet, Diagnosis& diagnosis) {
  for (const metastore::RouterRow& router : fleet.routers) {
    if (!router.live || router.http_address.empty())
      continue;
    const std::string subject = "router " + router.name;
    const auto page = HttpGet(router.http_address, "/metrics");
    const auto age = page.ok() ? MetricValue(*page, "pgreeve_catalog_age_seconds") : std::nullopt;
    if (!page.ok())
      diagnosis.Found(
          {Severity::kNote,
           "snapshot",
           subject,
           fmt::format("its metrics at {} cannot be read from here", router.http_address),
           ""});
    else if (age && *age > kPlacementAgeMaxSeconds)
      diagnosis.Found(
          {Severity::kWarning,
           "snapshot",
           subject,
           fmt::format("serves from a placement that was last confirmed {:.0f} s ago", *age),
           "look into its log for catalog errors"});
    else
      diagnosis.Passed(
          "snapshot", subject, age ? fmt::format("confirmed {:.1f} s ago", *age) : "not reported");
  }
}

}  // namespace pgreeve::cli
