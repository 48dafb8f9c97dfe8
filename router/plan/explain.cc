// EXPLAIN (ROUTE) as lines and as JSON.
#include <cstdio>

#include "router/plan/planner.h"
#include "router/plan/scatter_plan.h"

namespace pgreeve::plan {
namespace {

std::string_view Name(Route route) {
  switch (route) {
    case Route::kSingle:
      return "single";
    case Route::kAnyShard:
      return "any shard";
    case Route::kScatter:
      return "scatter";
    case Route::kBroadcast:
      return "broadcast";
    case Route::kSession:
      return "session";
    case Route::kLocal:
      return "local";
    case Route::kReject:
      return "reject";
  }
  return "";
}

std::string_view Name(MergeKind kind) {
  switch (kind) {
    case MergeKind::kConcat:
      return "concatenate";
    case MergeKind::kOrdered:
      return "merge sorted";
    case MergeKind::kGroup:
      return "combine groups";
  }
  return "";
}

// What both forms say, once.
struct Explained {
  std::vector<std::pair<std::string_view, std::string>> fields;
  std::vector<std::string> found;
  std::vector<std::string> shards;
};

std::string ShardName(ShardId id, const catalog::Placement& placement) {
  const catalog::ShardInfo* shard = placement.FindShard(id);
  return shard == nullptr ? std::to_string(id.value) : shard->name;
}

Explained Describe(const StatementPlan& plan, const catalog::Placement& placement) {
  Explained explained;
  auto& fields = explained.fields;
  fields.emplace_back("plan", Name(plan.route));
  explained.found = plan.found;
  if (plan.tenant != nullptr) {
    fields.emplace_back("tenant", plan.tenant->id.Text());
    fields.emplace_back("tier", plan.tenant->tier);
    explained.shards.push_back(ShardName(plan.tenant->shard, placement));
  } else if (!plan.provision.empty()) {
    fields.emplace_back("tenant", plan.provision.Text() + " (would be created)");
  }
  if (plan.route == Route::kScatter && plan.scatter != nullptr) {
    for (const ShardId id : plan.scatter->shards)
      explained.shards.push_back(ShardName(id, placement));
  } else if (plan.route == Route::kBroadcast) {
    for (const ShardId id : placement.ServingShards())
      explained.shards.push_back(ShardName(id, placement));
  }
  fields.emplace_back("epoch", ToString(Epoch{placement.timeline, placement.epoch}));
  if (plan.route == Route::kReject) {
    fields.emplace_back("sqlstate", plan.reject.error.sqlstate);
    fields.emplace_back("error", plan.reject.error.message);
    fields.emplace_back("detail", plan.reject.error.detail);
    fields.emplace_back("hint", plan.reject.error.hint);
    return explained;
  }
  if (plan.route == Route::kScatter && plan.scatter != nullptr) {
    fields.emplace_back("sql per shard", plan.scatter->partial_sql);
    fields.emplace_back("combine", Name(plan.scatter->kind));
    fields.emplace_back("engine", plan.scatter->native_possible ? "native" : "postgres");
    if (!plan.scatter->combine_sql.empty())
      fields.emplace_back("combine sql", plan.scatter->combine_sql);
    return explained;
  }
  fields.emplace_back("sql per shard", plan.rewritten.empty() ? plan.sql : plan.rewritten);
  return explained;
}

void AppendJson(std::string_view text, std::string& json) {
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(c));
      json += escaped;
    } else {
      json += c;
    }
  }
  json += '"';
}

void AppendJson(const std::vector<std::string>& list, std::string& json) {
  json += '[';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0)
      json += ", ";
    AppendJson(list[i], json);
  }
  json += ']';
}

// The statements that are explained, whether the caller has them or the EXPLAIN around them.
std::vector<const StatementPlan*> Inner(const Plans& plans) {
  std::vector<const StatementPlan*> inner;
  for (const StatementPlan& plan : plans) {
    if (plan.verb != Verb::kExplainRoute) {
      inner.push_back(&plan);
      continue;
    }
    for (const StatementPlan& explained : plan.explained)
      inner.push_back(&explained);
  }
  return inner;
}

}  // namespace

std::vector<std::string> ExplainText(const Plans& plans, const catalog::Placement& placement) {
  std::vector<std::string> lines;
  for (const StatementPlan* plan : Inner(plans)) {
    const Explained explained = Describe(*plan, placement);
    bool first = true;
    for (const auto& [name, value] : explained.fields) {
      if (value.empty())
        continue;
      lines.push_back((first ? "" : "  ") + std::string(name) + ": " + value);
      if (!first)
        continue;
      first = false;
      for (const std::string& found : explained.found)
        lines.push_back("  found: " + found);
      if (!explained.shards.empty()) {
        std::string shards = "  shards (" + std::to_string(explained.shards.size()) + "):";
        for (const std::string& shard : explained.shards)
          shards += " " + shard;
        lines.push_back(shards);
      }
    }
  }
  return lines;
}

std::string ExplainJson(const Plans& plans, const catalog::Placement& placement) {
  std::string json = "[";
  bool first = true;
  for (const StatementPlan* plan : Inner(plans)) {
    const Explained explained = Describe(*plan, placement);
    json += first ? "{" : ", {";
    first = false;
    for (const auto& [name, value] : explained.fields) {
      if (value.empty())
        continue;
      AppendJson(name, json);
      json += ": ";
      AppendJson(value, json);
      json += ", ";
    }
    json += "\"found\": ";
    AppendJson(explained.found, json);
    json += ", \"shards\": ";
    AppendJson(explained.shards, json);
    json += "}";
  }
  return json + "]";
}

}  // namespace pgreeve::plan
