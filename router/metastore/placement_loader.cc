#include "router/metastore/placement_loader.h"

#include <utility>

#include "router/base/status_macros.h"
#include "router/metastore/catalog_client.h"
#include "router/metastore/enum_text.h"

namespace pgreeve::metastore {

const char kShardColumns[] =
    "s.id, s.name, s.node, n.host, n.port, s.database, s.tier, s.region, s.state, s.backends_max,"
    " s.shard_epoch, s.token_kid, s.token_key";

catalog::ShardInfo ShardOf(const pqlink::Result& rows, int row) {
  catalog::ShardInfo shard;
  shard.id.value = static_cast<int32_t>(rows.Int(row, 0));
  shard.name = rows.Text(row, 1);
  shard.node.value = static_cast<int32_t>(rows.Int(row, 2));
  shard.host = rows.Text(row, 3);
  shard.port = static_cast<uint16_t>(rows.Int(row, 4));
  shard.database = rows.Text(row, 5);
  shard.tier = rows.Text(row, 6);
  shard.region = rows.Text(row, 7);
  shard.state = ShardStateOf(rows.Text(row, 8));
  shard.backends_max = static_cast<int32_t>(rows.Int(row, 9));
  shard.shard_epoch = static_cast<uint64_t>(rows.Int(row, 10));
  shard.token_kid = static_cast<int32_t>(rows.Int(row, 11));
  shard.token_key = rows.Bytes(row, 12);
  return shard;
}

const char kLoginColumns[] =
    "name, scope, verifier, tenant, isolated, provision, provision_tier, provision_region,"
    " connections_max, superadmin";

absl::StatusOr<catalog::LoginInfo> LoginOf(TenantType type, const pqlink::Result& rows, int row) {
  catalog::LoginInfo login;
  login.name = rows.Text(row, 0);
  login.scope = LoginScopeOf(rows.Text(row, 1));
  login.verifier = rows.Text(row, 2);
  if (!rows.IsNull(row, 3)) {
    ASSIGN_OR_RETURN(login.tenant, TenantId::FromText(type, rows.Text(row, 3)));
  }
  login.isolated = rows.Bool(row, 4);
  login.provision = rows.Bool(row, 5);
  login.provision_tier = rows.Text(row, 6);
  login.provision_region = rows.Text(row, 7);
  login.connections_max = static_cast<int32_t>(rows.Int(row, 8));
  login.superadmin = rows.Bool(row, 9);
  return login;
}

absl::Status PlacementLoader::All() {
  RETURN_IF_ERROR(Topology());
  RETURN_IF_ERROR(Roles());
  RETURN_IF_ERROR(Logins());
  RETURN_IF_ERROR(Tables());
  return Tenants();
}

absl::Status PlacementLoader::Changed(std::string_view kind, const std::vector<std::string>& keys) {
  if (kind == "tenant")
    return Tenants(keys);
  if (kind == "login")
    return Logins();
  if (kind == "table")
    return Tables();
  if (kind == "role")
    return Roles();
  if (kind == "setting" || kind == "region")
    return absl::OkStatus();
  return Topology();  // shard, node, tier, combiner
}

absl::Status PlacementLoader::PutTenants(const pqlink::Result& rows) {
  for (int i = 0; i < rows.rows(); i++) {
    catalog::TenantInfo tenant;
    ASSIGN_OR_RETURN(tenant.id, TenantId::FromText(placement_.tenant_type, rows.Text(i, 0)));
    tenant.shard.value = static_cast<int32_t>(rows.Int(i, 1));
    tenant.tier = rows.Text(i, 2);
    tenant.access = TenantAccessOf(rows.Text(i, 3));
    tenant.epoch = static_cast<uint64_t>(rows.Int(i, 4));
    placement_.PutTenant(std::move(tenant));
  }
  return absl::OkStatus();
}

absl::Status PlacementLoader::Tenants() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_.Exec("SELECT id, shard, tier, access, epoch FROM pgreeve.tenants"));
  return PutTenants(rows);
}

absl::Status PlacementLoader::Tenants(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const TenantId tenant, TenantId::FromText(placement_.tenant_type, id));
    placement_.RemoveTenant(tenant);
  }
  ASSIGN_OR_RETURN(const auto rows,
                   connection_.Exec("SELECT id, shard, tier, access, epoch FROM pgreeve.tenants"
                                    " WHERE id = ANY ($1::text[])",
                                    {pqlink::ArrayLiteral(ids)}));
  return PutTenants(rows);
}

absl::Status PlacementLoader::Topology() {
  placement_.tiers.clear();
  ASSIGN_OR_RETURN(
      const auto tiers,
      connection_.Exec("SELECT name, dedicated, tenants_per_shard_max, size_bytes_min,"
                       " size_bytes_max FROM pgreeve.tiers ORDER BY size_bytes_min, name"));
  for (int i = 0; i < tiers.rows(); i++) {
    placement_.tiers.push_back({std::string(tiers.Text(i, 0)),
                                tiers.Bool(i, 1),
                                static_cast<int32_t>(tiers.Int(i, 2)),
                                tiers.Int(i, 3),
                                tiers.Int(i, 4)});
  }
  placement_.shards.clear();
  ASSIGN_OR_RETURN(
      const auto shards,
      connection_.Exec("SELECT " + std::string(kShardColumns) +
                       " FROM pgreeve.shards s JOIN pgreeve.nodes n ON n.id = s.node"));
  for (int i = 0; i < shards.rows(); i++) {
    catalog::ShardInfo shard = ShardOf(shards, i);
    placement_.shards.insert_or_assign(shard.id, std::move(shard));
  }
  placement_.combiner = {};
  ASSIGN_OR_RETURN(
      const auto combiner,
      connection_.Exec("SELECT n.id, n.host, n.port, c.database, n.region,"
                       " c.backends_max"
                       " FROM pgreeve.combiner c JOIN pgreeve.nodes n ON n.id = c.node"));
  if (combiner.rows() == 1) {
    placement_.combiner.id = kCombinerShard;
    placement_.combiner.name = "combiner";
    placement_.combiner.node.value = static_cast<int32_t>(combiner.Int(0, 0));
    placement_.combiner.host = combiner.Text(0, 1);
    placement_.combiner.port = static_cast<uint16_t>(combiner.Int(0, 2));
    placement_.combiner.database = combiner.Text(0, 3);
    placement_.combiner.region = combiner.Text(0, 4);
    placement_.combiner.backends_max = static_cast<int32_t>(combiner.Int(0, 5));
  }
  return absl::OkStatus();
}

absl::Status PlacementLoader::Logins() {
  placement_.logins.clear();
  ASSIGN_OR_RETURN(
      const auto rows,
      connection_.Exec("SELECT " + std::string(kLoginColumns) + " FROM pgreeve.logins"));
  for (int i = 0; i < rows.rows(); i++) {
    ASSIGN_OR_RETURN(catalog::LoginInfo login, LoginOf(placement_.tenant_type, rows, i));
    std::string name = login.name;
    placement_.logins.insert_or_assign(std::move(name), std::move(login));
  }
  return absl::OkStatus();
}

absl::Status PlacementLoader::Tables() {
  // One row per column; a table without known columns has one row of NULLs.
  ASSIGN_OR_RETURN(const auto rows,
                   connection_.Exec("SELECT t.schema, t.name, t.kind, t.tenant_column,"
                                    " c.value->>'name', c.value->>'type',"
                                    " (c.value->>'not_null')::boolean"
                                    " FROM pgreeve.tables t LEFT JOIN LATERAL"
                                    " jsonb_array_elements(t.columns) WITH ORDINALITY c ON true"
                                    " ORDER BY t.schema, t.name, c.ordinality"));
  auto tables = std::make_shared<TableSet>();
  TableFact fact;
  for (int i = 0; i < rows.rows(); i++) {
    if (i == 0 || rows.Text(i, 0) != fact.schema || rows.Text(i, 1) != fact.name) {
      if (i > 0)
        tables->Add(std::exchange(fact, {}));
      fact.schema = rows.Text(i, 0);
      fact.name = rows.Text(i, 1);
      fact.kind = TableKindOf(rows.Text(i, 2));
      fact.tenant_column = rows.Text(i, 3);
    }
    if (!rows.IsNull(i, 4))
      fact.columns.push_back(
          {std::string(rows.Text(i, 4)), std::string(rows.Text(i, 5)), rows.Bool(i, 6)});
  }
  if (rows.rows() > 0)
    tables->Add(std::move(fact));
  placement_.tables = std::move(tables);
  return absl::OkStatus();
}

absl::Status PlacementLoader::Roles() {
  ASSIGN_OR_RETURN(const auto rows,
                   connection_.Exec("SELECT class, username, password FROM pgreeve.backend_roles"));
  for (int i = 0; i < rows.rows(); i++) {
    auto& role = placement_.roles[static_cast<std::size_t>(RoleClassOf(rows.Text(i, 0)))];
    role = {std::string(rows.Text(i, 1)), std::string(rows.Text(i, 2))};
  }
  return absl::OkStatus();
}

}  // namespace pgreeve::metastore
