// What only the shards can tell.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "admin/cli/doctor.h"
#include "admin/cli/lookup.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

constexpr std::size_t kMisplacedShownMax = 20;  // tenants named for one table of one shard
constexpr int64_t kOrphanSeconds = 30;
constexpr int64_t kBackendsForOthers = 10;  // rebalancer, doctor, monitoring, people

// A check that could not be made.
void Unreadable(Diagnosis& diagnosis,
                std::string check,
                const std::string& subject,
                const absl::Status& status) {
  const SqlError error = ToSqlError(status);
  diagnosis.Found({Severity::kError,
                   std::move(check),
                   subject,
                   fmt::format("cannot be read: {} ({})", error.message, error.sqlstate),
                   error.hint.empty() ? "look into the log of its node" : error.hint});
}

void CheckState(pqlink::Connection& link, const metastore::ShardRow& shard, Diagnosis& diagnosis) {
  const std::string& name = shard.info.name;
  const auto state = link.Exec(
      "SELECT shard, shard_epoch, timeline, left(pg_walfile_name(pg_current_wal_lsn()), 8)"
      " FROM pgreeve.shard_state");
  if (!state.ok())
    return Unreadable(diagnosis, "state", name, state.status());
  const std::string reinstall = fmt::format(
      "pgreevectl shard add installs schema pgreeve again; see which database shard {} names",
      name);
  if (state->rows() != 1)
    return diagnosis.Found(
        {Severity::kError, "state", name, "pgreeve.shard_state is empty", reinstall});
  bool clean = true;
  if (state->Int(0, 0) != shard.info.id.value) {
    clean = false;
    diagnosis.Found({Severity::kError,
                     "state",
                     name,
                     fmt::format("the database says it is shard {}, the catalog {}",
                                 state->Int(0, 0),
                                 shard.info.id.value),
                     "the catalog names the wrong database or node for this shard"});
  }
  if (state->Int(0, 1) != static_cast<int64_t>(shard.info.shard_epoch)) {
    clean = false;
    diagnosis.Found({Severity::kError,
                     "state",
                     name,
                     fmt::format("stores shard epoch {}, the catalog {}: queries over all shards "
                                 "are refused",
                                 state->Int(0, 1),
                                 shard.info.shard_epoch),
                     "a change was cut short; the rebalancer repeats it, or restore was from an "
                     "older backup"});
  }
  if (state->Text(0, 2) != state->Text(0, 3)) {
    clean = false;
    diagnosis.Found({Severity::kError,
                     "state",
                     name,
                     fmt::format("is on timeline {}, routers may attach on {} only",
                                 state->Text(0, 3),
                                 state->Text(0, 2)),
                     "its node was promoted; its routes must be re-asserted before it serves"});
  }
  if (clean)
    diagnosis.Passed("state", name, fmt::format("shard epoch {}", shard.info.shard_epoch));
}

void CheckRoles(pqlink::Connection& link, const std::string& name, Diagnosis& diagnosis) {
  struct Expected {
    std::string_view role;
    bool login;
    bool bypass;
  };

  constexpr std::array<Expected, 4> kRoles = {{{"pgreeve_owner", false, false},
                                               {"pgreeve_app", true, false},
                                               {"pgreeve_operator", true, true},
                                               {"pgreeve_ddl", true, false}}};
  const auto roles = link.Exec(
      "SELECT rolname, rolcanlogin, rolbypassrls, rolsuper FROM pg_roles"
      " WHERE rolname LIKE 'pgreeve\\_%'");
  if (!roles.ok())
    return Unreadable(diagnosis, "roles", name, roles.status());
  bool clean = true;
  for (const Expected& expected : kRoles) {
    std::string problem = "is missing";
    for (int i = 0; i < roles->rows(); ++i) {
      if (roles->Text(i, 0) != expected.role)
        continue;
      problem.clear();
      if (roles->Bool(i, 3))
        problem = "is a superuser";
      else if (roles->Bool(i, 2) != expected.bypass)
        problem = expected.bypass ? "lacks BYPASSRLS" : "has BYPASSRLS";
      else if (roles->Bool(i, 1) != expected.login)
        problem = expected.login ? "may not log in" : "may log in";
    }
    if (problem.empty())
      continue;
    clean = false;
    diagnosis.Found({Severity::kError,
                     "roles",
                     name,
                     fmt::format("role {} {}", expected.role, problem),
                     fmt::format("ALTER ROLE {} {} {} NOSUPERUSER",
                                 expected.role,
                                 expected.login ? "LOGIN" : "NOLOGIN",
                                 expected.bypass ? "BYPASSRLS" : "NOBYPASSRLS")});
  }
  if (clean)
    diagnosis.Passed("roles", name, "4 roles");
}

void CheckIsolation(metastore::ShardClient& client, const std::string& name, Diagnosis& diagnosis) {
  const auto findings = client.Check();
  if (!findings.ok())
    return Unreadable(diagnosis, "isolation", name, findings.status());
  for (const metastore::Finding& finding : *findings)
    diagnosis.Found({finding.severity == "error" ? Severity::kError : Severity::kWarning,
                     "isolation",
                     name,
                     finding.object + " " + finding.finding,
                     "until it is mended a tenant may see rows of others; as pgreeve_ddl: SELECT "
                     "pgreeve.protect(schema, table, tenant_column), or drop the object"});
  if (findings->empty())
    diagnosis.Passed("isolation", name, "pgreeve.check() found nothing");
}

void CheckPrepared(pqlink::Connection& link, const std::string& name, Diagnosis& diagnosis) {
  const auto prepared = link.Exec(
      "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::bigint, gid LIKE 'pgreeve:%'"
      " FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared");
  if (!prepared.ok())
    return Unreadable(diagnosis, "two_phase", name, prepared.status());
  bool clean = true;
  for (int i = 0; i < prepared->rows(); ++i) {
    if (prepared->Int(i, 1) < kOrphanSeconds)
      continue;
    clean = false;
    diagnosis.Found({Severity::kWarning,
                     "two_phase",
                     name,
                     fmt::format("transaction {} has been prepared for {} s and holds its locks",
                                 prepared->Text(i, 0),
                                 prepared->Int(i, 1)),
                     prepared->Bool(i, 2)
                         ? "the leading rebalancer resolves it; see pgreevectl status"
                         : "not one of pgreeve's: COMMIT PREPARED or ROLLBACK PREPARED by whoever "
                           "made it"});
  }
  if (clean)
    diagnosis.Passed("two_phase", name, "no transaction is left prepared");
}

// tenant id, rows; sorted by rows, the most first.
using Misplaced = std::vector<std::pair<std::string, int64_t>>;

void ReportMisplaced(const std::string& shard,
                     const std::string& table,
                     const FleetFacts& fleet,
                     Misplaced misplaced,
                     Diagnosis& diagnosis) {
  std::sort(misplaced.begin(), misplaced.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  for (std::size_t i = 0; i < misplaced.size() && i < kMisplacedShownMax; ++i) {
    const auto& [tenant, rows] = misplaced[i];
    const auto home = fleet.tenants.find(tenant);
    std::string where = "unknown";
    for (const metastore::ShardRow& other : fleet.shards) {
      if (home != fleet.tenants.end() && other.info.id == home->second.shard)
        where = other.info.name;
    }
    diagnosis.Found(
        {Severity::kError,
         "rows",
         shard,
         where == "unknown"
             ? fmt::format(
                   "{} rows of {} belong to tenant {}, which does not exist", rows, table, tenant)
             : fmt::format("{} rows of {} belong to tenant {}, whose home is {}",
                           rows,
                           table,
                           tenant,
                           where),
         where == "unknown"
             ? fmt::format("create the tenant, or delete the rows on {} after a look", shard)
             : fmt::format("they are seen by nobody: compare with {} and move or delete them",
                           where)});
  }
  if (misplaced.size() > kMisplacedShownMax)
    diagnosis.Found(
        {Severity::kError,
         "rows",
         shard,
         fmt::format(
             "{} more tenants have rows of {} here", misplaced.size() - kMisplacedShownMax, table),
         "mend the first ones, then run the doctor again"});
}

}  // namespace

void CheckNode(pqlink::Connection& link,
               const metastore::NodeRow& node,
               const FleetFacts& fleet,
               Diagnosis& diagnosis) {
  const auto settings = link.Exec(
      "SELECT current_setting('max_prepared_transactions')::int, current_setting('wal_level'),"
      " current_setting('max_connections')::int -"
      " current_setting('superuser_reserved_connections')::int, current_setting('fsync')");
  if (!settings.ok())
    return Unreadable(diagnosis, "settings", node.name, settings.status());
  bool clean = true;
  const auto found = [&](Severity severity, std::string text, std::string fix) {
    clean = false;
    diagnosis.Found({severity, "settings", node.name, std::move(text), std::move(fix)});
  };
  if (settings->Int(0, 0) == 0)
    found(Severity::kError,
          "max_prepared_transactions is 0: no transaction can span shards",
          "ALTER SYSTEM SET max_prepared_transactions = 100, then restart the node");
  if (settings->Text(0, 1) != "logical")
    found(Severity::kWarning,
          fmt::format("wal_level is {}: tenants cannot be moved", settings->Text(0, 1)),
          "ALTER SYSTEM SET wal_level = logical, then restart the node");
  const auto routers = static_cast<int64_t>(std::max<std::size_t>(fleet.live_routers(), 1));
  int64_t largest = 0;
  int64_t sum = 0;
  for (const metastore::ShardRow& shard : fleet.shards) {
    if (shard.info.node != node.id || shard.info.state == catalog::ShardState::kRetired)
      continue;
    largest = std::max(largest, shard.info.backends_max * routers);
    sum += shard.info.backends_max * routers;
  }
  const int64_t room = settings->Int(0, 2) - kBackendsForOthers;
  if (largest > room)
    found(Severity::kWarning,
          fmt::format("{} routers may open {} connections to one shard, the node has {}",
                      routers,
                      largest,
                      room),
          "raise max_connections, or lower the shard's --backends-max");
  else if (sum > room)
    found(Severity::kNote,
          fmt::format(
              "all shards at their limits would use {} connections, the node has {}", sum, room),
          "");
  if (settings->Text(0, 3) == "off")
    found(Severity::kNote, "fsync is off: a crash of the machine loses data", "");
  if (clean)
    diagnosis.Passed("settings", node.name, "fit for the fleet");
}

void CheckShard(metastore::ShardClient& client,
                const metastore::ShardRow& shard,
                const FleetFacts&,
                Diagnosis& diagnosis) {
  pqlink::Connection& link = client.connection();
  CheckState(link, shard, diagnosis);
  CheckRoles(link, shard.info.name, diagnosis);
  CheckIsolation(client, shard.info.name, diagnosis);
  CheckPrepared(link, shard.info.name, diagnosis);
}

void CheckRows(pqlink::Connection& link,
               const metastore::ShardRow& shard,
               const FleetFacts& fleet,
               RowCounts& counts,
               Diagnosis& diagnosis) {
  for (const TableFact& table : fleet.tables) {
    if (table.kind != TableKind::kSharded)
      continue;
    const std::string name = table.schema + "." + table.name;
    // Superusers read past row security; the parent of a partition tree counts all its leaves.
    const auto rows = link.Exec(fmt::format("SELECT {}::text, count(*) FROM {}.{} GROUP BY 1",
                                            pqlink::QuoteIdentifier(table.tenant_column),
                                            pqlink::QuoteIdentifier(table.schema),
                                            pqlink::QuoteIdentifier(table.name)));
    // A table that is missing is the schema check's finding.
    if (!rows.ok() && ToSqlError(rows.status()).sqlstate == "42P01")
      continue;
    if (!rows.ok()) {
      Unreadable(diagnosis, "rows", shard.info.name + " " + name, rows.status());
      continue;
    }
    Misplaced misplaced;
    int64_t at_home = 0;
    for (int i = 0; i < rows->rows(); ++i) {
      const std::string tenant = rows->IsNull(i, 0) ? "NULL" : std::string(rows->Text(i, 0));
      const auto home = fleet.tenants.find(tenant);
      const bool here = home != fleet.tenants.end() && home->second.shard == shard.info.id;
      if (!here) {
        misplaced.emplace_back(tenant, rows->Int(i, 1));
        continue;
      }
      at_home += rows->Int(i, 1);
      RowCount& count = counts[{name, home->second.tier}];
      count.rows += rows->Int(i, 1);
      ++count.tenants;
    }
    if (misplaced.empty())
      diagnosis.Passed(
          "rows", shard.info.name, fmt::format("{} rows of {} at home", at_home, name));
    else
      ReportMisplaced(shard.info.name, name, fleet, std::move(misplaced), diagnosis);
  }
}

absl::StatusOr<ShardSchema> ReadSchema(pqlink::Connection& link,
                                       const std::string& shard,
                                       const std::vector<TableFact>& tables) {
  ShardSchema schema;
  schema.shard = shard;
  for (const TableFact& table : tables) {
    const std::string quoted =
        pqlink::QuoteIdentifier(table.schema) + "." + pqlink::QuoteIdentifier(table.name);
    ASSIGN_OR_RETURN(const auto oid, link.Exec("SELECT to_regclass($1)::oid", {quoted}));
    if (oid.IsNull(0, 0))
      continue;
    const std::string root(oid.Text(0, 0));
    TableShape& shape = schema.tables[table.schema + "." + table.name];
    const auto read = [&](std::map<std::string, std::string>& into,
                          std::string_view sql) -> absl::Status {
      ASSIGN_OR_RETURN(const auto rows, link.Exec(sql, {root}));
      for (int i = 0; i < rows.rows(); ++i)
        into.emplace(rows.Text(i, 0), rows.Text(i, 1));
      return absl::OkStatus();
    };
    // Identity and sequence defaults differ by design: each shard has a block of its own.
    RETURN_IF_ERROR(read(shape.columns,
                         "SELECT a.attname, format_type(a.atttypid, a.atttypmod) ||"
                         " CASE WHEN a.attnotnull THEN ' not null' ELSE '' END ||"
                         " CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' ||"
                         " a.attcollation::regcollation ELSE '' END ||"
                         " coalesce(' default ' || nullif(regexp_replace("
                         "pg_get_expr(d.adbin, d.adrelid), '^nextval.*$', 'nextval'), ''), '')"
                         " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
                         " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
                         " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"));
    RETURN_IF_ERROR(read(shape.keys,
                         "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
                         " WHERE conrelid = $1::oid UNION ALL"
                         " SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i"
                         " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid"
                         " AND NOT EXISTS (SELECT FROM pg_constraint k"
                         " WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)"));
    RETURN_IF_ERROR(read(shape.partitions,
                         "SELECT p.relid::regclass::text, coalesce("
                         "pg_get_expr(c.relpartbound, c.oid), '')"
                         " FROM pg_partition_tree($1::oid::regclass) p"
                         " JOIN pg_class c ON c.oid = p.relid WHERE p.level > 0"));
  }
  return schema;
}

}  // namespace pgreeve::cli
