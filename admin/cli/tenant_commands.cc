// tenant create, list, show; where.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/lookup.h"
#include "admin/cli/tenant_list.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

constexpr std::size_t kBatch = 200;  // tenants of one catalog transaction
constexpr absl::Duration kRetryPause = absl::Milliseconds(300);

struct CreateOptions {
  std::vector<std::string> ids;
  std::string file;
  metastore::TenantSpec defaults;
  bool wait = false;
  int wait_s = 120;
};

struct ListOptions {
  std::string tier;
  std::string region;
  std::string shard;
};

Table TenantTable() {
  return Table({{"tenant"},
                {"tier"},
                {"region"},
                {"shard"},
                {"access"},
                {"epoch", ColumnKind::kNumber},
                {"bytes", ColumnKind::kNumber},
                {"created"}});
}

void AddRow(Table& table, const metastore::TenantRow& tenant) {
  table.Add({tenant.info.id.Text(),
             tenant.info.tier,
             tenant.region,
             tenant.shard_name,
             std::string(ToString(tenant.info.access)),
             std::to_string(tenant.info.epoch),
             tenant.size_bytes < 0 ? Cell() : Cell(std::to_string(tenant.size_bytes)),
             absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", tenant.created_at, absl::UTCTimeZone())});
}

absl::StatusOr<std::vector<metastore::TenantSpec>> ReadSpecs(Invocation& invocation,
                                                             const CreateOptions& options) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const TenantType type, catalog->GetTenantType());
  std::vector<metastore::TenantSpec> specs;
  for (const std::string& id : options.ids) {
    metastore::TenantSpec spec = options.defaults;
    ASSIGN_OR_RETURN(spec.id, TenantId::FromText(type, id));
    specs.push_back(std::move(spec));
  }
  if (!options.file.empty()) {
    std::ifstream file;
    if (options.file != "-")
      file.open(options.file);
    std::istream& in = options.file == "-" ? std::cin : file;
    if (!in.good())
      return SqlStatus("58P01", fmt::format("cannot read {}", options.file));
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    ASSIGN_OR_RETURN(auto more, ParseTenantList(text, type, options.defaults));
    specs.insert(
        specs.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (specs.empty())
    return SqlStatus("22023", "no tenant was named", "", "Give an id, or --from FILE.");
  return specs;
}

// Places `specs`; while a shard is being made for one of them, those before it are placed and the
// rest waits for it until `deadline`.
absl::Status Place(metastore::CatalogClient& catalog,
                   std::span<const metastore::TenantSpec> specs,
                   absl::Time deadline,
                   std::vector<catalog::TenantInfo>& placed) {
  const auto together = catalog.CreateTenants(specs, Invocation::Actor());
  if (together.ok()) {
    placed.insert(placed.end(), together->begin(), together->end());
    return absl::OkStatus();
  }
  if (!metastore::CatalogClient::IsShardPending(together.status()))
    return together.status();
  if (specs.size() > 1) {
    const std::size_t half = specs.size() / 2;
    RETURN_IF_ERROR(Place(catalog, specs.first(half), deadline, placed));
    return Place(catalog, specs.subspan(half), deadline, placed);
  }
  while (true) {
    if (absl::Now() >= deadline)
      return together.status();
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(kRetryPause));
    const auto one = catalog.CreateTenant(specs.front(), Invocation::Actor());
    if (one.ok()) {
      placed.push_back(*one);
      return absl::OkStatus();
    }
    if (!metastore::CatalogClient::IsShardPending(one.status()))
      return one.status();
  }
}

absl::Status PendingError(const absl::Status& status, bool waited) {
  if (!metastore::CatalogClient::IsShardPending(status))
    return status;
  SqlError error = ToSqlError(status);
  error.hint = waited
                   ? "The rebalancer has not made a shard in time; see pgreevectl status and its "
                     "log, or add one by hand: pgreevectl shard add."
                   : "Repeat the command when the rebalancer has made the shard, or let "
                     "--wait do so.";
  return ToStatus(error);
}

absl::StatusOr<int> CreateTenants(Invocation& invocation, const CreateOptions& options) {
  ASSIGN_OR_RETURN(const auto specs, ReadSpecs(invocation, options));
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto shards_before, catalog->ListShards());
  const absl::Time deadline =
      options.wait ? absl::Now() + absl::Seconds(options.wait_s) : absl::InfinitePast();
  std::vector<catalog::TenantInfo> placed;
  absl::Status status;
  std::span<const metastore::TenantSpec> rest(specs);
  while (!rest.empty() && status.ok()) {
    const std::size_t n = std::min(rest.size(), kBatch);
    status = Place(*catalog, rest.first(n), deadline, placed);
    rest = rest.subspan(n);
  }
  ASSIGN_OR_RETURN(const auto shards, catalog->ListShards());
  Table table({{"tenant"}, {"tier"}, {"shard"}, {"epoch", ColumnKind::kNumber}});
  for (const catalog::TenantInfo& tenant : placed) {
    const auto shard = std::find_if(
        shards.begin(), shards.end(), [&](const auto& s) { return s.info.id == tenant.shard; });
    table.Add({tenant.id.Text(),
               tenant.tier,
               shard == shards.end() ? Cell() : Cell(shard->info.name),
               std::to_string(tenant.epoch)});
  }
  if (!placed.empty())
    invocation.Print(table);
  if (!status.ok() && specs.size() > 1)
    Invocation::Remark(fmt::format("{} of {} tenants were created", placed.size(), specs.size()));
  if (!status.ok())
    return PendingError(status, options.wait);
  return kExitOk;
}

absl::StatusOr<int> ListTenants(Invocation& invocation, const ListOptions& options) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto tenants, catalog->ListTenants());
  Table table = TenantTable();
  for (const metastore::TenantRow& tenant : tenants) {
    if ((options.tier.empty() || tenant.info.tier == options.tier) &&
        (options.region.empty() || tenant.region == options.region) &&
        (options.shard.empty() || tenant.shard_name == options.shard))
      AddRow(table, tenant);
  }
  invocation.Print(table);
  return kExitOk;
}

absl::StatusOr<metastore::TenantRow> FindTenant(Invocation& invocation, const std::string& text) {
  ASSIGN_OR_RETURN(const TenantId id, invocation.ReadTenant(text));
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  // Not ListTenants: a fleet may have a million.
  ASSIGN_OR_RETURN(const auto found,
                   catalog->connection().Exec(
                       "SELECT t.tier, t.region, s.name, t.shard, t.access, t.epoch,"
                       " coalesce(z.bytes, -1), extract(epoch FROM t.created_at)::bigint"
                       " FROM pgreeve.tenants t JOIN pgreeve.shards s ON s.id = t.shard"
                       " LEFT JOIN pgreeve.tenant_sizes z ON z.tenant = t.id WHERE t.id = $1",
                       {id.Text()}));
  if (found.rows() == 1) {
    metastore::TenantRow tenant;
    tenant.info.id = id;
    tenant.info.tier = found.Text(0, 0);
    tenant.region = found.Text(0, 1);
    tenant.shard_name = found.Text(0, 2);
    tenant.info.shard.value = static_cast<int32_t>(found.Int(0, 3));
    tenant.info.access = found.Text(0, 4) == "open"        ? catalog::TenantAccess::kOpen
                         : found.Text(0, 4) == "read_only" ? catalog::TenantAccess::kReadOnly
                                                           : catalog::TenantAccess::kSuspended;
    tenant.info.epoch = static_cast<uint64_t>(found.Int(0, 5));
    tenant.size_bytes = found.Int(0, 6);
    tenant.created_at = absl::FromUnixSeconds(found.Int(0, 7));
    return tenant;
  }
  return SqlStatus("3D000",
                   fmt::format("tenant {} does not exist", id.Text()),
                   "",
                   fmt::format("Create it: pgreevectl tenant create {}", id.Text()));
}

absl::StatusOr<int> ShowTenant(Invocation& invocation, const std::string& id) {
  ASSIGN_OR_RETURN(const metastore::TenantRow tenant, FindTenant(invocation, id));
  if (!invocation.people()) {
    Table row = TenantTable();
    AddRow(row, tenant);
    invocation.Print(row);
    return kExitOk;
  }
  Invocation::Write(fmt::format(
      "tenant   {}\ntier     {}\nregion   {}\nshard    {}\naccess   {}\nepoch    {}\n"
      "size     {}\ncreated  {}\n",
      Printable(tenant.info.id.Text()),
      tenant.info.tier,
      tenant.region,
      tenant.shard_name,
      ToString(tenant.info.access),
      tenant.info.epoch,
      tenant.size_bytes < 0 ? "not measured yet" : HumanBytes(tenant.size_bytes),
      absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", tenant.created_at, absl::UTCTimeZone())));
  return kExitOk;
}

absl::StatusOr<int> WhereIs(Invocation& invocation, const std::string& id) {
  ASSIGN_OR_RETURN(const metastore::TenantRow tenant, FindTenant(invocation, id));
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const metastore::ShardRow shard, FindShard(*catalog, tenant.shard_name));
  ASSIGN_OR_RETURN(const metastore::NodeRow node,
                   FindNode(*catalog, std::to_string(shard.info.node.value)));
  Table row({{"tenant"},
             {"tier"},
             {"region"},
             {"shard"},
             {"node"},
             {"host"},
             {"port", ColumnKind::kNumber},
             {"database"},
             {"epoch", ColumnKind::kNumber}});
  row.Add({tenant.info.id.Text(),
           tenant.info.tier,
           tenant.region,
           tenant.shard_name,
           node.name,
           shard.info.host,
           std::to_string(shard.info.port),
           shard.info.database,
           std::to_string(tenant.info.epoch)});
  invocation.Print(row);
  return kExitOk;
}

void AddCreate(Commands& commands, CLI::App* group) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* create = commands.Add(
      group,
      {"create",
       "Give tenants a home",
       "pgreevectl tenant create 7d5f1b1e-0000-4000-8000-000000000001 --tier business --wait\n  "
       "pgreevectl tenant create --from tenants.csv --wait      # id,tier,region a line"},
      [options](Invocation& invocation) { return CreateTenants(invocation, *options); });
  create->add_option("id", options->ids, "Their ids")->type_name("ID");
  create->add_option("--from", options->file, "A file of id[,tier[,region]] lines; - for stdin")
      ->type_name("FILE");
  create->add_option("--tier", options->defaults.tier, "Their tier (the fleet's default)")
      ->type_name("TIER");
  create->add_option("--region", options->defaults.region, "Their region (the fleet's default)")
      ->type_name("REGION");
  create->add_flag(
      "--wait", options->wait, "Where no shard has room, wait until the rebalancer has made one");
  create->add_option("--wait-timeout", options->wait_s, "For this many seconds (120)")
      ->type_name("S")
      ->check(CLI::Range(1, 86400));
}

}  // namespace

void AddTenantCommands(Commands& commands) {
  CLI::App* group = commands.Group(
      {"tenant", "Tenants and their homes", "pgreevectl tenant list --tier enterprise"});
  AddCreate(commands, group);
  auto filter = std::make_shared<ListOptions>();
  CLI::App* list =
      commands.Add(group,
                   {"list", "Tenants, all or some", "pgreevectl tenant list --shard s3 -o csv"},
                   [filter](Invocation& invocation) { return ListTenants(invocation, *filter); });
  list->add_option("--tier", filter->tier, "Only this tier")->type_name("TIER");
  list->add_option("--region", filter->region, "Only this region")->type_name("REGION");
  list->add_option("--shard", filter->shard, "Only this shard")->type_name("SHARD");
  auto id = std::make_shared<std::string>();
  commands
      .Add(group,
           {"show", "One tenant with all that is known of it", "pgreevectl tenant show 42"},
           [id](Invocation& invocation) { return ShowTenant(invocation, *id); })
      ->add_option("id", *id, "Its id")
      ->required()
      ->type_name("ID");
  commands
      .Add(&commands.app(),
           {"where", "The shard, node and database that a tenant lives in", "pgreevectl where 42"},
           [id](Invocation& invocation) { return WhereIs(invocation, *id); })
      ->add_option("id", *id, "Its id")
      ->required()
      ->type_name("ID");
}

}  // namespace pgreeve::cli
