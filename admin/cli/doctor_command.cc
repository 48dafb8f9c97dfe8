// doctor: runs every check, prints what it found and what mends it.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/doctor.h"
#include "admin/cli/lookup.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

struct DoctorOptions {
  bool rows = false;
  bool all = false;
  bool quick = false;
};

// What the visits to the shards collect beside findings.
struct Visits {
  std::vector<ShardSchema> schemas;
  RowCounts counts;
  std::set<NodeId> nodes_checked;
};

absl::StatusOr<std::unique_ptr<metastore::ShardClient>> Reach(const metastore::ShardRow& shard,
                                                              const FleetFacts& fleet) {
  const metastore::NodeRow* node = fleet.FindNode(shard.info.node);
  if (node == nullptr)
    return SqlStatus("42704", "its node is not in the catalog");
  ASSIGN_OR_RETURN(const std::string dsn,
                   metastore::WithDatabase(node->admin_dsn, shard.info.database));
  pqlink::ConnectOptions options;
  options.statement_timeout = absl::Minutes(10);
  options.application_name = "pgreevectl doctor";
  return metastore::ShardClient::Open(dsn, options);
}

void Visit(const metastore::ShardRow& shard,
           const FleetFacts& fleet,
           const DoctorOptions& options,
           Visits& visits,
           Diagnosis& diagnosis) {
  const std::string& name = shard.info.name;
  const auto client = Reach(shard, fleet);
  if (!client.ok())
    return diagnosis.Found(
        {Severity::kError,
         "reach",
         name,
         fmt::format("cannot be reached: {}", ToSqlError(client.status()).message),
         "see whether its node runs, and whether the DSN that was given to node "
         "add still holds"});
  diagnosis.Passed("reach", name, shard.info.database);
  pqlink::Connection& link = (*client)->connection();
  if (visits.nodes_checked.insert(shard.info.node).second)
    CheckNode(link, *fleet.FindNode(shard.info.node), fleet, diagnosis);
  CheckShard(**client, shard, fleet, diagnosis);
  if (!options.quick)
    CheckRows(link, shard, fleet, visits.counts, diagnosis);
  auto schema = ReadSchema(link, name, fleet.tables);
  if (schema.ok())
    visits.schemas.push_back(*std::move(schema));
  else
    diagnosis.Found({Severity::kError,
                     "schema",
                     name,
                     fmt::format("cannot be read: {}", ToSqlError(schema.status()).message),
                     "look into the log of its node"});
}

void CheckDrift(const FleetFacts& fleet, const Visits& visits, Diagnosis& diagnosis) {
  std::vector<std::string> names;
  for (const TableFact& table : fleet.tables)
    names.push_back(table.schema + "." + table.name);
  const auto drifts = FindDrift(visits.schemas, names);
  for (const ShardSchema& schema : visits.schemas) {
    bool clean = true;
    for (const Drift& drift : drifts) {
      if (drift.shard != schema.shard)
        continue;
      clean = false;
      diagnosis.Found({Severity::kError,
                       "schema",
                       schema.shard,
                       drift.table + ": " + drift.text,
                       "DDL went past the routers or stopped half way; bring this shard in line "
                       "with the others, as role pgreeve_ddl"});
    }
    if (clean)
      diagnosis.Passed(
          "schema", schema.shard, fmt::format("{} declared tables as everywhere", names.size()));
  }
}

Table RowTable(const RowCounts& counts, bool people) {
  Table table(
      {{"table"}, {"tier"}, {"tenants", ColumnKind::kNumber}, {"rows", ColumnKind::kNumber}});
  const auto number = [people](int64_t n) { return people ? HumanNumber(n) : std::to_string(n); };
  std::map<std::string, RowCount> totals;
  for (const auto& [key, count] : counts) {
    totals[key.table].rows += count.rows;
    totals[key.table].tenants += count.tenants;
  }
  for (const auto& [name, total] : totals) {
    for (const auto& [key, count] : counts) {
      if (key.table == name)
        table.Add({name, key.tier, number(count.tenants), number(count.rows)});
    }
    table.Add({name, "(all)", number(total.tenants), number(total.rows)});
  }
  return table;
}

absl::StatusOr<int> RunDoctor(Invocation& invocation, const DoctorOptions& options) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const FleetFacts fleet, ReadFleet(*catalog));
  Diagnosis diagnosis;
  Visits visits;
  CheckCatalog(*catalog, fleet, diagnosis);
  CheckRouters(fleet, diagnosis);
  for (const metastore::ShardRow& shard : fleet.shards) {
    if (shard.info.state == catalog::ShardState::kOpen ||
        shard.info.state == catalog::ShardState::kDraining)
      Visit(shard, fleet, options, visits, diagnosis);
  }
  CheckDrift(fleet, visits, diagnosis);
  if (options.rows) {
    invocation.Print(RowTable(visits.counts, invocation.people()));
    if (invocation.people())
      Invocation::Write("\n");
  }
  if (invocation.people())
    Invocation::Write(diagnosis.ForPeople(options.all, invocation.color()));
  else if (!options.rows)
    invocation.Print(diagnosis.AsTable());
  else
    Invocation::Remark(diagnosis.ForPeople(options.all, false));
  return diagnosis.has_errors() ? kExitFailed : kExitOk;
}

}  // namespace

void AddDoctorCommand(Commands& commands) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* doctor = commands.Add(
      &commands.app(),
      {"doctor",
       "Check every shard: rows at home, schemas alike, tenants apart, settings, leases",
       "pgreevectl doctor --rows"},
      [options](Invocation& invocation) { return RunDoctor(invocation, *options); });
  doctor->add_flag("--rows", options->rows, "Print the rows of each sharded table by tier");
  doctor->add_flag("--all", options->all, "Print the checks that passed as well");
  doctor->add_flag("--quick", options->quick, "Leave out counting rows");
}

}  // namespace pgreeve::cli
