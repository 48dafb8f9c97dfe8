#include "router/session/console.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

#include "router/session/session.h"

namespace pgreeve::session {
namespace {

using Row = std::vector<std::optional<std::string>>;

std::vector<std::string> WordsOf(std::string_view sql) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : sql) {
    if (std::isspace(static_cast<unsigned char>(c)) || c == ';') {
      if (!word.empty())
        words.push_back(std::move(word));
      word.clear();
    } else {
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  if (!word.empty())
    words.push_back(std::move(word));
  return words;
}

std::string_view RoleText(catalog::RoleClass role) {
  switch (role) {
    case catalog::RoleClass::kTenant:
      return "tenant";
    case catalog::RoleClass::kOperator:
      return "operator";
    case catalog::RoleClass::kOwner:
      return "owner";
  }
  return "?";
}

std::string ShardName(const WorkerContext& context, ShardId id) {
  const catalog::ShardInfo* shard = context.placement->FindShard(id);
  return shard == nullptr ? std::to_string(id.value) : shard->name;
}

LocalReply Show(const std::vector<std::string>& columns, std::vector<Row> rows) {
  LocalReply reply = LocalReply::Table(columns, std::move(rows), "SHOW");
  return reply;
}

LocalReply ShowPools(const WorkerContext& context) {
  std::vector<Row> rows;
  for (const pool::PoolStats& stats : context.pool.Stats()) {
    rows.push_back({ShardName(context, stats.shard),
                    std::string(RoleText(stats.role)),
                    std::to_string(stats.active),
                    std::to_string(stats.waiting),
                    std::to_string(stats.active),
                    std::to_string(stats.idle),
                    std::to_string(stats.unbinding),
                    std::to_string(stats.opening),
                    std::to_string(absl::ToInt64Seconds(stats.oldest_wait)),
                    std::to_string(absl::ToInt64Microseconds(stats.oldest_wait) % 1000000),
                    "transaction"});
  }
  return Show({"database",
               "user",
               "cl_active",
               "cl_waiting",
               "sv_active",
               "sv_idle",
               "sv_used",
               "sv_login",
               "maxwait",
               "maxwait_us",
               "pool_mode"},
              std::move(rows));
}

LocalReply ShowClients(const WorkerContext& context) {
  std::vector<Row> rows;
  for (const Session* session : context.sessions) {
    rows.push_back({"C",
                    session->user(),
                    session->database(),
                    std::string(metrics::ToString(session->state())),
                    session->peer(),
                    session->application(),
                    session->TenantText(),
                    std::to_string(session->pid())});
  }
  return Show({"type", "user", "database", "state", "addr", "application_name", "tenant", "pid"},
              std::move(rows));
}

LocalReply ShowPins(const WorkerContext& context) {
  std::vector<Row> rows;
  for (const Session* session : context.sessions) {
    for (uint32_t bit = 0; bit < metrics::kCountOf<metrics::PinReason>; bit++) {
      if ((session->pins() & (1U << bit)) != 0) {
        rows.push_back({session->user(),
                        session->TenantText(),
                        std::string(metrics::ToString(static_cast<metrics::PinReason>(bit))),
                        std::to_string(session->pid())});
      }
    }
  }
  return Show({"user", "tenant", "reason", "pid"}, std::move(rows));
}

LocalReply ShowShards(const WorkerContext& context) {
  absl::flat_hash_map<ShardId, int64_t> tenants;
  context.placement->ForEachTenant(
      [&](const catalog::TenantInfo& tenant) { tenants[tenant.shard]++; });
  std::vector<Row> rows;
  std::vector<const catalog::ShardInfo*> shards;
  for (const auto& [id, shard] : context.placement->shards)
    shards.push_back(&shard);
  std::sort(
      shards.begin(), shards.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  for (const catalog::ShardInfo* shard : shards) {
    rows.push_back({std::to_string(shard->id.value),
                    shard->name,
                    std::to_string(shard->node.value),
                    shard->host + ":" + std::to_string(shard->port),
                    shard->database,
                    shard->tier,
                    shard->region,
                    shard->state == catalog::ShardState::kOpen ? "open" : "not open",
                    std::to_string(tenants[shard->id]),
                    std::to_string(shard->shard_epoch)});
  }
  return Show({"id",
               "shard",
               "node",
               "address",
               "database",
               "tier",
               "region",
               "state",
               "tenants",
               "shard_epoch"},
              std::move(rows));
}

LocalReply ShowTiers(const WorkerContext& context) {
  std::vector<Row> rows;
  for (const catalog::TierInfo& tier : context.placement->tiers) {
    rows.push_back({tier.name,
                    tier.dedicated ? "dedicated" : "shared",
                    std::to_string(tier.tenants_per_shard_max),
                    std::to_string(tier.size_bytes_min),
                    std::to_string(tier.size_bytes_max)});
  }
  return Show({"tier", "kind", "tenants_per_shard_max", "size_bytes_min", "size_bytes_max"},
              std::move(rows));
}

LocalReply ShowTenants(const WorkerContext& context) {
  std::vector<Row> rows;
  context.placement->ForEachTenant([&](const catalog::TenantInfo& tenant) {
    rows.push_back({tenant.id.Text(),
                    tenant.tier,
                    ShardName(context, tenant.shard),
                    std::to_string(tenant.epoch)});
  });
  std::sort(rows.begin(), rows.end());
  return Show({"tenant", "tier", "shard", "epoch"}, std::move(rows));
}

LocalReply ShowHelp() {
  std::vector<Row> rows;
  for (const char* line : {"SHOW HELP|VERSION|POOLS|CLIENTS|PINS|DATABASES|LISTS",
                           "SHOW SHARDS|TIERS|TENANTS",
                           "RELOAD"})
    rows.push_back({line});
  return Show({"command"}, std::move(rows));
}

LocalReply Unknown(std::string_view sql) {
  LocalReply reply;
  reply.error = SqlError{.sqlstate = "42601",
                         .message = "unknown console command: " + std::string(sql.substr(0, 80)),
                         .hint = "SHOW HELP lists the commands."};
  return reply;
}

}  // namespace

LocalReply AnswerConsole(WorkerContext& context, std::string_view sql) {
  const std::vector<std::string> words = WordsOf(sql);
  if (words.empty())
    return LocalReply::Tag("");
  if (words[0] == "RELOAD") {
    context.control.Reload();
    return LocalReply::Tag("RELOAD");
  }
  if (words[0] == "SELECT" && words.size() == 2 && words[1] == "1")  // what drivers ping with
    return LocalReply::Table({"?column?"}, {{"1"}});
  if (words[0] != "SHOW" || words.size() < 2)
    return Unknown(sql);
  const std::string& what = words[1];
  if (what == "VERSION")
    return Show({"version"}, {{"pgreeve " + context.version}});
  if (what == "HELP")
    return ShowHelp();
  if (what == "POOLS")
    return ShowPools(context);
  if (what == "CLIENTS")
    return ShowClients(context);
  if (what == "PINS")
    return ShowPins(context);
  if (what == "SHARDS" || what == "DATABASES")
    return ShowShards(context);
  if (what == "TIERS")
    return ShowTiers(context);
  if (what == "TENANTS")
    return ShowTenants(context);
  if (what == "LISTS") {
    return Show({"list", "items"},
                {{"tenants", std::to_string(context.placement->tenant_count())},
                 {"shards", std::to_string(context.placement->shards.size())},
                 {"logins", std::to_string(context.placement->logins.size())},
                 {"clients", std::to_string(context.sessions.size())}});
  }
  return Unknown(sql);
}

}  // namespace pgreeve::session
