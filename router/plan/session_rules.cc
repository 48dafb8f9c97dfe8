// Statements without a tenant of their own: transactions, settings, DDL, the router's functions.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include "router/plan/statement_planner.h"

namespace pgreeve::plan {
namespace {

using sql::StatementFacts;
using sql::StatementKind;

constexpr std::string_view kOwnPrefix = "pgreeve.";

bool IsOwn(std::string_view setting) {
  return setting.starts_with(kOwnPrefix);
}

}  // namespace

bool StatementPlanner::Transaction(const StatementFacts& facts, StatementPlan& plan) {
  switch (facts.kind) {
    case StatementKind::kBegin:
      plan.verb = Verb::kBegin;
      break;
    case StatementKind::kCommit:
      plan.verb = Verb::kCommit;
      break;
    case StatementKind::kRollback:
      plan.verb = Verb::kRollback;
      break;
    case StatementKind::kSavepoint:
      plan.verb = Verb::kSavepoint;
      break;
    case StatementKind::kRelease:
      plan.verb = Verb::kReleaseSavepoint;
      break;
    case StatementKind::kRollbackTo:
      plan.verb = Verb::kRollbackToSavepoint;
      break;
    case StatementKind::kSetTransaction:
      plan.verb = Verb::kSetTransaction;
      break;
    case StatementKind::kTwoPhase:
      plan.verb = Verb::kPreparedTransaction;
      Refuse(plan, RejectCode::kTwoPhase);
      return true;
    default:
      return false;
  }
  plan.route = Route::kSession;
  plan.name = facts.name;
  return true;
}

// True: planned. What is left are queries and DDL.
bool StatementPlanner::Session(const StatementFacts& facts, StatementPlan& plan) {
  if (Transaction(facts, plan))
    return true;
  plan.name = facts.name;
  switch (facts.kind) {
    case StatementKind::kSet:
    case StatementKind::kSetLocal:
    case StatementKind::kReset:
    case StatementKind::kShow:
      Setting(facts, plan);
      return true;
    case StatementKind::kListen:
    case StatementKind::kUnlisten:
    case StatementKind::kNotify:
      Notification(facts, plan);
      return true;
    case StatementKind::kDiscard:
      plan.verb = Verb::kDiscard;
      break;
    case StatementKind::kPrepare:
    case StatementKind::kExecute:
      // What the inner statement does is planned when it runs.
      plan.verb = facts.kind == StatementKind::kPrepare ? Verb::kPrepare : Verb::kExecute;
      plan.pins = kPinNone;
      plan.argument_begin = facts.argument_begin;
      plan.argument_length = facts.argument_length;
      plan.value = facts.value;
      for (const sql::ValueSource& source : facts.arguments) {
        // What is no constant cannot name a tenant; the statement inside says whether it must.
        std::string argument;
        if (!ReadText(source, context_.values, argument))
          argument.clear();
        plan.arguments.push_back(std::move(argument));
      }
      break;
    case StatementKind::kDeallocate:
      plan.verb = Verb::kDeallocate;
      break;
    case StatementKind::kFetch:
      plan.verb = Verb::kFetchCursor;
      break;
    case StatementKind::kCloseCursor:
      plan.verb = Verb::kCloseCursor;
      break;
    case StatementKind::kLocalFunction:
      LocalFunction(facts, plan);
      return true;
    case StatementKind::kExplainRoute:
      ExplainRoute(facts, plan);
      return true;
    default:
      return false;
  }
  plan.route = Route::kSession;
  return true;
}

void StatementPlanner::Setting(const StatementFacts& facts, StatementPlan& plan) {
  const bool own = IsOwn(facts.name);
  if (own)
    plan.name = facts.name.substr(kOwnPrefix.size());
  plan.value = facts.value;
  plan.route = own ? Route::kLocal : Route::kSession;
  switch (facts.kind) {
    case StatementKind::kShow:
      plan.verb = own ? Verb::kShowPgreeve : Verb::kNone;
      if (!own)
        plan.route = Route::kAnyShard;
      return;
    case StatementKind::kReset:
      plan.verb = own ? Verb::kResetPgreeve : Verb::kReset;
      return;
    case StatementKind::kSetLocal:
      plan.verb = own ? Verb::kSetPgreeve : Verb::kSetLocal;
      break;
    default:
      plan.verb = own ? Verb::kSetPgreeve : Verb::kSet;
      break;
  }
  const bool locked = session_.locked || session_.scope == catalog::LoginScope::kTenant;
  if (!own || plan.name != "tenant" || !locked)
    return;
  const auto id = TenantId::FromText(context_.placement->tenant_type, facts.value);
  if (!id.ok() || session_.tenant == nullptr || *id != session_.tenant->id)
    Refuse(plan, RejectCode::kLockedSession, facts.value);
}

// UNLISTEN is harmless and part of what drivers send to reset a connection.
void StatementPlanner::Notification(const StatementFacts& facts, StatementPlan& plan) {
  plan.route = Route::kSession;
  plan.verb = facts.kind == StatementKind::kListen     ? Verb::kListen
              : facts.kind == StatementKind::kUnlisten ? Verb::kUnlisten
                                                       : Verb::kNotify;
  const bool free = context_.bound == nullptr && !is_operator();
  if (facts.kind != StatementKind::kUnlisten && (isolated() || free))
    Refuse(plan, RejectCode::kNotifications);
}

void StatementPlanner::LocalFunction(const StatementFacts& facts, StatementPlan& plan) {
  plan.verb = Verb::kFunction;
  plan.columns_star = facts.columns_star;
  if (!is_operator())
    return Refuse(plan, RejectCode::kLocalFunctionScope, facts.name);
  plan.route = Route::kLocal;
  for (const sql::ValueSource& source : facts.arguments) {
    std::string& argument = plan.arguments.emplace_back();
    if (ReadText(source, context_.values, argument))
      continue;
    if (context_.executing)
      return Refuse(plan, RejectCode::kFunctionArgument, facts.name, source.location);
  }
}

void StatementPlanner::ExplainRoute(const StatementFacts& facts, StatementPlan& plan) {
  plan.route = Route::kLocal;
  plan.verb = Verb::kExplainRoute;
  plan.name = facts.explain_format;
  plan.writes = false;
  plan.pins = kPinNone;
  StatementPlanner inner(context_);
  inner.set_explaining();
  for (const StatementFacts& statement : facts.inner) {
    StatementPlan& explained = plan.explained.emplace_back(inner.Plan(statement));
    explained.sql = context_.sql.substr(statement.begin, statement.length);
  }
}

void StatementPlanner::Broadcast(StatementPlan& plan, catalog::RoleClass role) {
  plan.route = Route::kBroadcast;
  plan.broadcast_role = role;
  plan.is_ddl = role == catalog::RoleClass::kOwner;
}

// State that lives on one backend, in a session whose backend is known.
void StatementPlanner::OnBoundTenant(StatementPlan& plan, RejectCode otherwise) {
  if (context_.bound == nullptr)
    return Refuse(plan, otherwise);
  ToTenant(*context_.bound, plan);
}

// True: planned. Tables of shared shards belong to the fleet: their shape is the operators'.
bool StatementPlanner::Schema(const StatementFacts& facts, StatementPlan& plan) {
  plan.is_ddl = false;
  switch (facts.kind) {
    case StatementKind::kBlock:
      if (isolated())
        OnBoundTenant(plan, RejectCode::kBlockUnbound);
      else
        Refuse(plan, RejectCode::kBlockUnbound);
      return true;
    case StatementKind::kLock:
      OnBoundTenant(plan, RejectCode::kLockUnbound);
      return true;
    case StatementKind::kRole:
      if (is_operator())
        Broadcast(plan, catalog::RoleClass::kOwner);
      else
        Refuse(plan, RejectCode::kRoleScope);
      return true;
    case StatementKind::kTruncate:
      if (is_operator())
        Broadcast(plan, catalog::RoleClass::kOwner);
      else
        Refuse(plan, RejectCode::kTruncateScope);
      return true;
    case StatementKind::kMaintenance:
      if (!is_operator())
        Refuse(plan, RejectCode::kMaintenanceScope);
      else if (facts.concurrently)
        Refuse(plan, RejectCode::kConcurrently);
      else
        Broadcast(plan, catalog::RoleClass::kOwner);
      return true;
    case StatementKind::kOther:
      Refuse(plan, RejectCode::kServerWide);
      return true;
    case StatementKind::kDdl:
      if (facts.is_temp)
        OnBoundTenant(plan, RejectCode::kTempUnbound);
      else if (!is_operator())
        Refuse(plan, RejectCode::kDdlScope);
      else if (facts.concurrently)
        Refuse(plan, RejectCode::kConcurrently);
      else
        Broadcast(plan, catalog::RoleClass::kOwner);
      return true;
    default:
      return false;
  }
}

}  // namespace pgreeve::plan
