#include <memory>
#include <string>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "router/base/status_macros.h"
#include "router/metastore/embedded_sql.h"

namespace pgreeve::cli {
namespace {

Table CatalogTable() {
  return Table({{"version", ColumnKind::kNumber},
                {"newest", ColumnKind::kNumber},
                {"tenant_type"},
                {"epoch"},
                {"audit"}});
}

absl::StatusOr<int> InitCatalog(Invocation& invocation, const std::string& type_name) {
  ASSIGN_OR_RETURN(const TenantType type, ParseTenantType(type_name));
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  RETURN_IF_ERROR(catalog->Init(type, Invocation::Actor()));
  ASSIGN_OR_RETURN(const int32_t version, catalog->Version());
  Table row({{"version", ColumnKind::kNumber}, {"tenant_type"}});
  row.Add({std::to_string(version), type_name});
  invocation.Done(fmt::format("Catalog made, version {}, tenant ids are {}. Next: pgreevectl node "
                              "add, then pgreevectl shard add.",
                              version,
                              type_name),
                  row);
  return kExitOk;
}

absl::StatusOr<int> UpgradeCatalog(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const int32_t before, catalog->Version());
  ASSIGN_OR_RETURN(const int32_t after, catalog->Upgrade());
  Table row({{"before", ColumnKind::kNumber}, {"after", ColumnKind::kNumber}});
  row.Add({std::to_string(before), std::to_string(after)});
  invocation.Done(before == after
                      ? fmt::format("Nothing to do: the catalog is at version {}.", after)
                      : fmt::format("Catalog upgraded from version {} to {}.", before, after),
                  row);
  return kExitOk;
}

absl::StatusOr<int> ShowCatalog(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const int32_t version, catalog->Version());
  ASSIGN_OR_RETURN(const TenantType type, catalog->GetTenantType());
  ASSIGN_OR_RETURN(const Epoch epoch, catalog->CurrentEpoch());
  ASSIGN_OR_RETURN(const auto broken, catalog->VerifyAudit());
  Table table = CatalogTable();
  table.Add({std::to_string(version),
             std::to_string(metastore::Migrations().size()),
             std::string(pgreeve::ToString(type)),
             pgreeve::ToString(epoch),
             broken ? fmt::format("broken at row {}", *broken) : "intact"});
  invocation.Print(table);
  return broken ? kExitFailed : kExitOk;
}

}  // namespace

void AddCatalogCommands(Commands& commands) {
  CLI::App* group = commands.Group(
      {"catalog", "Make, upgrade and inspect the catalog database", "pgreevectl catalog status"});
  auto type = std::make_shared<std::string>();
  commands
      .Add(group,
           {"init",
            "Make schema pgreeve in an empty database",
            "pgreevectl --catalog postgresql://postgres@cat1/pgreeve catalog init --tenant-type "
            "uuid"},
           [type](Invocation& invocation) { return InitCatalog(invocation, *type); })
      ->add_option("--tenant-type", *type, "The type of tenant ids, for the fleet's whole life")
      ->type_name("uuid|bigint|text")
      ->required()
      ->check(CLI::IsMember({"uuid", "bigint", "text"}));
  commands.Add(group,
               {"upgrade",
                "Apply the migrations that this version of pgreevectl brings",
                "pgreevectl catalog upgrade"},
               UpgradeCatalog);
  commands.Add(group,
               {"status",
                "Version, epoch, type of tenant ids, state of the audit chain",
                "pgreevectl catalog status"},
               ShowCatalog);
}

}  // namespace pgreeve::cli
