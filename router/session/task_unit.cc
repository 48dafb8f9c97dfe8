// Extended units with a statement that the router itself executes: the messages are answered one
// after the other, and wait while the task runs.
#include "router/session/console.h"
#include "router/session/describe_task.h"
#include "router/session/function_task.h"
#include "router/session/refusals.h"
#include "router/session/session.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace from_client = wire::client;

}  // namespace

void Session::StartTaskUnit(std::string_view unit) {
  // The bytes outlive the buffer they came in: frames and views are moved over to the copy.
  task_unit_ = unit;
  const std::ptrdiff_t shift = task_unit_.data() - unit.data();
  const auto move_view = [&](std::string_view& view) {
    if (view.data() >= unit.data() && view.data() <= unit.data() + unit.size())
      view = {view.data() + shift, view.size()};
  };
  for (Item& item : items_) {
    move_view(item.frame.whole);
    move_view(item.frame.body);
    move_view(item.name);
    move_view(item.bind.portal);
    move_view(item.bind.statement);
    move_view(item.bind.after_names);
  }
  unit_has_task_ = true;
  task_item_ = 0;
  wait_ = Wait::kTask;
  RunTaskItems();
}

// Answers messages until one starts a task or the unit ends.
void Session::RunTaskItems() {
  std::string out;
  while (task_item_ < items_.size()) {
    Item& item = items_[task_item_++];
    const char type = item.frame.type;
    const bool is_task = item.kind == Item::Kind::kTask && item.plan >= 0;
    if (type == from_client::kSync) {
      if (unit_syncs_)
        wire::AppendReadyForQuery(out, transaction_.status());
      break;
    }
    if (type == from_client::kFlush)
      continue;
    if (console_ && (type == from_client::kDescribe || type == from_client::kExecute)) {
      const LocalReply reply = AnswerConsole(ctx_, item.statement->text);
      if (reply.error) {
        SendToClient(out);
        FailTaskUnit(*reply.error, 0);
        return;
      }
      if (type == from_client::kDescribe && item.what == 'S')
        wire::AppendParameterDescription(out, {});
      if (type == from_client::kDescribe)
        reply.AppendDescription(out);
      else
        reply.AppendRows(out);
      continue;
    }
    if (item.kind == Item::Kind::kSynthetic || type == from_client::kParse ||
        type == from_client::kBind || type == from_client::kClose) {
      if (const absl::Status local = EmitLocal(item, out); !local.ok()) {
        SendToClient(out);
        FailTaskUnit(ToSqlError(local), 0);
        return;
      }
      continue;
    }
    SendToClient(out);
    out.clear();
    const Item* bind =
        item.what == 'S' && type == from_client::kDescribe ? nullptr : FindBind(item.name);
    if (type == from_client::kDescribe && (!is_task || item.what == 'S')) {
      task_ = MakeDescribeTask(*this, AnyShardTarget().shard, ReadRole(), item.statement);
    } else {
      if (item.row_limit != 0 &&
          unit_plans_[static_cast<std::size_t>(item.plan)].route == plan::Route::kScatter) {
        FailTaskUnit(RefusalError(Refusal::kPortalLimit), Code(Refusal::kPortalLimit));
        return;
      }
      const plan::StatementPlan& plan = unit_plans_[static_cast<std::size_t>(item.plan)];
      if (plan.verb == plan::Verb::kCopyFrom && !transaction_.idle() && backend_ == nullptr) {
        // Its BEGIN stands in the same unit: nothing was leased for it.
        FailTaskUnit(RefusalError(Refusal::kCopyInPipeline), Code(Refusal::kCopyInPipeline));
        return;
      }
      TaskInput input;
      input.sql = item.statement->text;
      input.statement = item.statement;
      input.describe = false;
      input.describe_only = type == from_client::kDescribe;
      if (bind != nullptr)
        input.bind_body = bind->frame.body;
      CountAs(plan);
      task_ = MakeTask(plan, std::move(input));
    }
    wait_ = Wait::kTask;
    SetState(metrics::ClientState::kActive);
    task_->Start();
    return;
  }
  SendToClient(out);
  const bool synced = unit_syncs_;
  ResetUnit();
  task_unit_.clear();
  skip_to_sync_ = false;
  (void)synced;
  UnitDone();
}

void Session::ContinueTaskUnit(TaskResult result) {
  if (result.error) {
    FailTaskUnit(*result.error, result.reject_code);
    return;
  }
  wait_ = Wait::kTask;
  RunTaskItems();
}

void Session::FailTaskUnit(const SqlError& error, int code) {
  Reject(code, error);
  std::string out;
  wire::AppendErrorResponse(out, error);
  if (transaction_.status() == 'T' && transaction_.lazy())
    transaction_.FailLazily();
  const bool synced = unit_syncs_;
  if (transaction_.status() == 'T' && backend_ != nullptr) {
    // As in EmitFailure: the shard must fail the transaction, or a COMMIT would keep half of it.
    std::string poison;
    AppendPoison(std::move(out), poison);
    if (synced) {
      relay_.Expect({.kind = Expectation::Kind::kSync});
      wire::AppendSync(poison);
    }
    ResetUnit();
    task_unit_.clear();
    skip_to_sync_ = !synced;
    unit_open_ = !synced;
    flush_unit_ = !synced;
    wait_ = Wait::kReplies;
    collect_ = true;
    SendToBackend(poison);
    return;
  }
  if (synced)
    wire::AppendReadyForQuery(out, transaction_.status());
  SendToClient(out);
  ResetUnit();
  task_unit_.clear();
  skip_to_sync_ = !synced;
  UnitDone();
}

}  // namespace pgreeve::session
