// A placement and sessions to plan statements with, and plans as short texts.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "router/catalog/placement.h"
#include "router/plan/planner.h"

namespace pgreeve::plan {

inline TableFact Sharded(std::string name, std::string tenant, std::vector<std::string> columns) {
  TableFact fact{"public", std::move(name), TableKind::kSharded, std::move(tenant), {}};
  for (std::string& column : columns)
    fact.columns.push_back({std::move(column), "bigint", false});
  return fact;
}

inline std::shared_ptr<const TableSet> TestTables() {
  auto tables = std::make_shared<TableSet>();
  tables->Add(Sharded("events", "customer_id", {"id", "customer_id", "kind", "created_at"}));
  tables->Add(Sharded("items", "customer_id", {"order_id", "customer_id", "sku"}));
  tables->Add(Sharded("customers", "id", {"id", "name"}));
  tables->Add(Sharded("orders", "customer_id", {}));
  tables->Add({"public",
               "countries",
               TableKind::kReference,
               "",
               {{"code", "text", true}, {"name", "text", false}}});
  tables->Add({"public", "prices", TableKind::kReference, "", {}});
  return tables;
}

inline void AddTenant(catalog::Placement& placement,
                      std::string_view id,
                      catalog::TenantAccess access = catalog::TenantAccess::kOpen) {
  catalog::TenantInfo tenant;
  tenant.id = *TenantId::FromText(placement.tenant_type, id);
  tenant.shard = {1};
  tenant.tier = "starter";
  tenant.access = access;
  placement.PutTenant(std::move(tenant));
}

inline std::shared_ptr<const catalog::Placement> TestPlacement(TenantType type) {
  auto placement = std::make_shared<catalog::Placement>();
  placement->timeline = 3;
  placement->epoch = 118;
  placement->schema_epoch = 1;
  placement->tenant_type = type;
  placement->tables = TestTables();
  placement->tiers.push_back({"starter", false, 100, 0, 0});
  for (const int number : {1, 2}) {
    catalog::ShardInfo shard;
    shard.id = {number};
    shard.name = "s" + std::to_string(number);
    placement->shards.emplace(shard.id, shard);
  }
  switch (type) {
    case TenantType::kBigint:
      for (const char* id : {"1", "2", "3"})
        AddTenant(*placement, id);
      AddTenant(*placement, "8", catalog::TenantAccess::kSuspended);
      AddTenant(*placement, "9", catalog::TenantAccess::kReadOnly);
      break;
    case TenantType::kUuid:
      AddTenant(*placement, "00000000-0000-0000-0000-000000000002");
      AddTenant(*placement, "00000000-0000-0000-0000-00000000000a");
      break;
    case TenantType::kText:
      for (const char* id : {"a b", "it's", "5"})
        AddTenant(*placement, id);
      break;
  }
  return placement;
}

// "single 2", "PR-101", "session set work_mem='1MB'": see corpus.txt.
std::string Summary(const Plans& plans);

}  // namespace pgreeve::plan
