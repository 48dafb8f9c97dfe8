// node add, node list, node drop; combiner set.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/dsn_parts.h"
#include "admin/cli/lookup.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/provision.h"

namespace pgreeve::cli {
namespace {

constexpr int kServerVersionMin = 150000;
constexpr char kCombinerDatabase[] = "pgreeve_combiner";

struct NodeOptions {
  metastore::NodeRow row;
  uint16_t port = 0;  // 0: the DSN's
  bool check = true;
};

// A node that cannot be used is refused before it stands in the catalog.
absl::Status CheckNode(const std::string& dsn) {
  ASSIGN_OR_RETURN(const auto link, pqlink::Connection::Open(dsn));
  if (link->server_version() < kServerVersionMin)
    return SqlStatus("0A000",
                     "the node runs a PostgreSQL older than 15",
                     "",
                     "Shards need PostgreSQL 15 or newer.");
  ASSIGN_OR_RETURN(const auto facts,
                   link->Exec("SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
                              " pg_is_in_recovery(),"
                              " current_setting('max_prepared_transactions')::int"));
  if (!facts.Bool(0, 0))
    return SqlStatus("42501",
                     "the DSN of the node does not log in as a superuser",
                     "Provisioning makes databases, roles and schema pgreeve.",
                     "Give the DSN of a superuser; routers never see it.");
  if (facts.Bool(0, 1))
    return SqlStatus("25006",
                     "the DSN of the node reaches a standby",
                     "",
                     "Name the primary, or several hosts with target_session_attrs=read-write.");
  if (facts.Int(0, 2) == 0)
    Invocation::Remark(
        "warning: max_prepared_transactions is 0 on this node: transactions over several shards "
        "will fail; set it to at least the number of connections and restart the node");
  return absl::OkStatus();
}

// The only region there is, for fleets that have one.
absl::StatusOr<std::string> OnlyRegion(metastore::CatalogClient& catalog) {
  ASSIGN_OR_RETURN(const auto regions,
                   catalog.connection().Exec("SELECT name FROM pgreeve.regions ORDER BY 1"));
  if (regions.rows() != 1)
    return SqlStatus("22023",
                     fmt::format("the fleet has {} regions", regions.rows()),
                     "",
                     "Name the node's with --region (pgreevectl region list).");
  return std::string(regions.Text(0, 0));
}

absl::StatusOr<int> AddNode(Invocation& invocation, NodeOptions options) {
  metastore::NodeRow& node = options.row;
  ASSIGN_OR_RETURN(const DsnParts parts, ReadDsn(node.admin_dsn));
  if (node.host.empty()) {
    node.host = parts.host.empty() ? "localhost" : parts.host;
    node.port = parts.port;
  }
  if (options.port != 0)
    node.port = options.port;
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  if (node.region.empty()) {
    ASSIGN_OR_RETURN(node.region, OnlyRegion(*catalog));
  }
  if (options.check)
    RETURN_IF_ERROR(CheckNode(node.admin_dsn));
  ASSIGN_OR_RETURN(const NodeId id, catalog->AddNode(node, Invocation::Actor()));
  Table row(
      {{"id", ColumnKind::kNumber}, {"name"}, {"host"}, {"port", ColumnKind::kNumber}, {"region"}});
  row.Add({std::to_string(id.value), node.name, node.host, std::to_string(node.port), node.region});
  invocation.Done(fmt::format("Node {} added in region {}; routers reach it at {}:{}.",
                              node.name,
                              node.region,
                              node.host,
                              node.port),
                  row);
  return kExitOk;
}

absl::StatusOr<int> ListNodes(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto nodes, catalog->ListNodes());
  Table table({{"id", ColumnKind::kNumber},
               {"name"},
               {"host"},
               {"port", ColumnKind::kNumber},
               {"region"},
               {"shards", ColumnKind::kNumber},
               {"shards_max", ColumnKind::kNumber}});
  for (const metastore::NodeRow& node : nodes)
    table.Add({std::to_string(node.id.value),
               node.name,
               node.host,
               std::to_string(node.port),
               node.region,
               std::to_string(node.shards),
               std::to_string(node.shards_max)});
  invocation.Print(table);
  return kExitOk;
}

absl::StatusOr<int> DropNode(Invocation& invocation, const std::string& name) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const metastore::NodeRow node, FindNode(*catalog, name));
  RETURN_IF_ERROR(catalog->DropNode(node.id, Invocation::Actor()));
  Table row({{"dropped"}});
  row.Add({node.name});
  invocation.Done(fmt::format("Node {} dropped from the catalog.", node.name), row);
  return kExitOk;
}

absl::StatusOr<int> SetCombiner(Invocation& invocation,
                                const std::string& node_name,
                                const std::string& database) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const metastore::NodeRow node, FindNode(*catalog, node_name));
  RETURN_IF_ERROR(metastore::ProvisionCombiner(*catalog, node.id, database, Invocation::Actor()));
  Table row({{"node"}, {"database"}});
  row.Add({node.name, database});
  invocation.Done(
      fmt::format(
          "Cross-shard results are combined in database {} on node {}.", database, node.name),
      row);
  return kExitOk;
}

void AddNodeAdd(Commands& commands, CLI::App* group) {
  auto options = std::make_shared<NodeOptions>();
  metastore::NodeRow& row = options->row;
  CLI::App* add = commands.Add(
      group,
      {"add",
       "Register a Postgres cluster that may hold shards",
       "pgreevectl node add n1 --region eu --dsn 'postgresql://postgres@10.0.0.7/postgres'"},
      [options](Invocation& invocation) { return AddNode(invocation, *options); });
  add->add_option("name", row.name, "What to call it")->required()->type_name("NAME");
  add->add_option("--region", row.region, "The region its data is in (the only one)")
      ->type_name("REGION");
  add->add_option("--host", row.host, "Where routers reach it, if not where the DSN says")
      ->type_name("HOST");
  add->add_option("--port", options->port, "… and its port")->type_name("PORT");
  add->add_option("--dsn", row.admin_dsn, "How to reach it as superuser, database postgres")
      ->envname("PGREEVE_NODE_DSN")
      ->required()
      ->type_name("DSN");
  add->add_option("--shards-max", row.shards_max, "How many shards it may hold (100)")
      ->type_name("N")
      ->check(CLI::Range(1, 100000));
  add->add_flag("!--no-check", options->check, "Register it without connecting to it");
}

void AddCombiner(Commands& commands) {
  CLI::App* combiner = commands.Group({"combiner",
                                       "The database where cross-shard results are combined",
                                       "pgreevectl combiner set --node n1"});

  struct Options {
    std::string node;
    std::string database = kCombinerDatabase;
  };

  auto options = std::make_shared<Options>();
  CLI::App* set = commands.Add(combiner,
                               {"set",
                                "Make the combiner database on a node and use it",
                                "pgreevectl combiner set --node n1 --database pgreeve_combiner"},
                               [options](Invocation& invocation) {
                                 return SetCombiner(invocation, options->node, options->database);
                               });
  set->add_option("--node", options->node, "The node it lives on")->required()->type_name("NODE");
  set->add_option("--database", options->database, "Its name (pgreeve_combiner)")
      ->type_name("NAME");
}

}  // namespace

void AddNodeCommands(Commands& commands) {
  CLI::App* group =
      commands.Group({"node", "Postgres clusters that hold shards", "pgreevectl node list"});
  AddNodeAdd(commands, group);
  commands.Add(
      group, {"list", "All nodes and how full they are", "pgreevectl node list"}, ListNodes);
  auto name = std::make_shared<std::string>();
  commands
      .Add(group,
           {"drop", "Forget a node that holds no shard", "pgreevectl node drop n9"},
           [name](Invocation& invocation) { return DropNode(invocation, *name); })
      ->add_option("name", *name, "Its name")
      ->required()
      ->type_name("NODE");
  AddCombiner(commands);
}

}  // namespace pgreeve::cli
