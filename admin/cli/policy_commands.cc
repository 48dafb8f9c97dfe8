// tier set, tier list; region add, region list; setting set, setting show.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/size_text.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

struct TierOptions {
  catalog::TierInfo tier;
  std::string size_min;
  std::string size_max;
};

Table TierTable() {
  return Table({{"name"},
                {"dedicated", ColumnKind::kBool},
                {"tenants_per_shard_max", ColumnKind::kNumber},
                {"size_bytes_min", ColumnKind::kNumber},
                {"size_bytes_max", ColumnKind::kNumber}});
}

void AddRow(Table& table, const catalog::TierInfo& tier) {
  table.Add({tier.name,
             tier.dedicated ? "t" : "f",
             std::to_string(tier.tenants_per_shard_max),
             std::to_string(tier.size_bytes_min),
             tier.size_bytes_max == 0 ? Cell() : Cell(std::to_string(tier.size_bytes_max))});
}

// What is not given stays as it is in an existing tier.
absl::StatusOr<int> SetTier(Invocation& invocation, const TierOptions& options) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto tiers, catalog->ListTiers());
  catalog::TierInfo tier;
  tier.name = options.tier.name;
  for (const catalog::TierInfo& existing : tiers) {
    if (existing.name == tier.name)
      tier = existing;
  }
  if (options.tier.tenants_per_shard_max > 0) {
    tier.tenants_per_shard_max = options.tier.tenants_per_shard_max;
    tier.dedicated = tier.tenants_per_shard_max == 1;
  }
  if (options.tier.dedicated) {
    tier.tenants_per_shard_max = 1;
    tier.dedicated = true;
  }
  if (!options.size_min.empty()) {
    ASSIGN_OR_RETURN(tier.size_bytes_min, ParseSize(options.size_min));
  }
  if (!options.size_max.empty()) {
    ASSIGN_OR_RETURN(tier.size_bytes_max, ParseSize(options.size_max));
  }
  RETURN_IF_ERROR(catalog->PutTier(tier, Invocation::Actor()));
  Table row = TierTable();
  AddRow(row, tier);
  invocation.Done(
      fmt::format("Tier {}: {} tenants a shard, {} to {}.",
                  tier.name,
                  tier.tenants_per_shard_max,
                  HumanBytes(tier.size_bytes_min),
                  tier.size_bytes_max == 0 ? "any size" : HumanBytes(tier.size_bytes_max)),
      row);
  return kExitOk;
}

absl::StatusOr<int> ListTiers(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto tiers, catalog->ListTiers());
  Table table = TierTable();
  for (const catalog::TierInfo& tier : tiers)
    AddRow(table, tier);
  invocation.Print(table);
  return kExitOk;
}

absl::StatusOr<int> AddRegion(Invocation& invocation, const std::string& name) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  RETURN_IF_ERROR(catalog->AddRegion(name, Invocation::Actor()));
  Table row({{"name"}});
  row.Add({name});
  invocation.Done(fmt::format("Region {} added.", name), row);
  return kExitOk;
}

absl::StatusOr<int> ListRegions(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto regions,
                   catalog->connection().Exec(
                       "SELECT r.name, count(n.region) FROM pgreeve.regions r"
                       " LEFT JOIN pgreeve.nodes n ON n.region = r.name GROUP BY 1 ORDER BY 1"));
  Table table({{"name"}, {"nodes", ColumnKind::kNumber}});
  for (int i = 0; i < regions.rows(); ++i)
    table.Add({std::string(regions.Text(i, 0)), std::string(regions.Text(i, 1))});
  invocation.Print(table);
  return kExitOk;
}

absl::StatusOr<int> SetSetting(Invocation& invocation,
                               const std::string& name,
                               const std::string& value) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  RETURN_IF_ERROR(catalog->SetSetting(name, value, Invocation::Actor()));
  Table row({{"name"}, {"value"}});
  row.Add({name, value});
  invocation.Done(fmt::format("{} = {}", name, value), row);
  return kExitOk;
}

absl::StatusOr<int> ShowSetting(Invocation& invocation, const std::string& name) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto value, catalog->GetSetting(name));
  Table row({{"name"}, {"value"}});
  row.Add({name, value});
  invocation.Print(row);
  return kExitOk;
}

void AddTierCommands(Commands& commands) {
  CLI::App* group =
      commands.Group({"tier", "Classes of tenants: size, tenants a shard", "pgreevectl tier list"});
  auto options = std::make_shared<TierOptions>();
  CLI::App* set =
      commands.Add(group,
                   {"set",
                    "Make a tier or change one; what is not given stays",
                    "pgreevectl tier set business --capacity 10 --size-min 1GB --size-max 10GB"},
                   [options](Invocation& invocation) { return SetTier(invocation, *options); });
  options->tier.tenants_per_shard_max = 0;
  set->add_option("name", options->tier.name, "The tier")->required()->type_name("TIER");
  set->add_option("--capacity",
                  options->tier.tenants_per_shard_max,
                  "Tenants that a new shard may hold; 1 makes it dedicated")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  set->add_flag("--dedicated", options->tier.dedicated, "One tenant a shard");
  set->add_option("--size-min", options->size_min, "Tenants from this size on belong here")
      ->type_name("SIZE");
  set->add_option("--size-max", options->size_max, "Up to this size; 0 for no bound")
      ->type_name("SIZE");
  commands.Add(group, {"list", "All tiers with their bounds", "pgreevectl tier list"}, ListTiers);
}

void AddRegionCommands(Commands& commands) {
  CLI::App* group = commands.Group({"region", "Where data may live", "pgreevectl region list"});
  auto name = std::make_shared<std::string>();
  commands
      .Add(group,
           {"add", "Add a region; nodes name it", "pgreevectl region add eu"},
           [name](Invocation& invocation) { return AddRegion(invocation, *name); })
      ->add_option("name", *name, "Its name")
      ->required()
      ->type_name("REGION");
  commands.Add(group, {"list", "All regions", "pgreevectl region list"}, ListRegions);
}

void AddSettingCommands(Commands& commands) {
  CLI::App* group = commands.Group({"setting",
                                    "Fleet-wide settings in the catalog",
                                    "pgreevectl setting set placement.default_tier starter"});

  struct Options {
    std::string name;
    std::string value;
  };

  auto options = std::make_shared<Options>();
  CLI::App* set = commands.Add(
      group,
      {"set",
       "Set one: placement.default_tier, placement.default_region, placement.spare_tiers",
       "pgreevectl setting set placement.spare_tiers starter,business"},
      [options](Invocation& i) { return SetSetting(i, options->name, options->value); });
  set->add_option("name", options->name, "The setting")->required()->type_name("NAME");
  set->add_option("value", options->value, "Its value")->required()->type_name("VALUE");
  commands
      .Add(group,
           {"show", "Show one", "pgreevectl setting show placement.default_tier"},
           [options](Invocation& i) { return ShowSetting(i, options->name); })
      ->add_option("name", options->name, "The setting")
      ->required()
      ->type_name("NAME");
}

}  // namespace

void AddPolicyCommands(Commands& commands) {
  AddTierCommands(commands);
  AddRegionCommands(commands);
  AddSettingCommands(commands);
}

}  // namespace pgreeve::cli
