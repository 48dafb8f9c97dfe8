// status: the fleet on one screen.
#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/lookup.h"
#include "router/base/status_macros.h"
#include "router/metastore/embedded_sql.h"

namespace pgreeve::cli {
namespace {

struct Fleet {
  int32_t version = 0;
  TenantType tenant_type = TenantType::kUuid;
  Epoch epoch;
  std::optional<metastore::LeaderRow> leader;
  std::vector<metastore::RouterRow> routers;
  std::vector<metastore::NodeRow> nodes;
  std::vector<metastore::ShardRow> shards;
  std::vector<metastore::ShardRequest> requests;
  std::vector<metastore::TwoPhaseDecision> decisions;
};

absl::StatusOr<Fleet> Look(metastore::CatalogClient& catalog) {
  Fleet fleet;
  ASSIGN_OR_RETURN(fleet.version, catalog.Version());
  ASSIGN_OR_RETURN(fleet.tenant_type, catalog.GetTenantType());
  ASSIGN_OR_RETURN(fleet.epoch, catalog.CurrentEpoch());
  ASSIGN_OR_RETURN(fleet.leader, catalog.Leader());
  ASSIGN_OR_RETURN(fleet.routers, catalog.ListRouters());
  ASSIGN_OR_RETURN(fleet.nodes, catalog.ListNodes());
  ASSIGN_OR_RETURN(fleet.shards, catalog.ListShards());
  ASSIGN_OR_RETURN(fleet.requests, catalog.ListShardRequests());
  ASSIGN_OR_RETURN(fleet.decisions, catalog.ListDecisions());
  return fleet;
}

std::string Ago(absl::Time time) {
  return absl::FormatDuration(absl::Trunc(absl::Now() - time, absl::Seconds(1)));
}

Table RouterTable(const Fleet& fleet) {
  Table table({{"router"}, {"address"}, {"lease"}, {"behind", ColumnKind::kNumber}, {"up"}});
  for (const metastore::RouterRow& router : fleet.routers) {
    const bool same = router.acked.timeline == fleet.epoch.timeline;
    table.Add({router.name,
               router.address,
               router.live ? "live" : "lost " + Ago(router.lease_until) + " ago",
               same ? Cell(std::to_string(fleet.epoch.n - std::min(fleet.epoch.n, router.acked.n)))
                    : Cell("other timeline"),
               router.live ? Cell(Ago(router.started_at)) : Cell()});
  }
  return table;
}

// One row for each tier and region; room is what open shards have left.
Table TierTable(const Fleet& fleet) {
  struct Sum {
    int64_t shards = 0, open = 0, tenants = 0, capacity = 0;
  };

  std::map<std::pair<std::string, std::string>, Sum> sums;
  for (const metastore::ShardRow& shard : fleet.shards) {
    Sum& sum = sums[{shard.info.tier, shard.info.region}];
    ++sum.shards;
    sum.tenants += shard.tenants;
    if (shard.info.state == catalog::ShardState::kOpen) {
      ++sum.open;
      sum.capacity += shard.capacity - shard.tenants;
    }
  }
  Table table({{"tier"},
               {"region"},
               {"shards", ColumnKind::kNumber},
               {"open", ColumnKind::kNumber},
               {"tenants", ColumnKind::kNumber},
               {"room", ColumnKind::kNumber}});
  for (const auto& [key, sum] : sums)
    table.Add({key.first,
               key.second,
               std::to_string(sum.shards),
               std::to_string(sum.open),
               std::to_string(sum.tenants),
               std::to_string(sum.capacity)});
  return table;
}

Table NodeTable(const Fleet& fleet) {
  Table table({{"node"},
               {"address"},
               {"region"},
               {"shards", ColumnKind::kNumber},
               {"tenants", ColumnKind::kNumber}});
  for (const metastore::NodeRow& node : fleet.nodes) {
    int64_t tenants = 0;
    for (const metastore::ShardRow& shard : fleet.shards)
      tenants += shard.info.node == node.id ? shard.tenants : 0;
    table.Add({node.name,
               fmt::format("{}:{}", node.host, node.port),
               node.region,
               fmt::format("{}/{}", node.shards, node.shards_max),
               std::to_string(tenants)});
  }
  return table;
}

std::string Head(const Fleet& fleet) {
  int64_t tenants = 0;
  for (const metastore::ShardRow& shard : fleet.shards)
    tenants += shard.tenants;
  const auto waiting = std::count_if(fleet.requests.begin(), fleet.requests.end(), [](auto& r) {
    return r.state == "waiting" || r.state == "taken";
  });
  std::string leader = "none";
  if (fleet.leader)
    leader = fleet.leader->live
                 ? fmt::format("{} at {}", fleet.leader->holder, fleet.leader->address)
                 : fmt::format("none ({} was, until {} ago)",
                               fleet.leader->holder,
                               Ago(fleet.leader->lease_until));
  std::string text = fmt::format(
      "catalog     version {} of {}, epoch {}, tenant ids are {}\n"
      "rebalancer  {}\n"
      "fleet       {} tenants on {} shards, {} nodes\n",
      fleet.version,
      metastore::Migrations().size(),
      pgreeve::ToString(fleet.epoch),
      pgreeve::ToString(fleet.tenant_type),
      leader,
      HumanNumber(tenants),
      fleet.shards.size(),
      fleet.nodes.size());
  if (waiting > 0)
    text += fmt::format("requests    {} shards are being made\n", waiting);
  for (const metastore::ShardRequest& request : fleet.requests) {
    if (request.state == "failed")
      text += fmt::format("failed      shard for {} in {}: {}\n",
                          request.tier,
                          request.region,
                          Printable(request.error));
  }
  if (!fleet.decisions.empty())
    text += fmt::format("two-phase   {} decisions kept\n", fleet.decisions.size());
  return text;
}

absl::StatusOr<int> ShowStatus(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const Fleet fleet, Look(*catalog));
  if (!invocation.people()) {
    int64_t tenants = 0;
    for (const metastore::ShardRow& shard : fleet.shards)
      tenants += shard.tenants;
    const auto live = std::count_if(
        fleet.routers.begin(), fleet.routers.end(), [](auto& router) { return router.live; });
    Table row({{"version", ColumnKind::kNumber},
               {"epoch"},
               {"tenant_type"},
               {"leader"},
               {"routers", ColumnKind::kNumber},
               {"routers_live", ColumnKind::kNumber},
               {"nodes", ColumnKind::kNumber},
               {"shards", ColumnKind::kNumber},
               {"tenants", ColumnKind::kNumber}});
    row.Add({std::to_string(fleet.version),
             pgreeve::ToString(fleet.epoch),
             std::string(pgreeve::ToString(fleet.tenant_type)),
             fleet.leader && fleet.leader->live ? Cell(fleet.leader->holder) : Cell(),
             std::to_string(fleet.routers.size()),
             std::to_string(live),
             std::to_string(fleet.nodes.size()),
             std::to_string(fleet.shards.size()),
             std::to_string(tenants)});
    invocation.Print(row);
    return kExitOk;
  }
  Invocation::Write(Head(fleet) + "\n");
  invocation.Print(RouterTable(fleet));
  Invocation::Write("\n");
  invocation.Print(TierTable(fleet));
  Invocation::Write("\n");
  invocation.Print(NodeTable(fleet));
  return kExitOk;
}

}  // namespace

void AddStatusCommand(Commands& commands) {
  commands.Add(
      &commands.app(), {"status", "The fleet on one screen", "pgreevectl status"}, ShowStatus);
}

}  // namespace pgreeve::cli
