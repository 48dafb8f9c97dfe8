// shard add, list, drain, undrain, capacity, drop.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/lookup.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/provision.h"

namespace pgreeve::cli {
namespace {

struct ShardOptions {
  metastore::ShardSpec spec;
  std::string node;
  std::string region;
};

Table ShardTable() {
  return Table({{"id", ColumnKind::kNumber},
                {"name"},
                {"node", ColumnKind::kNumber},
                {"database"},
                {"tier"},
                {"region"},
                {"state"},
                {"tenants", ColumnKind::kNumber},
                {"capacity", ColumnKind::kNumber},
                {"backends_max", ColumnKind::kNumber},
                {"epoch", ColumnKind::kNumber}});
}

void AddRow(Table& table, const metastore::ShardRow& shard) {
  const catalog::ShardInfo& info = shard.info;
  table.Add({std::to_string(info.id.value),
             info.name,
             std::to_string(info.node.value),
             info.database,
             info.tier,
             info.region,
             std::string(ToString(info.state)),
             std::to_string(shard.tenants),
             std::to_string(shard.capacity),
             std::to_string(info.backends_max),
             std::to_string(info.shard_epoch)});
}

absl::StatusOr<int> AddShard(Invocation& invocation, ShardOptions options) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const metastore::NodeRow node, FindNode(*catalog, options.node));
  if (!options.region.empty() && options.region != node.region)
    return SqlStatus(
        "22023",
        fmt::format("node {} is in region {}, not {}", node.name, node.region, options.region),
        "A shard is in the region of its node.",
        fmt::format("Choose a node of region {} (pgreevectl node list), or leave "
                    "--region out.",
                    options.region));
  options.spec.node = node.id;
  ASSIGN_OR_RETURN(const catalog::ShardInfo info,
                   metastore::ProvisionShard(*catalog, options.spec, Invocation::Actor()));
  ASSIGN_OR_RETURN(const metastore::ShardRow shard, FindShard(*catalog, info.name));
  Table row = ShardTable();
  AddRow(row, shard);
  invocation.Done(fmt::format("Shard {} is open: database {} on node {}, tier {}, region {}, room "
                              "for {} tenants.",
                              info.name,
                              info.database,
                              node.name,
                              info.tier,
                              info.region,
                              shard.capacity),
                  row);
  return kExitOk;
}

absl::StatusOr<int> ListShards(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto shards, catalog->ListShards());
  Table table = ShardTable();
  for (const metastore::ShardRow& shard : shards)
    AddRow(table, shard);
  invocation.Print(table);
  return kExitOk;
}

absl::StatusOr<int> SetState(Invocation& invocation,
                             const std::string& name,
                             catalog::ShardState state) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(metastore::ShardRow shard, FindShard(*catalog, name));
  if (shard.info.state != catalog::ShardState::kOpen &&
      shard.info.state != catalog::ShardState::kDraining)
    return SqlStatus("55000",
                     fmt::format("shard {} is {}", shard.info.name, ToString(shard.info.state)),
                     "",
                     "Only an open or draining shard can change between the two.");
  RETURN_IF_ERROR(catalog->SetShardState(shard.info.id, state, Invocation::Actor()));
  shard.info.state = state;
  Table row = ShardTable();
  AddRow(row, shard);
  invocation.Done(state == catalog::ShardState::kDraining
                      ? fmt::format("Shard {} takes no new tenants; the {} that it holds stay and "
                                    "are served.",
                                    shard.info.name,
                                    shard.tenants)
                      : fmt::format("Shard {} takes new tenants.", shard.info.name),
                  row);
  return kExitOk;
}

absl::StatusOr<int> SetCapacity(Invocation& invocation, const std::string& name, int32_t tenants) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(metastore::ShardRow shard, FindShard(*catalog, name));
  RETURN_IF_ERROR(catalog->SetShardCapacity(shard.info.id, tenants, Invocation::Actor()));
  shard.capacity = tenants;
  Table row = ShardTable();
  AddRow(row, shard);
  invocation.Done(fmt::format("Shard {} has room for {} tenants and holds {}.",
                              shard.info.name,
                              tenants,
                              shard.tenants),
                  row);
  return kExitOk;
}

absl::StatusOr<int> DropShard(Invocation& invocation, const std::string& name) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const metastore::ShardRow shard, FindShard(*catalog, name));
  RETURN_IF_ERROR(catalog->DropShard(shard.info.id, Invocation::Actor()));
  Table row = ShardTable();
  AddRow(row, shard);
  invocation.Done(fmt::format("Shard {} is out of the catalog. Its database {} still stands; drop "
                              "it by hand when you are sure.",
                              shard.info.name,
                              shard.info.database),
                  row);
  return kExitOk;
}

void AddShardAdd(Commands& commands, CLI::App* group) {
  auto options = std::make_shared<ShardOptions>();
  metastore::ShardSpec& spec = options->spec;
  CLI::App* add = commands.Add(
      group,
      {"add",
       "Make a shard: database, schema pgreeve, tables, registration",
       "pgreevectl shard add s1 --node n1 --database app_s1 --tier starter --region eu"},
      [options](Invocation& invocation) { return AddShard(invocation, *options); });
  add->add_option("--node", options->node, "The node it lives on")->required()->type_name("NODE");
  add->add_option("--tier", spec.tier, "The tier it serves")->required()->type_name("TIER");
  add->add_option("--region", options->region, "Checked against the node's region")
      ->type_name("REGION");
  add->add_option("name", spec.name, "What to call it (s<number>)")->type_name("NAME");
  add->add_option("--database", spec.database, "Its database, made when missing (pgreeve_<name>)")
      ->type_name("NAME");
  add->add_option("--capacity", spec.capacity, "Tenants it may hold (what the tier says)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  add->add_option("--backends-max", spec.backends_max, "Connections of one router to it (50)")
      ->type_name("N")
      ->check(CLI::Range(1, 10000));
}

}  // namespace

void AddShardCommands(Commands& commands) {
  CLI::App* group =
      commands.Group({"shard", "Databases that hold tenants", "pgreevectl shard list"});
  AddShardAdd(commands, group);
  commands.Add(group,
               {"list", "All shards and how full they are", "pgreevectl shard list -o json"},
               ListShards);
  auto name = std::make_shared<std::string>();
  const auto named = [name](CLI::App* command) {
    command->add_option("shard", *name, "Its name or number")->required()->type_name("SHARD");
    return command;
  };
  named(commands.Add(
      group,
      {"drain", "Place no new tenants on a shard", "pgreevectl shard drain s3"},
      [name](Invocation& i) { return SetState(i, *name, catalog::ShardState::kDraining); }));
  named(commands.Add(
      group,
      {"undrain", "Place tenants on a drained shard again", "pgreevectl shard undrain s3"},
      [name](Invocation& i) { return SetState(i, *name, catalog::ShardState::kOpen); }));
  auto tenants = std::make_shared<int32_t>(0);
  named(commands.Add(group,
                     {"capacity",
                      "Change how many tenants a shard may hold",
                      "pgreevectl shard capacity s3 200"},
                     [name, tenants](Invocation& i) { return SetCapacity(i, *name, *tenants); }))
      ->add_option("tenants", *tenants, "Room for this many")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(0, 1000000));
  named(commands.Add(group,
                     {"drop", "Forget a shard that holds no tenant", "pgreevectl shard drop s9"},
                     [name](Invocation& i) { return DropShard(i, *name); }));
}

}  // namespace pgreeve::cli
