// The simple protocol: one Query message is one unit.
#include <functional>
#include <utility>

#include "router/session/console.h"
#include "router/session/refusals.h"
#include "router/session/session.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

using plan::Route;
using plan::Verb;

std::string_view TextOf(std::string_view sql, const plan::StatementPlan& plan) {
  if (plan.length == 0)
    return sql.substr(plan.begin);
  return sql.substr(plan.begin, plan.length);
}

bool IsTransactionVerb(Verb verb) {
  switch (verb) {
    case Verb::kBegin:
    case Verb::kCommit:
    case Verb::kRollback:
    case Verb::kSavepoint:
    case Verb::kReleaseSavepoint:
    case Verb::kRollbackToSavepoint:
    case Verb::kSetTransaction:
      return true;
    default:
      return false;
  }
}

// Of a plain text, by its first word: what is neither SELECT, WITH, VALUES nor TABLE writes.
metrics::Kind KindOf(std::string_view sql) {
  const std::size_t first = sql.find_first_not_of(" \t\r\n(");
  const char letter = first == sql.npos ? 's' : static_cast<char>(sql[first] | 0x20);
  return letter == 's' || letter == 'w' || letter == 'v' || letter == 't' ? metrics::Kind::kRead
                                                                          : metrics::Kind::kWrite;
}

bool IsWithin(std::string_view part, std::string_view whole) {
  return !whole.empty() && std::greater_equal<>()(part.data(), whole.data()) &&
         std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

// May stand in a string that goes to one backend as it is.
bool GoesAsText(const plan::StatementPlan& plan) {
  if (!plan.rewritten.empty() || plan.verb == Verb::kCopyFrom || plan.parse_only)
    return false;
  if (plan.route == Route::kSingle)
    return plan.tenant != nullptr;
  if (plan.route == Route::kAnyShard)
    return true;
  if (plan.route != Route::kSession)
    return false;
  switch (plan.verb) {
    case Verb::kPrepare:
    case Verb::kExecute:
    case Verb::kDeallocate:
    case Verb::kDiscard:
      return false;
    case Verb::kReset:
      return !plan.name.empty();
    default:
      return true;
  }
}

}  // namespace

void Session::StartUnit() {
  unit_started_ = ctx_.worker.now();
  unit_failed_ = false;
  unit_extended_ = false;
  copy_ended_ = false;
  unit_tier_ = bound_tier_;
  unit_route_ = metrics::Route::kLocal;  // until it goes somewhere
  unit_kind_ = metrics::Kind::kRead;
  last_tag_.clear();
  effects_.clear();
}

Session::Next Session::HandleQuery(const wire::Frame& frame) {
  const auto sql = wire::DecodeQuery(frame.body);
  if (!sql.ok()) {
    Fatal(ToSqlError(sql.status()), metrics::Refusal::kProtocol);
    return Next::kWait;
  }
  StartUnit();
  // A query that comes back with its lease was found plain when it began to wait.
  const bool known_plain = std::exchange(plain_waits_, false) && lease_placement_ == ctx_.placement;
  if (lease_error_ != nullptr) {
    const SqlError error = *lease_error_;
    lease_error_.reset();
    RejectQuery(error, 0);
    return Next::kConsumed;
  }
  if (const auto gone = CheckTenant()) {
    RejectQuery(*gone, 0);
    return Next::kConsumed;
  }
  if (console_) {
    RunConsole(*sql);
    return Next::kConsumed;
  }
  const plan::SessionView view = View();
  if (view.tenant != nullptr && !transaction_.lazy() &&
      view.tenant->access == catalog::TenantAccess::kOpen &&
      (known_plain || ctx_.planner.IsPlain(*sql, view))) {
    const Target target{view.tenant->shard, ReadRole(), view.tenant};
    if (backend_ == nullptr || lease_target_.SameBackend(target)) {
      if (!AcquireFor(target)) {
        plain_waits_ = true;
        return Next::kWait;
      }
      unit_route_ = metrics::Route::kSingle;
      unit_kind_ = KindOf(*sql);
      relay_.ExpectPlain(false);
      SendQueryToBackend(frame.whole);
      wait_ = Wait::kReplies;
      return Next::kConsumed;
    }
  }
  plan::Plans plans = ctx_.planner.Plan(*sql, nullptr, {}, view);
  query_frame_ = frame.whole;
  const Next next = RunPlans(*sql, plans);
  query_frame_ = {};
  return next;
}

Session::Next Session::RunPlans(std::string_view sql, plan::Plans& plans) {
  if (plans.empty() || (plans.size() == 1 && plans[0].verb == Verb::kEmpty)) {
    std::string out;
    wire::AppendEmptyQueryResponse(out);
    SendToClient(out);
    SendReady();
    UnitDone();
    return Next::kConsumed;
  }
  if (plans.size() == 1)
    return RunStatement(plans[0].length == 0 ? sql : TextOf(sql, plans[0]), plans[0]);
  // Several statements: as they are if one backend can take them all.
  bool as_text = plans[0].verb != Verb::kBegin && !transaction_.lazy();
  bool writes = false;
  bool sets = false;
  bool transaction_verbs = false;
  std::optional<Target> target;
  for (const plan::StatementPlan& plan : plans) {
    if (plan.route == Route::kReject) {
      RejectQuery(plan.reject.error, plan.reject.code);
      return Next::kConsumed;
    }
    writes = writes || plan.writes || plan.route == Route::kBroadcast;
    sets = sets || plan.verb == Verb::kSet || plan.verb == Verb::kReset;
    transaction_verbs = transaction_verbs || IsTransactionVerb(plan.verb);
    as_text = as_text && GoesAsText(plan);
    if (as_text && plan.route == Route::kSingle) {
      const Target wanted = TargetFor(plan);
      if (target && !target->SameBackend(wanted)) {
        RejectQuery(RefusalError(Refusal::kSecondTenant), Code(Refusal::kSecondTenant));
        return Next::kConsumed;
      }
      target = wanted;
    }
  }
  if (as_text && !(sets && transaction_verbs)) {
    if (!target)
      target = AnyShardTarget();
    if (const auto refused = CheckLease(*target)) {
      RejectQuery(*refused, 0);
      return Next::kConsumed;
    }
    if (!AcquireFor(*target))
      return Next::kWait;
    for (const plan::StatementPlan& plan : plans)
      Remember(plan, TextOf(sql, plan));
    if (sets)
      settings_.Begin();
    return ForwardQuery(sql);
  }
  if (writes && plans[0].verb != Verb::kBegin && transaction_.idle()) {
    RejectQuery(RefusalError(Refusal::kScriptMixed), Code(Refusal::kScriptMixed));
    return Next::kConsumed;
  }
  script_ = std::make_unique<Script>();
  script_->sql = sql;
  script_->plans = std::move(plans);
  ContinueScript();
  return Next::kConsumed;
}

// Runs the statements of a string one after the other; the client sees one ReadyForQuery.
void Session::ContinueScript() {
  while (script_ != nullptr && wait_ == Wait::kNothing && stage_ != Stage::kClosed) {
    if (lease_error_ != nullptr) {
      const SqlError error = *lease_error_;
      lease_error_.reset();
      RejectQuery(error, 0);
      return;
    }
    if (script_->next >= script_->plans.size()) {
      script_.reset();
      if (shutdown_ && transaction_.idle())
        Shutdown(true);
      return;
    }
    if (unit_started_ == absl::ZeroDuration())
      StartUnit();
    // Planned again: what the statements before did may change where this one goes.
    const plan::StatementPlan& old = script_->plans[script_->next];
    const std::string text(TextOf(script_->sql, old));
    plan::Plans fresh = ctx_.planner.Plan(text, nullptr, {}, View());
    const std::size_t at = script_->next++;
    if (fresh.size() != 1) {
      RejectQuery(RefusalError(Refusal::kScriptMixed), Code(Refusal::kScriptMixed));
      return;
    }
    if (RunStatement(text, fresh[0]) == Next::kWait) {
      if (script_ != nullptr)
        script_->next = at;  // again when the lease is there
      return;
    }
  }
}

bool Session::ScriptGoesOn() const {
  return script_ != nullptr && script_->next < script_->plans.size();
}

Session::Next Session::RunStatement(std::string_view sql, plan::StatementPlan& plan) {
  if (transaction_.status() == 'E' && transaction_.lazy() && plan.verb != Verb::kCommit &&
      plan.verb != Verb::kRollback && plan.verb != Verb::kRollbackToSavepoint) {
    RejectQuery(AbortedTransactionError(), 0);
    return Next::kConsumed;
  }
  if (transaction_.status() == 'E' && !transaction_.lazy() && backend_ != nullptr &&
      plan.route != Route::kSession)
    return ForwardQuery(sql);  // Postgres says 25P02 by itself
  switch (plan.route) {
    case Route::kReject:
      RejectQuery(plan.reject.error, plan.reject.code);
      return Next::kConsumed;
    case Route::kLocal:
    case Route::kSession:
      if (plan.verb == Verb::kExecute)
        return RunSqlExecute(sql, plan);
      if (plan.verb == Verb::kFunction && !AnswersLocally(plan))
        return StartTask(MakeTask(plan, {.sql = std::string(sql)}));
      if (AnswersLocally(plan)) {
        const auto reply = AnswerLocally(plan, sql);
        if (!reply.ok())
          RejectQuery(ToSqlError(reply.status()), 0);
        else
          EndLocalQuery(*reply);
        return Next::kConsumed;
      }
      break;
    case Route::kScatter:
    case Route::kBroadcast: {
      if (const auto refused = CheckTask(plan)) {
        RejectQuery(RefusalError(*refused), Code(*refused));
        return Next::kConsumed;
      }
      CountAs(plan);
      return StartTask(MakeTask(plan, {.sql = std::string(sql)}));
    }
    case Route::kSingle:
      if (plan.tenant == nullptr)
        return ProvisionFor(plan);
      break;
    case Route::kAnyShard:
      if (plan.parse_only)
        return StartTask(MakeTask(plan, {.sql = std::string(sql)}));
      break;
  }
  const Target target = plan.route == Route::kSingle ? TargetFor(plan) : AnyShardTarget();
  if (!target.shard) {
    RejectQuery(RefusalError(Refusal::kNoShard), Code(Refusal::kNoShard));
    return Next::kConsumed;
  }
  if (const auto refused = CheckLease(target)) {
    RejectQuery(*refused, 0);
    return Next::kConsumed;
  }
  const bool copies_in = plan.verb == Verb::kCopyFrom && plan.route == Route::kSingle &&
                         target.role == catalog::RoleClass::kTenant;
  if (copies_in && transaction_.idle())
    return StartTask(MakeTask(plan, {.sql = std::string(sql)}));
  if (!AcquireFor(target))
    return Next::kWait;
  if (copies_in)
    return StartTask(MakeTask(plan, {.sql = std::string(sql)}));
  outside_ = transaction_.lazy() && plan.route != Route::kSingle && BoundTenant() == nullptr;
  CountAs(plan);
  if (plan.verb == Verb::kPrepare)
    return ForwardSqlPrepare(sql, plan);
  Remember(plan, sql);
  return ForwardQuery(plan.rewritten.empty() ? sql : std::string_view(plan.rewritten));
}

void Session::RunConsole(std::string_view sql) {
  const LocalReply reply = AnswerConsole(ctx_, sql);
  if (reply.error)
    RejectQuery(*reply.error, 0);
  else
    EndLocalQuery(reply);
}

// Under which route and kind the metrics count the unit.
void Session::CountAs(const plan::StatementPlan& plan) {
  unit_kind_ = plan.writes ? metrics::Kind::kWrite : metrics::Kind::kRead;
  switch (plan.route) {
    case Route::kSingle:
      unit_route_ = metrics::Route::kSingle;
      break;
    case Route::kScatter:
      unit_route_ = metrics::Route::kScatter;
      break;
    case Route::kBroadcast:
      unit_route_ = metrics::Route::kBroadcast;
      unit_kind_ = plan.is_ddl ? metrics::Kind::kDdl : metrics::Kind::kWrite;
      break;
    case Route::kAnyShard:
    case Route::kSession:
      unit_route_ = metrics::Route::kAnyShard;
      break;
    case Route::kLocal:
    case Route::kReject:
      unit_route_ = metrics::Route::kLocal;
      break;
  }
  if (plan.verb == Verb::kCopyFrom || plan.verb == Verb::kCopyTo)
    unit_kind_ = metrics::Kind::kCopy;
  else if (plan.route == Route::kSession)
    unit_kind_ = metrics::Kind::kUtility;
}

// The lease is there. Sends the transaction's BEGIN, if it waits, and the text.
Session::Next Session::ForwardQuery(std::string_view sql) {
  std::string out;
  const bool begins = transaction_.lazy() && !outside_;
  if (begins)
    AppendPendingBegin(out);
  bool statements_matter = false;
  for (const Effect& effect : effects_)
    statements_matter = statements_matter || effect.verb != Verb::kNone || effect.pins != 0;
  if (!transaction_.idle())
    statements_matter = true;  // COMMIT or ROLLBACK: the tag tells how it ended
  if (begins)
    relay_.Expect({.kind = Expectation::Kind::kQuery});
  else
    relay_.ExpectPlain(statements_matter);
  if (out.empty() && IsWithin(sql, query_frame_)) {
    // As it came: what stands around the statement is comments and semicolons.
    SendQueryToBackend(query_frame_);
  } else {
    wire::AppendQuery(out, sql);
    SendQueryToBackend(out);
  }
  wait_ = Wait::kReplies;
  return Next::kConsumed;
}

void Session::AppendPendingBegin(std::string& out) {
  for (const std::string& text : transaction_.TakePending()) {
    wire::AppendQuery(out, text);
    relay_.Expect({.kind = Expectation::Kind::kQuery, .swallow = true});
  }
  collect_ = true;
}

void Session::EndLocalQuery(const LocalReply& reply) {
  std::string out;
  reply.AppendAll(out);
  if (!ScriptGoesOn())
    wire::AppendReadyForQuery(out, transaction_.status());
  SendToClient(out);
  unit_route_ = metrics::Route::kLocal;
  UnitDone();
}

// An error of the router's own. In a transaction that a shard holds, the shard must fail it too, or
// a COMMIT would keep what was done before.
void Session::RejectQuery(const SqlError& error, int code) {
  Reject(code, error);
  std::string out;
  wire::AppendErrorResponse(out, error);
  script_.reset();
  if (transaction_.status() == 'T' && !transaction_.lazy() && backend_ != nullptr) {
    relay_.Expect({.kind = Expectation::Kind::kQuery, .insert = std::move(out)});
    std::string poison;
    wire::AppendQuery(poison, "ROLLBACK TO SAVEPOINT pgreeve_refused");
    SendQueryToBackend(poison);
    wait_ = Wait::kReplies;
    collect_ = true;
    return;
  }
  if (transaction_.status() == 'T' && transaction_.lazy())
    transaction_.FailLazily();
  wire::AppendReadyForQuery(out, transaction_.status());
  SendToClient(out);
  UnitDone();
}

Session::Next Session::StartTask(std::unique_ptr<Task> task) {
  wait_ = Wait::kTask;
  task_ = std::move(task);
  SetState(metrics::ClientState::kActive);
  task_->Start();
  return Next::kConsumed;
}

void Session::FinishTask(TaskResult result) {
  // The task is on the stack: it dies at the end of the turn, and the unit goes on then.
  auto keep = std::make_shared<std::unique_ptr<Task>>(std::move(task_));
  ctx_.worker.Defer([keep] { keep->reset(); });
  wait_ = Wait::kNothing;
  if (stage_ == Stage::kClosed)
    return;
  if (unit_has_task_) {
    ContinueTaskUnit(std::move(result));
  } else if (result.error) {
    RejectQuery(*result.error, result.reject_code);
  } else {
    if (!ScriptGoesOn())
      SendReady();
    UnitDone();
  }
  if (!processing_)
    Resume();
}

// EXECUTE name(…): planned as the statement inside, sent under the backend's name for it.
Session::Next Session::RunSqlExecute(std::string_view sql, const plan::StatementPlan& plan) {
  const auto it = prepared_.find(plan.name);
  if (it == prepared_.end()) {
    RejectQuery(
        {.sqlstate = "26000", .message = "prepared statement \"" + plan.name + "\" does not exist"},
        0);
    return Next::kConsumed;
  }
  const PreparedPtr statement = it->second;
  std::vector<plan::Parameter> parameters;
  for (const std::string& argument : plan.arguments)
    parameters.push_back({.value = argument});
  plan::Plans inner =
      ctx_.planner.Plan(statement->text, statement->analyzed.get(), parameters, View());
  if (inner.size() != 1 || inner[0].route == Route::kReject ||
      (inner[0].route != Route::kSingle && inner[0].route != Route::kAnyShard)) {
    const bool rejected = inner.size() == 1 && inner[0].route == Route::kReject;
    RejectQuery(rejected ? inner[0].reject.error : RefusalError(Refusal::kTaskInPipeline),
                rejected ? inner[0].reject.code : Code(Refusal::kTaskInPipeline));
    return Next::kConsumed;
  }
  const Target target = inner[0].route == Route::kSingle ? TargetFor(inner[0]) : AnyShardTarget();
  if (const auto refused = CheckLease(target)) {
    RejectQuery(*refused, 0);
    return Next::kConsumed;
  }
  if (!AcquireFor(target))
    return Next::kWait;
  outside_ = transaction_.lazy() && inner[0].route != Route::kSingle && BoundTenant() == nullptr;
  std::string out;
  if (transaction_.lazy() && !outside_)
    AppendPendingBegin(out);
  if (!backend_->prepared().contains(statement->id)) {
    wire::AppendQuery(
        out, "PREPARE " + QuoteIdentifier(BackendName(statement->id)) + statement->prepare_rest);
    preparing_.push_back({.id = statement->id});
    relay_.Expect({.kind = Expectation::Kind::kQuery, .swallow = true, .effect = 0});
  }
  wire::AppendQuery(out,
                    "EXECUTE " + QuoteIdentifier(BackendName(statement->id)) +
                        std::string(sql.substr(plan.argument_begin, plan.argument_length)));
  relay_.Expect({.kind = Expectation::Kind::kQuery});
  SendQueryToBackend(out);
  wait_ = Wait::kReplies;
  return Next::kConsumed;
}

Session::Next Session::ForwardSqlPrepare(std::string_view sql, const plan::StatementPlan& plan) {
  if (prepared_.contains(plan.name)) {
    RejectQuery(
        {.sqlstate = "42P05", .message = "prepared statement \"" + plan.name + "\" already exists"},
        0);
    return Next::kConsumed;
  }
  auto statement = std::make_shared<PreparedStatement>();
  statement->sql_level = true;
  statement->prepare_rest = sql.substr(plan.argument_begin, plan.argument_length);
  statement->text = plan.value;
  statement->analyzed = ctx_.planner.Analyze(statement->text, View());
  statement->id = ctx_.statements.IdOf(statement->prepare_rest, {}, true, settings_.id());
  const Effect effect{.verb = Verb::kPrepare, .name = plan.name, .prepared = statement};
  if (backend_->prepared().contains(statement->id)) {  // from another session, the same text
    Apply(effect, "PREPARE");
    EndLocalQuery(LocalReply::Tag("PREPARE"));
    return Next::kConsumed;
  }
  std::string out;
  if (transaction_.lazy() && !outside_)
    AppendPendingBegin(out);
  effects_.push_back(effect);
  wire::AppendQuery(
      out, "PREPARE " + QuoteIdentifier(BackendName(statement->id)) + statement->prepare_rest);
  relay_.Expect({.kind = Expectation::Kind::kQuery, .effect = 0});
  SendQueryToBackend(out);
  wait_ = Wait::kReplies;
  return Next::kConsumed;
}

}  // namespace pgreeve::session
