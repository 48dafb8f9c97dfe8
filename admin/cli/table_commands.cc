// table list; routers.
#include <algorithm>
#include <string>
#include <vector>

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

absl::StatusOr<int> ListTables(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto placement, catalog->LoadPlacement());
  std::vector<const TableFact*> tables;
  for (const auto& [name, fact] : placement->tables->all())
    tables.push_back(&fact);
  std::sort(tables.begin(), tables.end(), [](const TableFact* a, const TableFact* b) {
    return std::tie(a->schema, a->name) < std::tie(b->schema, b->name);
  });
  Table table(
      {{"schema"}, {"name"}, {"kind"}, {"tenant_column"}, {"columns", ColumnKind::kNumber}});
  for (const TableFact* fact : tables) {
    const bool sharded = fact->kind == TableKind::kSharded;
    table.Add({fact->schema,
               fact->name,
               sharded ? "sharded" : "reference",
               sharded ? Cell(fact->tenant_column) : Cell(),
               std::to_string(fact->columns.size())});
  }
  invocation.Print(table);
  if (tables.empty() && invocation.people())
    Invocation::Remark(
        "No table is declared yet. Through a router, as an operator:\n"
        "  SELECT pgreeve.shard_table('events', 'customer_id');");
  return kExitOk;
}

absl::StatusOr<int> ListRouters(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto routers, catalog->ListRouters());
  Table table({{"name"},
               {"address"},
               {"http"},
               {"live", ColumnKind::kBool},
               {"incarnation", ColumnKind::kNumber},
               {"acked"},
               {"lease_until"},
               {"started"}});
  const auto at = [](absl::Time time) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
  };
  for (const metastore::RouterRow& router : routers)
    table.Add({router.name,
               router.address,
               router.http_address,
               router.live ? "t" : "f",
               std::to_string(router.incarnation),
               pgreeve::ToString(router.acked),
               at(router.lease_until),
               at(router.started_at)});
  invocation.Print(table);
  return kExitOk;
}

}  // namespace

void AddTableCommands(Commands& commands) {
  CLI::App* group =
      commands.Group({"table", "Tables that the fleet has declared", "pgreevectl table list"});
  commands.Add(
      group, {"list", "Sharded and reference tables", "pgreevectl table list -o json"}, ListTables);
  commands.Add(&commands.app(),
               {"routers", "Registered routers, their leases and epochs", "pgreevectl routers"},
               ListRouters);
}

}  // namespace pgreeve::cli
