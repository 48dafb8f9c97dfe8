// CatalogClient: tenants and their homes.
#include <algorithm>
#include <map>

#include <absl/strings/cord.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/catalog/rendezvous.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/enum_text.h"
#include "router/metastore/json_object.h"

namespace pgreeve::metastore {
namespace {

constexpr char kPendingPayload[] = "pgreeve/shard_pending";
constexpr std::size_t kAuditedIdsMax = 100;  // of one CreateTenants; the rest is a count

absl::Status ShardPending(std::string_view tier, std::string_view region) {
  absl::Status status = SqlStatus("57P03",
                                  "a shard is being created for tier \"" + std::string(tier) +
                                      "\" in region \"" + std::string(region) + "\"",
                                  "No open shard of this tier and region has room.",
                                  "Try again in a few seconds.");
  status.SetPayload(kPendingPayload, absl::Cord(std::string(tier) + '\n' + std::string(region)));
  return status;
}

struct Home {
  std::string tier;
  std::string region;
  auto operator<=>(const Home&) const = default;
};

// The open shards of one tier and region, with counters that run ahead of the table's.
struct Room {
  std::vector<catalog::Candidate> candidates;
  std::vector<int32_t> before;
};

absl::StatusOr<Room> ReadRoom(pqlink::Connection& connection, const Home& home) {
  ASSIGN_OR_RETURN(const auto rows,
                   connection.Exec("SELECT id, tenants, capacity FROM pgreeve.shards"
                                   " WHERE tier = $1 AND region = $2 AND state = 'open'"
                                   " ORDER BY id FOR UPDATE",
                                   {home.tier, home.region}));
  Room room;
  for (int i = 0; i < rows.rows(); i++) {
    room.candidates.push_back({ShardId{static_cast<int32_t>(rows.Int(i, 0))},
                               static_cast<int32_t>(rows.Int(i, 1)),
                               static_cast<int32_t>(rows.Int(i, 2))});
    room.before.push_back(room.candidates.back().tenants);
  }
  return room;
}

}  // namespace

bool CatalogClient::IsShardPending(const absl::Status& status) {
  return status.GetPayload(kPendingPayload).has_value();
}

// Fills in the defaults and refuses what does not exist.
absl::Status CatalogClient::ResolveHome(TenantSpec& spec) {
  ASSIGN_OR_RETURN(
      const auto row,
      connection_->Exec(
          "SELECT coalesce(nullif($1, ''),"
          "  (SELECT value FROM pgreeve.settings WHERE name = 'placement.default_tier'),"
          "  (SELECT name FROM pgreeve.tiers WHERE NOT dedicated ORDER BY size_bytes_min, name "
          "LIMIT 1)),"
          " coalesce(nullif($2, ''),"
          "  (SELECT value FROM pgreeve.settings WHERE name = 'placement.default_region'),"
          "  (SELECT min(name) FROM pgreeve.regions HAVING count(*) = 1))",
          {spec.tier, spec.region}));
  spec.tier = row.Text(0, 0);
  spec.region = row.Text(0, 1);
  if (spec.region.empty())
    return SqlStatus("22023",
                     "the tenant's region must be named",
                     "",
                     "Set placement.default_region, or name one.");
  ASSIGN_OR_RETURN(const auto known,
                   connection_->Exec("SELECT EXISTS (SELECT FROM pgreeve.tiers WHERE name = $1),"
                                     " EXISTS (SELECT FROM pgreeve.regions WHERE name = $2)",
                                     {spec.tier, spec.region}));
  if (!known.Bool(0, 0))
    return SqlStatus("22023", "there is no tier \"" + spec.tier + "\"");
  if (!known.Bool(0, 1))
    return SqlStatus("22023", "there is no region \"" + spec.region + "\"");
  return absl::OkStatus();
}

absl::Status CatalogClient::PlaceTenants(std::span<const TenantSpec> specs,
                                         Change& change,
                                         std::vector<catalog::TenantInfo>& placed) {
  std::map<Home, Home> resolved;  // as asked → as it will be
  std::map<Home, Room> rooms;
  std::vector<std::string> ids;
  std::vector<std::string> tiers;
  std::vector<std::string> regions;
  std::vector<std::string> shards;
  for (const TenantSpec& asked : specs) {
    const Home key{asked.tier, asked.region};
    if (!resolved.contains(key)) {
      TenantSpec spec = asked;
      RETURN_IF_ERROR(ResolveHome(spec));
      resolved[key] = {spec.tier, spec.region};
    }
    const Home& home = resolved[key];
    if (!rooms.contains(home)) {
      ASSIGN_OR_RETURN(rooms[home], ReadRoom(*connection_, home));
    }
    auto& candidates = rooms[home].candidates;
    const auto shard = catalog::PickShard(asked.id, candidates);
    if (!shard)
      return ShardPending(home.tier, home.region);
    std::find_if(candidates.begin(), candidates.end(), [&](const catalog::Candidate& candidate) {
      return candidate.shard == *shard;
    })->tenants++;
    placed.push_back({asked.id, *shard, home.tier, catalog::TenantAccess::kOpen, change.epoch()});
    ids.push_back(asked.id.Text());
    tiers.push_back(home.tier);
    regions.push_back(home.region);
    shards.push_back(std::to_string(shard->value));
    change.Note("tenant", ids.back());
  }
  const std::string epoch = std::to_string(change.epoch());
  const pqlink::Param params[] = {pqlink::ArrayLiteral(ids),
                                  pqlink::ArrayLiteral(tiers),
                                  pqlink::ArrayLiteral(regions),
                                  pqlink::ArrayLiteral(shards),
                                  epoch};
  const auto inserted = connection_->Exec(
      "INSERT INTO pgreeve.tenants (id, tier, region, shard, epoch)"
      " SELECT u.*, $5::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) u",
      params);
  if (!inserted.ok() && ToSqlError(inserted.status()).sqlstate == "23505")
    return SqlStatus("42710", "tenant already exists", ToSqlError(inserted.status()).detail);
  RETURN_IF_ERROR(inserted.status());
  for (const auto& [home, room] : rooms) {
    for (std::size_t i = 0; i < room.candidates.size(); i++) {
      const catalog::Candidate& candidate = room.candidates[i];
      if (candidate.tenants == room.before[i])
        continue;
      RETURN_IF_ERROR(connection_
                          ->Exec("UPDATE pgreeve.shards SET tenants = tenants + $2 WHERE id = $1",
                                 {candidate.shard.value, candidate.tenants - room.before[i]})
                          .status());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<catalog::TenantInfo>> CatalogClient::CreateTenants(
    std::span<const TenantSpec> specs, std::string_view actor) {
  if (specs.empty())
    return std::vector<catalog::TenantInfo>();
  ASSIGN_OR_RETURN(const TenantType type, GetTenantType());
  std::string object;
  for (std::size_t i = 0; i < specs.size(); i++) {
    if (specs[i].id.empty() || specs[i].id.type() != type)
      return SqlStatus("22023", "tenant ids of this fleet are " + std::string(ToString(type)));
    if (i < kAuditedIdsMax)
      object += (i > 0 ? ", " : "") + specs[i].id.Text();
  }
  const std::string count = std::to_string(specs.size());
  const Verb verb{
      actor,
      "create tenant",
      object,
      JsonObject({{"tier", specs[0].tier}, {"region", specs[0].region}, {"count", count}})};
  std::vector<catalog::TenantInfo> placed;
  absl::Status status =
      Apply(verb, [&](Change& change) { return PlaceTenants(specs, change, placed); });
  if (IsShardPending(status)) {
    // The attempt is rolled back; the request is a transaction of its own.
    const std::string home(*status.GetPayload(kPendingPayload));
    const std::size_t cut = home.find('\n');
    RETURN_IF_ERROR(RequestShard(home.substr(0, cut), home.substr(cut + 1), actor).status());
  }
  RETURN_IF_ERROR(status);
  return placed;
}

absl::StatusOr<catalog::TenantInfo> CatalogClient::CreateTenant(const TenantSpec& spec,
                                                                std::string_view actor) {
  ASSIGN_OR_RETURN(const auto placed, CreateTenants(std::span(&spec, 1), actor));
  return placed.front();
}

absl::StatusOr<catalog::TenantInfo> CatalogClient::EnsureTenant(const TenantSpec& spec,
                                                                std::string_view actor) {
  auto created = CreateTenant(spec, actor);
  // A tenant that exists is found before or after the room: both errors may hide it.
  const bool may_exist = !created.ok() && (ToSqlError(created.status()).sqlstate == "42710" ||
                                           IsShardPending(created.status()));
  if (!may_exist)
    return created;
  ASSIGN_OR_RETURN(const auto row,
                   connection_->Exec("SELECT shard, tier, access, epoch,"
                                     " (SELECT epoch FROM pgreeve.meta)"
                                     " FROM pgreeve.tenants WHERE id = $1",
                                     {spec.id.Text()}));
  if (row.rows() == 0)
    return created;
  last_epoch_ = std::max(last_epoch_, static_cast<uint64_t>(row.Int(0, 4)));
  catalog::TenantInfo tenant;
  tenant.id = spec.id;
  tenant.shard.value = static_cast<int32_t>(row.Int(0, 0));
  tenant.tier = row.Text(0, 1);
  tenant.access = TenantAccessOf(row.Text(0, 2));
  tenant.epoch = static_cast<uint64_t>(row.Int(0, 3));
  return tenant;
}

absl::Status CatalogClient::SetTenantAccess(const TenantId& id,
                                            catalog::TenantAccess access,
                                            std::string_view actor) {
  const Verb verb{
      actor, "set tenant access", id.Text(), JsonObject({{"access", EnumText(access)}})};
  return Apply(verb, [&](Change& change) -> absl::Status {
    change.Note("tenant", id.Text());
    ASSIGN_OR_RETURN(const auto done,
                     connection_->Exec("UPDATE pgreeve.tenants SET access = $2, epoch = $3"
                                       " WHERE id = $1",
                                       {id.Text(), EnumText(access), change.epoch()}));
    if (done.affected() == 0)
      return SqlStatus("3D000", "there is no tenant \"" + id.Text() + "\"");
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<TenantRow>> CatalogClient::ListTenants() {
  ASSIGN_OR_RETURN(const TenantType type, GetTenantType());
  ASSIGN_OR_RETURN(
      const auto rows,
      connection_->Exec("SELECT t.id, t.shard, t.tier, t.access, t.epoch, t.region,"
                        " s.name, z.bytes, (extract(epoch FROM t.created_at)*1000000)::bigint"
                        " FROM pgreeve.tenants t JOIN pgreeve.shards s ON s.id = t.shard"
                        " LEFT JOIN pgreeve.tenant_sizes z ON z.tenant = t.id"
                        " ORDER BY t.id"));
  std::vector<TenantRow> tenants;
  for (int i = 0; i < rows.rows(); i++) {
    TenantRow tenant;
    ASSIGN_OR_RETURN(tenant.info.id, TenantId::FromText(type, rows.Text(i, 0)));
    tenant.info.shard.value = static_cast<int32_t>(rows.Int(i, 1));
    tenant.info.tier = rows.Text(i, 2);
    tenant.info.access = TenantAccessOf(rows.Text(i, 3));
    tenant.info.epoch = static_cast<uint64_t>(rows.Int(i, 4));
    tenant.region = rows.Text(i, 5);
    tenant.shard_name = rows.Text(i, 6);
    tenant.size_bytes = rows.IsNull(i, 7) ? -1 : rows.Int(i, 7);
    tenant.created_at = absl::FromUnixMicros(rows.Int(i, 8));
    tenants.push_back(std::move(tenant));
  }
  return tenants;
}

}  // namespace pgreeve::metastore
