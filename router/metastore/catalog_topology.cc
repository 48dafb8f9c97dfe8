// CatalogClient: regions, tiers, nodes, shards.
#include <openssl/rand.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/enum_text.h"
#include "router/metastore/json_object.h"
#include "router/metastore/placement_loader.h"

namespace pgreeve::metastore {
namespace {

constexpr std::size_t kTokenKeyBytes = 32;

// Foreign keys and checks as an operator would say them.
absl::Status InUse(const absl::Status& status, const std::string& what) {
  if (!status.ok() && ToSqlError(status).sqlstate == "23503")
    return SqlStatus("2BP01", what + " is in use", ToSqlError(status).detail);
  return status;
}

absl::Status Missing(const std::string& what) {
  return SqlStatus("42704", "there is no " + what);
}

// For statements that must have found their row.
absl::Status OneRow(const absl::StatusOr<pqlink::Result>& done, const std::string& what) {
  RETURN_IF_ERROR(InUse(done.status(), what));
  return done->affected() == 0 ? Missing(what) : absl::OkStatus();
}

}  // namespace

absl::Status CatalogClient::AddRegion(std::string_view name, std::string_view actor) {
  const Verb verb{actor, "add region", std::string(name), ""};
  return Apply(verb, [&](Change& change) {
    change.Note("region", name);
    return connection_
        ->Exec("INSERT INTO pgreeve.regions VALUES ($1) ON CONFLICT DO NOTHING", {name})
        .status();
  });
}

absl::Status CatalogClient::PutTier(const catalog::TierInfo& tier, std::string_view actor) {
  const std::string per_shard = std::to_string(tier.tenants_per_shard_max);
  const Verb verb{actor,
                  "put tier",
                  tier.name,
                  JsonObject({{"tenants_per_shard_max", per_shard},
                              {"size_bytes_min", std::to_string(tier.size_bytes_min)},
                              {"size_bytes_max", std::to_string(tier.size_bytes_max)}})};
  return Apply(verb, [&](Change& change) {
    change.Note("tier", tier.name);
    return connection_
        ->Exec(
            "INSERT INTO pgreeve.tiers (name, dedicated, tenants_per_shard_max, size_bytes_min,"
            " size_bytes_max) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET"
            " dedicated = excluded.dedicated,"
            " tenants_per_shard_max = excluded.tenants_per_shard_max,"
            " size_bytes_min = excluded.size_bytes_min,"
            " size_bytes_max = excluded.size_bytes_max",
            {tier.name,
             tier.dedicated,
             tier.tenants_per_shard_max,
             tier.size_bytes_min,
             tier.size_bytes_max})
        .status();
  });
}

absl::Status CatalogClient::DropTier(std::string_view name, std::string_view actor) {
  const Verb verb{actor, "drop tier", std::string(name), ""};
  return Apply(verb, [&](Change& change) {
    change.Note("tier", name);
    return OneRow(connection_->Exec("DELETE FROM pgreeve.tiers WHERE name = $1", {name}),
                  "tier \"" + std::string(name) + "\"");
  });
}

absl::StatusOr<std::vector<catalog::TierInfo>> CatalogClient::ListTiers() {
  catalog::Placement placement;
  ASSIGN_OR_RETURN(placement.tenant_type, GetTenantType());
  RETURN_IF_ERROR(PlacementLoader(*connection_, placement).Changed("tier", {}));
  return std::move(placement.tiers);
}

absl::StatusOr<NodeId> CatalogClient::AddNode(const NodeRow& node, std::string_view actor) {
  const Verb verb{
      actor,
      "add node",
      node.name,
      JsonObject(
          {{"host", node.host}, {"port", std::to_string(node.port)}, {"region", node.region}})};
  NodeId id;
  const absl::Status status = Apply(verb, [&](Change& change) -> absl::Status {
    change.Note("node", node.name);
    const auto row = connection_->Exec(
        "INSERT INTO pgreeve.nodes (name, host, port, region, admin_dsn, shards_max)"
        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        {node.name, node.host, int32_t{node.port}, node.region, node.admin_dsn, node.shards_max});
    if (!row.ok() && ToSqlError(row.status()).sqlstate == "23505")
      return SqlStatus("42710", "node \"" + node.name + "\" already exists");
    if (!row.ok() && ToSqlError(row.status()).sqlstate == "23503")
      return Missing("region \"" + node.region + "\"");
    RETURN_IF_ERROR(row.status());
    id.value = static_cast<int32_t>(row->Int(0, 0));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(status);
  return id;
}

absl::Status CatalogClient::DropNode(NodeId id, std::string_view actor) {
  const std::string number = std::to_string(id.value);
  const Verb verb{actor, "drop node", number, ""};
  return Apply(verb, [&](Change& change) {
    change.Note("node", number);
    return OneRow(connection_->Exec("DELETE FROM pgreeve.nodes WHERE id = $1", {id.value}),
                  "node " + number);
  });
}

absl::StatusOr<std::vector<NodeRow>> CatalogClient::ListNodes() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT n.id, n.name, n.host, n.port, n.region, n.admin_dsn,"
                                     " n.shards_max, (SELECT count(*) FROM pgreeve.shards s"
                                     "  WHERE s.node = n.id AND s.state <> 'retired')"
                                     " FROM pgreeve.nodes n ORDER BY n.id"));
  std::vector<NodeRow> nodes;
  for (int i = 0; i < rows.rows(); i++) {
    NodeRow node;
    node.id.value = static_cast<int32_t>(rows.Int(i, 0));
    node.name = rows.Text(i, 1);
    node.host = rows.Text(i, 2);
    node.port = static_cast<uint16_t>(rows.Int(i, 3));
    node.region = rows.Text(i, 4);
    node.admin_dsn = rows.Text(i, 5);
    node.shards_max = static_cast<int32_t>(rows.Int(i, 6));
    node.shards = static_cast<int32_t>(rows.Int(i, 7));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

absl::StatusOr<catalog::ShardInfo> CatalogClient::AddShard(const ShardSpec& spec,
                                                           std::string_view actor) {
  std::string key(kTokenKeyBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), kTokenKeyBytes) != 1)
    return SqlStatus("XX000", "no random numbers");
  const Verb verb{actor,
                  "add shard",
                  spec.name,
                  JsonObject({{"node", std::to_string(spec.node.value)},
                              {"tier", spec.tier},
                              {"state", EnumText(spec.state)}})};
  catalog::ShardInfo shard;
  const absl::Status status = Apply(verb, [&](Change& change) -> absl::Status {
    // Names default to the number that the row is about to get.
    const pqlink::Param params[] = {spec.name,
                                    spec.node.value,
                                    spec.database,
                                    spec.tier,
                                    EnumText(spec.state),
                                    spec.capacity,
                                    spec.backends_max,
                                    change.epoch(),
                                    pqlink::Param::Bytes(key)};
    const auto row = connection_->Exec(
        "WITH given AS (SELECT nextval(pg_get_serial_sequence('pgreeve.shards', 'id'))::int AS id),"
        " named AS (SELECT id, coalesce(nullif($1, ''), 's' || id) AS name FROM given),"
        " s AS (INSERT INTO pgreeve.shards (id, name, node, database, tier, region, state, "
        "capacity,"
        "  backends_max, shard_epoch, token_key) OVERRIDING SYSTEM VALUE"
        "  SELECT named.id, named.name, n.id, coalesce(nullif($3, ''), 'pgreeve_' || named.name),"
        "   t.name, n.region, $5, coalesce(nullif($6, 0), t.tenants_per_shard_max), $7, $8, $9"
        "  FROM named, pgreeve.nodes n, pgreeve.tiers t WHERE n.id = $2 AND t.name = $4 RETURNING "
        "*)"
        " SELECT " +
            std::string(kShardColumns) + " FROM s JOIN pgreeve.nodes n ON n.id = s.node",
        params);
    if (!row.ok() && ToSqlError(row.status()).sqlstate == "23505")
      return SqlStatus("42710", "the shard already exists", ToSqlError(row.status()).detail);
    RETURN_IF_ERROR(row.status());
    if (row->rows() == 0)
      return Missing("node " + std::to_string(spec.node.value) + ", or no tier \"" + spec.tier +
                     "\"");
    shard = ShardOf(*row, 0);
    change.Note("shard", std::to_string(shard.id.value));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(status);
  return shard;
}

absl::Status CatalogClient::SetShardState(ShardId id,
                                          catalog::ShardState state,
                                          std::string_view actor) {
  const std::string number = std::to_string(id.value);
  const Verb verb{actor, "set shard state", number, JsonObject({{"state", EnumText(state)}})};
  return Apply(verb, [&](Change& change) {
    change.Note("shard", number);
    return OneRow(connection_->Exec("UPDATE pgreeve.shards SET state = $2 WHERE id = $1",
                                    {id.value, EnumText(state)}),
                  "shard " + number);
  });
}

absl::Status CatalogClient::SetShardCapacity(ShardId id, int32_t capacity, std::string_view actor) {
  const std::string number = std::to_string(id.value);
  const Verb verb{
      actor, "set shard capacity", number, JsonObject({{"capacity", std::to_string(capacity)}})};
  return Apply(verb, [&](Change& change) {
    change.Note("shard", number);
    return OneRow(connection_->Exec("UPDATE pgreeve.shards SET capacity = $2 WHERE id = $1",
                                    {id.value, capacity}),
                  "shard " + number);
  });
}

absl::Status CatalogClient::DropShard(ShardId id, std::string_view actor) {
  const std::string number = std::to_string(id.value);
  const Verb verb{actor, "drop shard", number, ""};
  return Apply(verb, [&](Change& change) {
    change.Note("shard", number);
    return OneRow(connection_->Exec("DELETE FROM pgreeve.shards WHERE id = $1", {id.value}),
                  "shard " + number);
  });
}

absl::StatusOr<std::vector<ShardRow>> CatalogClient::ListShards() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_->Exec("SELECT " + std::string(kShardColumns) +
                                     ", s.tenants, s.capacity FROM pgreeve.shards s"
                                     " JOIN pgreeve.nodes n ON n.id = s.node ORDER BY s.id"));
  std::vector<ShardRow> shards;
  for (int i = 0; i < rows.rows(); i++) {
    shards.push_back({ShardOf(rows, i),
                      static_cast<int32_t>(rows.Int(i, 13)),
                      static_cast<int32_t>(rows.Int(i, 14))});
  }
  return shards;
}

absl::Status CatalogClient::SetCombiner(NodeId node,
                                        std::string_view database,
                                        std::string_view actor) {
  const Verb verb{actor,
                  "set combiner",
                  std::string(database),
                  JsonObject({{"node", std::to_string(node.value)}})};
  return Apply(verb, [&](Change& change) {
    change.Note("combiner", "");
    const auto done = connection_->Exec(
        "INSERT INTO pgreeve.combiner (node, database) VALUES ($1, $2)"
        " ON CONFLICT (one) DO UPDATE SET node = excluded.node, database = excluded.database",
        {node.value, database});
    if (!done.ok() && ToSqlError(done.status()).sqlstate == "23503")
      return Missing("node " + std::to_string(node.value));
    return done.status();
  });
}

}  // namespace pgreeve::metastore
