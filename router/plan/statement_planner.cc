#include "router/plan/statement_planner.h"

#include "router/plan/scatter.h"

namespace pgreeve::plan {
namespace {

using sql::RelationClass;
using sql::StatementFacts;
using sql::StatementKind;

// "PR-213: …" → 213; 0 when the detail is not of that form.
int CodeOf(std::string_view detail) {
  if (!detail.starts_with("PR-"))
    return 0;
  int code = 0;
  for (const char c : detail.substr(3)) {
    if (c < '0' || c > '9' || code > 9999)
      break;
    code = code * 10 + (c - '0');
  }
  return code;
}

std::string NameOf(const StatementFacts& facts, int relation) {
  return relation < 0 ? std::string() : facts.relations[static_cast<std::size_t>(relation)].name;
}

int LocationOf(const StatementFacts& facts, int relation) {
  return relation < 0 ? -1 : facts.relations[static_cast<std::size_t>(relation)].location;
}

int FirstWrittenReference(const StatementFacts& facts) {
  for (std::size_t i = 0; i < facts.relations.size(); ++i) {
    if (facts.relations[i].written && facts.relations[i].kind == RelationClass::kReference)
      return static_cast<int>(i);
  }
  return -1;
}

Verb VerbOf(StatementKind kind) {
  switch (kind) {
    case StatementKind::kCopyFrom:
      return Verb::kCopyFrom;
    case StatementKind::kCopyTo:
      return Verb::kCopyTo;
    case StatementKind::kDeclareCursor:
      return Verb::kDeclareCursor;
    default:
      return Verb::kNone;
  }
}

}  // namespace

void StatementPlanner::Refuse(StatementPlan& plan,
                              RejectCode code,
                              std::string_view what,
                              int byte) {
  plan.route = Route::kReject;
  plan.tenant = nullptr;
  plan.reject = MakeReject(code, what, {context_.sql, byte});
}

StatementPlan StatementPlanner::Plan(const StatementFacts& facts) {
  StatementPlan plan;
  plan.begin = context_.whole_text ? 0 : facts.begin;
  plan.length = context_.whole_text ? static_cast<uint32_t>(context_.sql.size()) : facts.length;
  plan.pins = facts.effects;
  plan.writes = facts.writes;
  plan.is_local = facts.is_local;
  plan.chains = facts.chains;
  if (!Session(facts, plan) && !Schema(facts, plan))
    Query(facts, plan);
  // What cannot be run can still be described, on any shard.
  if (!context_.executing && plan.route != Route::kSingle && plan.route != Route::kSession &&
      plan.route != Route::kLocal && plan.reject.error.sqlstate != "42501") {
    plan.route = Route::kAnyShard;
    plan.reject = {};
    plan.rewritten.clear();
    plan.scatter.reset();
  }
  return plan;
}

bool StatementPlanner::CommonRefusal(const StatementFacts& facts, StatementPlan& plan) {
  struct Rule {
    uint32_t finding;
    RejectCode code;
  };

  static constexpr Rule kRules[] = {
      {sql::kFindsReservedCall, RejectCode::kReservedFunction},
      {sql::kFindsFileCopy, RejectCode::kFileCopy},
      {sql::kFindsOwnSetting, RejectCode::kOwnSettingCall},
      {sql::kFindsMixedLocalCall, RejectCode::kLocalFunctionForm},
  };
  for (const Rule& rule : kRules) {
    if ((facts.findings & rule.finding) != 0) {
      Refuse(plan, rule.code, facts.finding_name, facts.finding_location);
      return true;
    }
  }
  if ((facts.findings & sql::kFindsNotify) != 0 && !is_operator()) {
    Refuse(plan, RejectCode::kNotifications, "", facts.finding_location);
    return true;
  }
  return false;
}

// Statements with tables, or with nothing but values.
void StatementPlanner::Query(const StatementFacts& facts, StatementPlan& plan) {
  plan.verb = VerbOf(facts.kind);
  plan.name = facts.kind == StatementKind::kDeclareCursor ? facts.name : std::string();
  if (CommonRefusal(facts, plan))
    return;
  if (isolated())
    return Bound(facts, plan);
  Unbound(facts, plan);
}

void StatementPlanner::ToTenant(const catalog::TenantInfo& tenant, StatementPlan& plan) {
  if (tenant.access == catalog::TenantAccess::kSuspended && !is_operator())
    return Refuse(plan, RejectCode::kSuspended, tenant.id.Text());
  if (tenant.access != catalog::TenantAccess::kOpen && plan.writes)
    return Refuse(plan, RejectCode::kReadOnly, tenant.id.Text());
  plan.route = Route::kSingle;
  plan.tenant = &tenant;
}

// Whatever the text names, row security shows the one tenant's rows.
void StatementPlanner::Bound(const StatementFacts& facts, StatementPlan& plan) {
  if (const int reference = FirstWrittenReference(facts); reference >= 0)
    return Refuse(plan,
                  RejectCode::kReferenceWriteScope,
                  NameOf(facts, reference),
                  LocationOf(facts, reference));
  plan.rewritten = facts.rewritten;
  ToTenant(*context_.bound, plan);
}

bool StatementPlanner::UnboundRefusal(const StatementFacts& facts, StatementPlan& plan) {
  const auto refuse = [&](RejectCode code) {
    Refuse(plan, code, facts.finding_name, facts.finding_location);
    return true;
  };
  if ((facts.findings & (sql::kFindsTooDeep | sql::kFindsRelationsMax)) != 0)
    return refuse(RejectCode::kTooComplex);
  if ((facts.findings & sql::kFindsUnknownSyntax) != 0)
    return refuse(RejectCode::kSyntaxUnknown);
  if ((facts.findings & sql::kFindsTenantColumnUpdate) != 0)
    return refuse(RejectCode::kTenantColumnUpdate);
  const int undeclared = facts.First(RelationClass::kUndeclared);
  const bool dedicated = context_.bound != nullptr && [&] {
    for (const auto& tier : context_.placement->tiers) {
      if (tier.name == context_.bound->tier)
        return tier.dedicated;
    }
    return false;
  }();
  if (undeclared >= 0 && !dedicated) {
    Refuse(plan, RejectCode::kUndeclared, NameOf(facts, undeclared), LocationOf(facts, undeclared));
    return true;
  }
  if ((facts.findings & sql::kFindsOpaqueFunction) != 0 && !dedicated)
    return refuse(RejectCode::kOpaqueFunction);
  return false;
}

void StatementPlanner::Unbound(const StatementFacts& facts, StatementPlan& plan) {
  if (UnboundRefusal(facts, plan))
    return;
  if (const int reference = FirstWrittenReference(facts); reference >= 0)
    return ReferenceWrite(facts, plan, reference);
  const bool sharded = facts.First(RelationClass::kSharded) >= 0;
  if (!sharded) {
    if (context_.bound != nullptr)
      return ToTenant(*context_.bound, plan);
    plan.route = Route::kAnyShard;
    return;
  }
  const int unbound = facts.FirstUnbound();
  if (unbound >= 0)
    return NoTenant(facts, plan, unbound);
  ByValues(facts, plan);
}

void StatementPlanner::NoTenant(const StatementFacts& facts, StatementPlan& plan, int relation) {
  const std::string name = NameOf(facts, relation);
  const int location = LocationOf(facts, relation);
  switch (facts.kind) {
    case StatementKind::kInsert:
      if (facts.relations[static_cast<std::size_t>(relation)].inserted)
        return Refuse(plan, RejectCode::kInsertWithoutTenant, name, location);
      break;
    case StatementKind::kCopyFrom:
    case StatementKind::kCopyTo:
      return Refuse(plan, RejectCode::kCopyUnbound, name, location);
    case StatementKind::kExplain:
      if (is_operator())
        return Refuse(plan, RejectCode::kExplainUnbound, name, location);
      break;
    case StatementKind::kSelect:
      if (is_operator() && context_.bound == nullptr && !facts.writes)
        return Scatter(facts, plan);
      break;
    default:
      break;
  }
  Refuse(plan,
         is_operator() && facts.writes ? RejectCode::kOperatorWrite : RejectCode::kUnbound,
         name,
         location);
}

void StatementPlanner::Scatter(const StatementFacts& /*facts*/, StatementPlan& plan) {
  if (!context_.executing) {
    plan.route = Route::kAnyShard;
    return;
  }
  const std::string_view text = context_.sql.substr(plan.begin, plan.length);
  if (context_.scatters != nullptr) {
    if (auto known = context_.scatters->Find(text)) {
      plan.route = Route::kScatter;
      plan.scatter = std::move(known);
      return;
    }
  }
  std::vector<std::string> search_path = session_.search_path;
  if (search_path.empty())
    search_path.emplace_back("public");
  auto scatter = PlanScatter(
      text, *context_.placement->tables, search_path, context_.placement->ServingShards());
  if (!scatter.ok()) {
    plan.route = Route::kReject;
    plan.reject.error = ToSqlError(scatter.status());
    plan.reject.code = CodeOf(plan.reject.error.detail);
    return;
  }
  plan.route = Route::kScatter;
  plan.scatter = *std::move(scatter);
  if (context_.scatters != nullptr)
    context_.scatters->Put(text, plan.scatter);
}

// Every value that restricts a relation must name the same tenant, at every execution.
void StatementPlanner::ByValues(const StatementFacts& facts, StatementPlan& plan) {
  TenantId found;
  for (const sql::Binding& binding : facts.bindings) {
    const TenantValues values = ReadTenants(binding.source, context_.values);
    if (values.state == ValueState::kMissing && !context_.executing) {
      plan.route = Route::kAnyShard;
      return;
    }
    if (values.state == ValueState::kNull)
      return Refuse(plan, RejectCode::kNullTenant, binding.column, binding.source.location);
    if (values.state != ValueState::kRead || values.ids.empty())
      return Refuse(plan,
                    RejectCode::kUnreadableValue,
                    values.problem.empty() ? "no value" : values.problem,
                    binding.source.location);
    for (const TenantId& id : values.ids) {
      if (found.empty())
        found = id;
      if (id == found)
        continue;
      if (is_operator() && facts.kind == StatementKind::kSelect && context_.bound == nullptr &&
          !facts.writes)
        return Scatter(facts, plan);
      return Refuse(
          plan,
          binding.assigned ? RejectCode::kTenantColumnUpdate : RejectCode::kSeveralTenants,
          binding.assigned ? binding.column : id.Text(),
          binding.source.location);
    }
    if (explaining_) {
      plan.found.push_back(NameOf(facts, binding.relation) + "." + binding.column + " = " +
                           SourceText(binding.source, context_.values) + " \u2192 " +
                           values.ids.front().Text());
    }
  }
  if (context_.bound != nullptr && context_.bound->id != found)
    return Refuse(plan, RejectCode::kOtherTenantBound, found.Text());
  if (const catalog::TenantInfo* tenant = context_.placement->FindTenant(found))
    return ToTenant(*tenant, plan);
  if (facts.kind == StatementKind::kInsert && session_.may_provision &&
      session_.scope == catalog::LoginScope::kApp) {
    plan.route = Route::kSingle;
    plan.provision = found;
    return;
  }
  Refuse(plan, RejectCode::kUnknownTenant, found.Text());
}

void StatementPlanner::ReferenceWrite(const StatementFacts& facts,
                                      StatementPlan& plan,
                                      int relation) {
  const std::string name = NameOf(facts, relation);
  const int location = LocationOf(facts, relation);
  if (facts.kind == StatementKind::kExplain && !facts.writes) {
    plan.route = Route::kAnyShard;
    return;
  }
  if (!is_operator() || context_.bound != nullptr)
    return Refuse(plan, RejectCode::kReferenceWriteScope, name, location);
  if (facts.kind == StatementKind::kCopyFrom)
    return Refuse(plan, RejectCode::kReferenceCopy, name, location);
  if (const int sharded = facts.First(RelationClass::kSharded); sharded >= 0)
    return Refuse(
        plan, RejectCode::kReferenceWriteMixed, NameOf(facts, sharded), LocationOf(facts, sharded));
  if ((facts.findings & sql::kFindsVolatile) != 0)
    return Refuse(plan, RejectCode::kReferenceWriteVolatile);
  Broadcast(plan, catalog::RoleClass::kOperator);
}

}  // namespace pgreeve::plan
