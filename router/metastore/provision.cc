#include "router/metastore/provision.h"

#include <algorithm>
#include <vector>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/placement_loader.h"
#include "router/pqlink/transaction.h"

namespace pgreeve::metastore {
namespace {

// How often the journal may outrun a shard that is being created.
constexpr int kOpenAttemptsMax = 20;
constexpr int64_t kCopyChunkBytes = 1 << 16;

pqlink::ConnectOptions NodeOptions() {
  pqlink::ConnectOptions options;
  options.statement_timeout = absl::Minutes(5);  // CREATE DATABASE, replayed DDL
  options.application_name = "pgreeve-provision";
  return options;
}

absl::StatusOr<NodeRow> FindNode(CatalogClient& catalog, NodeId id) {
  ASSIGN_OR_RETURN(const auto nodes, catalog.ListNodes());
  for (const NodeRow& node : nodes) {
    if (node.id == id)
      return node;
  }
  return SqlStatus("42704", "there is no node " + std::to_string(id.value));
}

absl::StatusOr<catalog::ShardInfo> FindShard(CatalogClient& catalog, ShardId id) {
  ASSIGN_OR_RETURN(const auto shards, catalog.ListShards());
  for (const ShardRow& shard : shards) {
    if (shard.info.id == id)
      return shard.info;
  }
  return SqlStatus("42704", "there is no shard " + std::to_string(id.value));
}

absl::StatusOr<std::unique_ptr<ShardClient>> OpenShard(CatalogClient& catalog,
                                                       const catalog::ShardInfo& shard) {
  ASSIGN_OR_RETURN(const NodeRow node, FindNode(catalog, shard.node));
  ASSIGN_OR_RETURN(const std::string dsn, WithDatabase(node.admin_dsn, shard.database));
  return ShardClient::Open(dsn, NodeOptions());
}

// What every shard shares: role secrets and declared tables, without the tenants.
absl::StatusOr<catalog::Placement> LoadFleet(CatalogClient& catalog) {
  catalog::Placement fleet;
  ASSIGN_OR_RETURN(fleet.tenant_type, catalog.GetTenantType());
  PlacementLoader loader(catalog.connection(), fleet);
  RETURN_IF_ERROR(loader.Changed("role", {}));
  RETURN_IF_ERROR(loader.Changed("table", {}));
  return fleet;
}

// The table's rows, replaced on `to` by those of `from`, in one transaction of `to`.
absl::Status CopyTable(ShardClient& from, ShardClient& to, const TableFact& table) {
  const std::string name =
      pqlink::QuoteIdentifier(table.schema) + "." + pqlink::QuoteIdentifier(table.name);
  std::vector<std::string> chunks(1);
  RETURN_IF_ERROR(
      from.connection().CopyOut("COPY " + name + " TO STDOUT", [&](std::string_view row) {
        if (chunks.back().size() >= kCopyChunkBytes)
          chunks.emplace_back();
        chunks.back() += row;
        return absl::OkStatus();
      }));
  ASSIGN_OR_RETURN(auto transaction, pqlink::Transaction::Begin(to.connection()));
  // Without triggers and foreign keys: the rows were checked where they come from.
  RETURN_IF_ERROR(to.connection().ExecScript(
      "SET LOCAL session_replication_role = replica; DELETE FROM " + name));
  std::size_t next = 0;
  RETURN_IF_ERROR(to.connection()
                      .CopyIn("COPY " + name + " FROM STDIN",
                              [&](std::string& chunk) {
                                chunk = std::move(chunks[next]);
                                return ++next < chunks.size();
                              })
                      .status());
  return transaction.Commit();
}

// From any open shard other than `shard` itself; the first one has nobody to copy from.
absl::Status CopyReferenceTables(CatalogClient& catalog,
                                 const catalog::Placement& fleet,
                                 ShardId shard,
                                 ShardClient& to) {
  std::vector<TableFact> tables;
  for (const auto& [name, table] : fleet.tables->all()) {
    if (table.kind == TableKind::kReference)
      tables.push_back(table);
  }
  ASSIGN_OR_RETURN(const auto shards, catalog.ListShards());
  const auto source = std::find_if(shards.begin(), shards.end(), [&](const ShardRow& row) {
    return row.info.state == catalog::ShardState::kOpen && row.info.id != shard;
  });
  if (tables.empty() || source == shards.end())
    return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto from, OpenShard(catalog, source->info));
  for (const TableFact& table : tables)
    RETURN_IF_ERROR(CopyTable(*from, to, table));
  return absl::OkStatus();
}

// Brings the shard to the end of the journal; returns where that was.
absl::StatusOr<int64_t> CatchUp(CatalogClient& catalog, ShardId shard, ShardClient& client) {
  ASSIGN_OR_RETURN(const auto journal, catalog.ListSchemaDdl());
  ASSIGN_OR_RETURN(const int64_t seq, client.ReplayDdl(journal));
  ASSIGN_OR_RETURN(const catalog::Placement fleet, LoadFleet(catalog));
  RETURN_IF_ERROR(CopyReferenceTables(catalog, fleet, shard, client));
  for (const auto& [name, table] : fleet.tables->all())
    RETURN_IF_ERROR(client.ProtectTable(table));
  return seq;
}

// The node of the region with most headroom, the lowest number on a tie.
absl::StatusOr<NodeId> PickNode(CatalogClient& catalog, std::string_view region) {
  ASSIGN_OR_RETURN(const auto nodes, catalog.ListNodes());
  const NodeRow* best = nullptr;
  for (const NodeRow& node : nodes) {
    const int32_t headroom = node.shards_max - node.shards;
    if (node.region != region || headroom <= 0)
      continue;
    if (best == nullptr || headroom > best->shards_max - best->shards)
      best = &node;
  }
  if (best == nullptr)
    return SqlStatus("53400",
                     "no node of region \"" + std::string(region) + "\" has room for a shard",
                     "",
                     "Add a node, or raise shards_max of one.");
  return best->id;
}

absl::StatusOr<ShardId> ServeRequest(CatalogClient& catalog,
                                     const ShardRequest& request,
                                     std::string_view actor) {
  // One that an earlier leader left half made is finished first.
  ASSIGN_OR_RETURN(const auto shards, catalog.ListShards());
  for (const ShardRow& shard : shards) {
    if (shard.info.state == catalog::ShardState::kCreating && shard.info.tier == request.tier &&
        shard.info.region == request.region) {
      RETURN_IF_ERROR(CreateShard(catalog, shard.info.id, actor));
      return shard.info.id;
    }
  }
  ShardSpec spec;
  ASSIGN_OR_RETURN(spec.node, PickNode(catalog, request.region));
  spec.tier = request.tier;
  ASSIGN_OR_RETURN(const catalog::ShardInfo made, ProvisionShard(catalog, spec, actor));
  return made.id;
}

}  // namespace

absl::Status CreateShard(CatalogClient& catalog, ShardId shard, std::string_view actor) {
  ASSIGN_OR_RETURN(const catalog::ShardInfo info, FindShard(catalog, shard));
  ASSIGN_OR_RETURN(const NodeRow node, FindNode(catalog, info.node));
  ASSIGN_OR_RETURN(const catalog::Placement fleet, LoadFleet(catalog));
  ASSIGN_OR_RETURN(const auto admin, ShardClient::Open(node.admin_dsn, NodeOptions()));
  RETURN_IF_ERROR(admin->CreateShardDatabase(info.database).status());
  ASSIGN_OR_RETURN(const auto client, OpenShard(catalog, info));
  RETURN_IF_ERROR(client->InstallShardSchema(
      {info.id, fleet.tenant_type, info.shard_epoch, info.token_kid, info.token_key, fleet.roles}));
  for (int attempt = 0; attempt < kOpenAttemptsMax; attempt++) {
    ASSIGN_OR_RETURN(const int64_t seq, CatchUp(catalog, shard, *client));
    ASSIGN_OR_RETURN(const bool open, catalog.OpenCreatedShard(shard, seq, actor));
    if (open)
      return absl::OkStatus();
    // A statement that runs ends by itself; waiting costs less than replaying in a loop.
    RETURN_IF_ERROR(catalog.connection().Exec("SELECT pg_sleep(0.5)").status());
  }
  return SqlStatus(
      "55006", "fleet DDL kept shard " + std::to_string(shard.value) + " from opening; try again");
}

absl::StatusOr<catalog::ShardInfo> ProvisionShard(CatalogClient& catalog,
                                                  const ShardSpec& spec,
                                                  std::string_view actor) {
  ShardSpec creating = spec;
  creating.state = catalog::ShardState::kCreating;
  ASSIGN_OR_RETURN(const catalog::ShardInfo shard, catalog.AddShard(creating, actor));
  RETURN_IF_ERROR(CreateShard(catalog, shard.id, actor));
  return FindShard(catalog, shard.id);
}

absl::StatusOr<bool> ServeShardRequest(CatalogClient& catalog,
                                       int64_t lead_token,
                                       std::string_view actor) {
  ASSIGN_OR_RETURN(const auto request, catalog.TakeShardRequest(lead_token));
  if (!request)
    return false;
  const auto shard = ServeRequest(catalog, *request, actor);
  RETURN_IF_ERROR(
      catalog.FinishShardRequest(lead_token,
                                 request->id,
                                 shard.ok() ? *shard : ShardId{},
                                 shard.ok() ? std::string() : ToSqlError(shard.status()).message));
  RETURN_IF_ERROR(shard.status());
  return true;
}

absl::Status ProvisionCombiner(CatalogClient& catalog,
                               NodeId node,
                               std::string_view database,
                               std::string_view actor) {
  ASSIGN_OR_RETURN(const NodeRow row, FindNode(catalog, node));
  ASSIGN_OR_RETURN(const catalog::Placement fleet, LoadFleet(catalog));
  ASSIGN_OR_RETURN(const auto admin, ShardClient::Open(row.admin_dsn, NodeOptions()));
  RETURN_IF_ERROR(admin->CreateShardDatabase(database).status());
  ASSIGN_OR_RETURN(const std::string dsn, WithDatabase(row.admin_dsn, database));
  ASSIGN_OR_RETURN(const auto client, ShardClient::Open(dsn, NodeOptions()));
  ShardInstall install;
  install.shard = kCombinerShard;
  install.tenant_type = fleet.tenant_type;
  install.roles = fleet.roles;
  RETURN_IF_ERROR(client->InstallShardSchema(install));
  return catalog.SetCombiner(node, database, actor);
}

}  // namespace pgreeve::metastore
