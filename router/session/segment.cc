// The extended protocol: the messages up to Sync or Flush are one unit. First every message is
// looked at, without a change to the session (the unit may have to wait for a backend and is then
// looked at again); then all of them are emitted at once.
#include <algorithm>

#include "router/session/refusals.h"
#include "router/session/session.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace from_client = wire::client;
using plan::Route;
using plan::Verb;

absl::Status NoSuchStatement(std::string_view name) {
  return SqlStatus("26000",
                   name.empty()
                       ? std::string("unnamed prepared statement does not exist")
                       : "prepared statement \"" + std::string(name) + "\" does not exist");
}

// Statements whose Parse never goes to a shard at once: the router may answer them.
bool IsRouterLevel(const plan::StatementPlan& plan) {
  if (plan.route == Route::kLocal)
    return true;
  switch (plan.verb) {
    case Verb::kBegin:
    case Verb::kCommit:
    case Verb::kRollback:
    case Verb::kSavepoint:
    case Verb::kReleaseSavepoint:
    case Verb::kRollbackToSavepoint:
    case Verb::kSetTransaction:
    case Verb::kDeallocate:
    case Verb::kFunction:
    case Verb::kEmpty:
      return true;
    case Verb::kReset:
      return plan.name.empty();
    case Verb::kDiscard:
      return plan.name == "ALL";
    default:
      return false;
  }
}

}  // namespace

void Session::ResetUnit() {
  items_.clear();
  unit_plans_.clear();
  unit_target_.reset();
  unit_error_.reset();
  unit_error_code_ = 0;
  unit_has_task_ = false;
  unit_executes_ = false;
  unit_begins_ = false;
  unit_forwards_ = false;
  unit_syncs_ = false;
  unit_provision_ = TenantId();
}

std::size_t Session::HandleUnit(std::string_view bytes, std::size_t unit_bytes) {
  StartUnit();
  unit_extended_ = true;
  ResetUnit();
  preparing_.clear();
  if (lease_error_ != nullptr) {
    unit_error_ = *lease_error_;
    lease_error_.reset();
  } else if (const auto gone = CheckTenant()) {
    unit_error_ = gone;
  }
  const std::string_view unit = bytes.substr(0, unit_bytes);
  const std::size_t done = RunUnit(unit);
  if (wait_ != Wait::kTask)
    ResetUnit();
  return done;
}

std::size_t Session::RunUnit(std::string_view unit) {
  for (std::size_t at = 0; at < unit.size();) {
    Item item;
    wire::ScanFrame(unit.substr(at), ctx_.limits.message_bytes_max, &item.frame);
    at += item.frame.whole.size();
    unit_syncs_ = item.frame.type == from_client::kSync;
    if (unit_error_)
      continue;  // Postgres skips to Sync, too
    if (const absl::Status looked = LookAt(item); !looked.ok()) {
      unit_error_ = ToSqlError(looked);
      continue;
    }
    items_.push_back(std::move(item));
  }
  if (!unit_provision_.empty() && !unit_error_) {
    if (!transaction_.idle() && !transaction_.lazy()) {
      unit_error_ = RefusalError(Refusal::kProvisionInTransaction);
      unit_error_code_ = Code(Refusal::kProvisionInTransaction);
    } else {
      WantTenant(unit_provision_);
      return 0;
    }
  }
  if (unit_has_task_ && !unit_error_) {
    // A portal of an earlier unit is the backend's, and a task unit has no messages for it.
    const bool foreign = std::any_of(items_.begin(), items_.end(), [](const Item& item) {
      return item.statement == nullptr && (item.frame.type == from_client::kDescribe ||
                                           item.frame.type == from_client::kExecute);
    });
    if (foreign) {
      unit_error_ = RefusalError(Refusal::kTaskInPipeline);
      unit_error_code_ = Code(Refusal::kTaskInPipeline);
      items_.clear();
      EmitUnit();
      return unit.size();
    }
    // A COPY inside the client's transaction uses its backend.
    if (unit_target_ && !transaction_.idle() && !AcquireFor(*unit_target_))
      return 0;
    StartTaskUnit(unit);
    return unit.size();
  }
  if (unit_forwards_) {
    const Target target = unit_target_ ? *unit_target_ : AnyShardTarget();
    std::optional<SqlError> refused = CheckLease(target);
    if (!target.shard)
      refused = RefusalError(Refusal::kNoShard);
    if (refused) {
      unit_error_ = refused;
      items_.clear();
      unit_forwards_ = false;
    } else {
      if (!AcquireFor(target))
        return 0;
      unit_route_ = unit_target_ ? metrics::Route::kSingle : metrics::Route::kAnyShard;
      for (const plan::StatementPlan& plan : unit_plans_) {
        if (plan.writes)
          unit_kind_ = metrics::Kind::kWrite;
      }
      outside_ = (transaction_.lazy() || unit_begins_) && !unit_target_ && tenant_id_.empty() &&
                 transaction_.lazy() == !transaction_.idle();
    }
  }
  if (console_ && !unit_error_ && unit_executes_) {
    // The console answers by itself; see RunTaskItems.
    StartTaskUnit(unit);
    return unit.size();
  }
  EmitUnit();
  return unit.size();
}

absl::Status Session::LookAt(Item& item) {
  switch (item.frame.type) {
    case from_client::kParse:
      return LookAtParse(item);
    case from_client::kBind:
      return LookAtBind(item);
    case from_client::kDescribe:
      return LookAtDescribe(item);
    case from_client::kExecute:
      return LookAtExecute(item);
    case from_client::kClose:
      return LookAtClose(item);
    default:
      return absl::OkStatus();  // Sync, Flush
  }
}

PreparedPtr Session::FindPrepared(std::string_view name) {
  for (std::size_t i = items_.size(); i-- > 0;) {
    if (items_[i].frame.type == from_client::kParse && items_[i].name == name)
      return items_[i].statement;
    if (items_[i].frame.type == from_client::kClose && items_[i].what == 'S' &&
        items_[i].name == name)
      return nullptr;
  }
  if (name.empty())
    return unnamed_;
  const auto it = prepared_.find(name);
  return it == prepared_.end() ? nullptr : it->second;
}

const Session::Item* Session::FindBind(std::string_view portal) const {
  for (std::size_t i = items_.size(); i-- > 0;) {
    if (items_[i].frame.type == from_client::kBind && items_[i].bind.portal == portal)
      return &items_[i];
  }
  return nullptr;
}

absl::Status Session::LookAtParse(Item& item) {
  const auto parse = wire::DecodeParse(item.frame.body);
  if (!parse.ok())
    return parse.status();
  item.name = parse->statement;
  if (!item.name.empty()) {
    if (FindPrepared(item.name) != nullptr) {
      return SqlStatus("42P05",
                       "prepared statement \"" + std::string(item.name) + "\" already exists");
    }
    if (prepared_.size() >= static_cast<std::size_t>(ctx_.limits.prepared_statements_max)) {
      unit_error_code_ = Code(Refusal::kPreparedLimit);
      return ToStatus(RefusalError(Refusal::kPreparedLimit));
    }
  }
  auto statement = std::make_shared<PreparedStatement>();
  statement->text = parse->query;
  statement->types = parse->parameter_types;
  const plan::SessionView view = View();
  if (!console_) {
    statement->analyzed = ctx_.planner.Analyze(statement->text, view);
    if (!plan::Planner::IsPlain(*statement->analyzed, view)) {
      const plan::Plans plans =
          ctx_.planner.Plan(statement->text, statement->analyzed.get(), {}, view, false);
      statement->router_level = plans.empty() || (plans.size() == 1 && IsRouterLevel(plans[0]));
      if (plans.size() == 1 && !plans[0].rewritten.empty()) {
        statement->text = plans[0].rewritten;
        statement->analyzed = ctx_.planner.Analyze(statement->text, view);
      }
    }
  } else {
    statement->router_level = true;
  }
  statement->id = item.name.empty() ? ctx_.statements.NextId()
                                    : ctx_.statements.IdOf(
                                          statement->text, statement->types, false, settings_.id());
  if (statement->router_level)
    item.kind = Item::Kind::kSynthetic;
  else
    unit_forwards_ = true;
  item.statement = std::move(statement);
  return absl::OkStatus();
}

absl::Status Session::WantTarget(const Target& target) {
  if (unit_target_ && !unit_target_->SameBackend(target)) {
    unit_error_code_ = Code(Refusal::kSecondTenant);
    return ToStatus(RefusalError(Refusal::kSecondTenant));
  }
  if (const auto refused = CheckLease(target)) {
    unit_error_code_ = Code(Refusal::kSecondTenant);
    return ToStatus(*refused);
  }
  unit_target_ = target;
  return absl::OkStatus();
}

absl::Status Session::LookAtBind(Item& item) {
  auto bind = wire::DecodeBind(item.frame.body);
  if (!bind.ok())
    return bind.status();
  item.bind = *std::move(bind);
  item.name = item.bind.portal;
  item.statement = FindPrepared(item.bind.statement);
  if (item.statement == nullptr)
    return NoSuchStatement(item.bind.statement);
  if (console_) {
    item.kind = Item::Kind::kTask;
    return absl::OkStatus();
  }
  const plan::SessionView view = View();
  const bool aborted = transaction_.status() == 'E';
  if (view.tenant != nullptr && plan::Planner::IsPlain(*item.statement->analyzed, view) &&
      !(aborted && transaction_.lazy())) {
    unit_forwards_ = true;
    return WantTarget({view.tenant->shard, catalog::RoleClass::kTenant, view.tenant});
  }
  std::vector<plan::Parameter> parameters;
  parameters.reserve(item.bind.parameters.size());
  const auto& types = item.statement->types;
  for (std::size_t i = 0; i < item.bind.parameters.size(); i++) {
    parameters.push_back({.type_oid = i < types.size() ? types[i] : 0,
                          .format = item.bind.FormatOf(i),
                          .value = item.bind.parameters[i]});
  }
  plan::Plans plans =
      ctx_.planner.Plan(item.statement->text, item.statement->analyzed.get(), parameters, view);
  if (plans.empty()) {
    plan::StatementPlan empty;
    empty.route = Route::kLocal;
    empty.verb = Verb::kEmpty;
    return PlanBind(item, empty);
  }
  if (plans.size() > 1)
    return SqlStatus("42601", "cannot insert multiple commands into a prepared statement");
  return PlanBind(item, plans[0]);
}

absl::Status Session::PlanBind(Item& item, plan::StatementPlan& plan) {
  const bool ends = plan.verb == Verb::kCommit || plan.verb == Verb::kRollback ||
                    plan.verb == Verb::kRollbackToSavepoint;
  if (transaction_.status() == 'E' && transaction_.lazy() && !ends)
    return ToStatus(AbortedTransactionError());
  if (plan.verb == Verb::kPrepare || plan.verb == Verb::kExecute) {
    unit_error_code_ = Code(Refusal::kNotYet);
    return ToStatus(RefusalError(Refusal::kNotYet,
                                 "PREPARE and EXECUTE go by simple query, not inside Parse."));
  }
  switch (plan.route) {
    case Route::kReject:
      unit_error_code_ = plan.reject.code;
      return ToStatus(plan.reject.error);
    case Route::kScatter:
    case Route::kBroadcast:
      if (const auto refused = CheckTask(plan)) {
        unit_error_code_ = Code(*refused);
        return ToStatus(RefusalError(*refused));
      }
      item.kind = Item::Kind::kTask;
      break;
    case Route::kSession:
    case Route::kLocal:
      // A BEGIN in front of it in this unit has been answered, but no shard knows of it yet.
      if (AnswersLocally(plan) && !(unit_executes_ && unit_target_)) {
        item.kind = Item::Kind::kSynthetic;
        unit_begins_ = unit_begins_ || plan.verb == Verb::kBegin;
      } else if (plan.verb == Verb::kFunction) {
        item.kind = Item::Kind::kTask;
      }
      break;
    case Route::kSingle:
      if (plan.tenant == nullptr) {
        unit_provision_ = plan.provision;
        break;
      }
      if (plan.verb == Verb::kCopyFrom && ReadRole() == catalog::RoleClass::kTenant) {
        item.kind = Item::Kind::kTask;
        if (transaction_.idle())
          break;  // a transaction of its own
      }
      if (const absl::Status wanted = WantTarget(TargetFor(plan)); !wanted.ok())
        return wanted;
      break;
    case Route::kAnyShard:
      if (plan.parse_only)
        item.kind = Item::Kind::kTask;
      break;
  }
  if (item.kind == Item::Kind::kForward)
    unit_forwards_ = true;
  item.plan = static_cast<int>(unit_plans_.size());
  unit_plans_.push_back(std::move(plan));
  return absl::OkStatus();
}

absl::Status Session::LookAtDescribe(Item& item) {
  const auto describe = wire::DecodeDescribe(item.frame.body);
  if (!describe.ok())
    return describe.status();
  item.what = describe->what;
  item.name = describe->name;
  if (item.what == 'S') {
    item.statement = FindPrepared(item.name);
    if (item.statement == nullptr)
      return NoSuchStatement(item.name);
    if (item.statement->router_level)
      item.kind = Item::Kind::kSynthetic;
  } else if (const Item* bind = FindBind(item.name); bind != nullptr) {
    item.kind = bind->kind;
    item.plan = bind->plan;
    item.statement = bind->statement;
  } else if (backend_ == nullptr) {
    return SqlStatus("34000", "portal \"" + std::string(item.name) + "\" does not exist");
  }
  if (item.kind == Item::Kind::kForward)
    unit_forwards_ = true;
  return absl::OkStatus();
}

absl::Status Session::LookAtExecute(Item& item) {
  const auto execute = wire::DecodeExecute(item.frame.body);
  if (!execute.ok())
    return execute.status();
  item.name = execute->portal;
  item.row_limit = execute->row_limit;
  if (const Item* bind = FindBind(item.name); bind != nullptr) {
    item.kind = bind->kind;
    item.plan = bind->plan;
    item.statement = bind->statement;
  } else if (backend_ == nullptr) {
    return SqlStatus("34000", "portal \"" + std::string(item.name) + "\" does not exist");
  }
  item.executes = true;
  if (item.kind == Item::Kind::kTask) {
    if (unit_executes_) {
      unit_error_code_ = Code(Refusal::kTaskInPipeline);
      return ToStatus(RefusalError(Refusal::kTaskInPipeline));
    }
    unit_has_task_ = true;
  } else if (item.kind == Item::Kind::kForward) {
    if (unit_has_task_) {
      unit_error_code_ = Code(Refusal::kTaskInPipeline);
      return ToStatus(RefusalError(Refusal::kTaskInPipeline));
    }
    unit_forwards_ = true;
    unit_executes_ = true;
  }
  return absl::OkStatus();
}

absl::Status Session::LookAtClose(Item& item) {
  const auto close = wire::DecodeDescribe(item.frame.body);
  if (!close.ok())
    return close.status();
  item.what = close->what;
  item.name = close->name;
  const Item* bind = item.what == 'P' ? FindBind(item.name) : nullptr;
  const bool at_backend = item.what == 'P' && (bind != nullptr ? bind->kind == Item::Kind::kForward
                                                               : backend_ != nullptr);
  item.kind = at_backend ? Item::Kind::kForward : Item::Kind::kSynthetic;
  unit_forwards_ = unit_forwards_ || at_backend;
  return absl::OkStatus();
}

}  // namespace pgreeve::session
