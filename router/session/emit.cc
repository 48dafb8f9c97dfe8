// The second half of an extended unit: everything was looked at and the backend is there. Builds
// what is sent to it and what is expected back, in the client's order.
#include "router/base/bytes.h"
#include "router/session/function_task.h"
#include "router/session/refusals.h"
#include "router/session/session.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace from_client = wire::client;
using Kind = Expectation::Kind;
using plan::Verb;

}  // namespace

// Nothing of the unit is the router's, and the backend knows its statements: the replies are the
// client's as they come.
bool Session::RepliesPass() const {
  if (unit_error_ || !unit_syncs_ || unit_open_ || (transaction_.lazy() && !outside_) ||
      unit_begins_)
    return false;
  bool parsed = false;
  for (const Item& item : items_) {
    if (item.kind != Item::Kind::kForward)
      return false;
    switch (item.frame.type) {
      case from_client::kParse:
        if (!item.name.empty())
          return false;
        parsed = true;
        break;
      case from_client::kBind:
      case from_client::kDescribe:
        if (item.frame.type == from_client::kDescribe && item.what == 'P')
          break;
        if (item.statement == nullptr || item.statement->sql_level)
          return false;
        if (NamesStatement(item) ? !backend_->prepared().contains(item.statement->id)
                                 : !parsed && backend_->unnamed_statement != item.statement->id)
          return false;
        break;
      default:
        break;
    }
    if (item.plan >= 0) {
      const plan::StatementPlan& plan = unit_plans_[static_cast<std::size_t>(item.plan)];
      if (plan.verb != Verb::kNone || plan.pins != 0)
        return false;
    }
  }
  return transaction_.idle() || transaction_.status() == 'T' || transaction_.status() == 'E';
}

// Bind or Describe of a statement with a name, which the backend knows under another.
bool Session::NamesStatement(const Item& item) {
  if (item.frame.type == from_client::kBind)
    return !item.bind.statement.empty();
  return item.frame.type == from_client::kDescribe && item.what == 'S' && !item.name.empty();
}

void Session::SendPassing() {
  bool renames = false;
  for (const Item& item : items_) {
    renames = renames || NamesStatement(item);
    if (item.frame.type == from_client::kParse) {
      unnamed_ = item.statement;
      backend_->unnamed_statement = item.statement->id;
    }
  }
  relay_.ExpectPlain(!transaction_.idle());
  wait_ = Wait::kReplies;
  const char* begin = items_.front().frame.whole.data();
  const std::string_view last = items_.back().frame.whole;
  const auto unit_bytes = static_cast<std::size_t>(last.data() + last.size() - begin);
  if (!renames) {
    SendToBackend({begin, unit_bytes});
    return;
  }
  constexpr std::size_t kNameBytesMax = 32;
  std::string out;
  out.reserve(unit_bytes + items_.size() * kNameBytesMax);
  for (const Item& item : items_) {
    if (!NamesStatement(item))
      out += item.frame.whole;
    else if (item.frame.type == from_client::kBind)
      wire::AppendBind(
          out, item.bind.portal, BackendName(item.statement->id), item.bind.after_names);
    else
      wire::AppendDescribe(out, 'S', BackendName(item.statement->id));
  }
  SendToBackend(out);
}

void Session::EmitUnit() {
  if (unit_forwards_ && RepliesPass()) {
    SendPassing();
    return;
  }
  std::string out;
  collect_ = true;
  for (Item& item : items_) {
    if (unit_error_ && item.frame.type == from_client::kSync)
      break;
    if (item.kind == Item::Kind::kSynthetic) {
      std::string reply;
      if (const absl::Status local = EmitLocal(item, reply); !local.ok()) {
        unit_error_ = ToSqlError(local);
        break;
      }
      relay_.Expect({.kind = Kind::kSynthetic, .insert = std::move(reply)});
      continue;
    }
    EmitItem(item, out);
  }
  if (unit_error_)
    EmitFailure(out);
  const bool sent = !out.empty() || unit_open_;
  if (unit_error_) {
    if (unit_syncs_ && sent) {
      relay_.Expect({.kind = Kind::kSync});
      wire::AppendSync(out);
    }
    skip_to_sync_ = !unit_syncs_;
  }
  if (!sent) {
    relay_.FlushSynthetic(*this);
    if (unit_syncs_)
      wire::AppendReadyForQuery(output_, transaction_.status());
    FlushOutput();
    relay_.Reset();
    UnitDone();
    return;
  }
  if (!unit_syncs_ && !out.empty() &&
      (items_.empty() || items_.back().frame.type != from_client::kFlush))
    wire::AppendFlush(out);  // a Query may stand where the client's Sync or Flush should
  relay_.FlushSynthetic(*this);
  unit_open_ = !unit_syncs_;
  flush_unit_ = !unit_syncs_;
  if (!out.empty())
    SendToBackend(out);
  wait_ = Wait::kReplies;
  if (!relay_.busy()) {  // a Flush that only the router had to answer
    FlushOutput();
    flush_unit_ = false;
    wait_ = Wait::kNothing;
  }
}

// The router refuses in the middle of a unit. What went to the shard before must fail with it: a
// Bind of a statement that does not exist makes the shard abort, and its error becomes ours.
void Session::EmitFailure(std::string& out) {
  Reject(unit_error_code_, *unit_error_);
  std::string error;
  wire::AppendErrorResponse(error, *unit_error_);
  const bool at_shard = backend_ != nullptr && (!out.empty() || unit_open_ ||
                                                (!transaction_.idle() && !transaction_.lazy()));
  if (at_shard) {
    AppendPoison(std::move(error), out);
    return;
  }
  if (transaction_.status() == 'T' && transaction_.lazy())
    transaction_.FailLazily();
  relay_.Expect({.kind = Kind::kSynthetic, .insert = std::move(error)});
}

// Fails at the shard, and tells the client `error`, an ErrorResponse, in place of the shard's.
void Session::AppendPoison(std::string error, std::string& out) {
  relay_.Expect({.kind = Kind::kBind, .insert = std::move(error)});
  std::string nothing;
  AppendUint16(nothing, 0);
  AppendUint16(nothing, 0);
  AppendUint16(nothing, 0);
  wire::AppendBind(out, "", "pgreeve_refused", nothing);
}

// A message that the router answers by itself.
absl::Status Session::EmitLocal(Item& item, std::string& reply) {
  switch (item.frame.type) {
    case from_client::kParse:
      wire::AppendParseComplete(reply);
      if (item.name.empty()) {
        unnamed_ = item.statement;
      } else {
        prepared_.insert_or_assign(std::string(item.name), item.statement);
        ctx_.slots.PreparedStatements(1);
      }
      return absl::OkStatus();
    case from_client::kBind:
      wire::AppendBindComplete(reply);
      return absl::OkStatus();
    case from_client::kClose:
      if (item.what == 'S' && prepared_.erase(item.name) > 0)
        ctx_.slots.PreparedStatements(-1);
      wire::AppendCloseComplete(reply);
      return absl::OkStatus();
    case from_client::kDescribe: {
      if (item.what == 'S') {
        wire::AppendParameterDescription(reply, {});
        const plan::Plans plans = ctx_.planner.Plan(
            item.statement->text, item.statement->analyzed.get(), {}, View(), false);
        if (plans.size() == 1)
          AppendLocalDescription(plans[0], reply);
        else
          wire::AppendNoData(reply);
      } else {
        AppendLocalDescription(unit_plans_[static_cast<std::size_t>(item.plan)], reply);
      }
      return absl::OkStatus();
    }
    case from_client::kExecute: {
      const plan::StatementPlan& plan = unit_plans_[static_cast<std::size_t>(item.plan)];
      if (plan.verb == Verb::kEmpty) {
        wire::AppendEmptyQueryResponse(reply);
        return absl::OkStatus();
      }
      const auto answer = AnswerLocally(plan, item.statement->text);
      if (!answer.ok())
        return answer.status();
      answer->AppendRows(reply);
      return absl::OkStatus();
    }
    default:
      return absl::OkStatus();
  }
}

void Session::EmitItem(Item& item, std::string& out) {
  const char type = item.frame.type;
  if (transaction_.lazy() && !outside_ && type != from_client::kSync &&
      type != from_client::kFlush) {
    AppendPendingBegin(out);
    backend_->unnamed_statement = 0;  // a simple query ends it
  }
  switch (type) {
    case from_client::kParse:
      EmitParse(*item.statement, true, out);
      preparing_.back().client_name = item.name;
      if (item.name.empty()) {
        unnamed_ = item.statement;
      } else if (prepared_.insert_or_assign(std::string(item.name), item.statement).second) {
        ctx_.slots.PreparedStatements(1);
      }
      break;
    case from_client::kBind:
      EmitBind(item, out);
      break;
    case from_client::kDescribe:
      if (item.what == 'S') {
        EnsurePrepared(*item.statement, out);
        wire::AppendDescribe(out, 'S', item.name.empty() ? "" : BackendName(item.statement->id));
        relay_.Expect({.kind = Kind::kDescribeStatement});
      } else {
        out += item.frame.whole;
        relay_.Expect({.kind = Kind::kDescribePortal});
      }
      break;
    case from_client::kExecute: {
      int32_t effect = -1;
      if (item.plan >= 0) {
        const plan::StatementPlan& plan = unit_plans_[static_cast<std::size_t>(item.plan)];
        if (plan.verb != Verb::kNone || plan.pins != 0) {
          effect = static_cast<int32_t>(effects_.size());
          Remember(plan, item.statement->text);
        }
      }
      out += item.frame.whole;
      relay_.Expect({.kind = Kind::kExecute, .effect = effect});
      break;
    }
    case from_client::kClose:
      out += item.frame.whole;
      relay_.Expect({.kind = Kind::kClose});
      break;
    case from_client::kSync:
      if (out.empty() && !unit_open_)
        break;
      out += item.frame.whole;
      relay_.Expect({.kind = Kind::kSync});
      break;
    default:
      if (!out.empty())
        out += item.frame.whole;  // Flush
      break;
  }
}

void Session::EmitBind(Item& item, std::string& out) {
  EnsurePrepared(*item.statement, out);
  if (item.bind.statement.empty()) {
    out += item.frame.whole;
  } else {
    wire::AppendBind(out, item.bind.portal, BackendName(item.statement->id), item.bind.after_names);
  }
  relay_.Expect({.kind = Kind::kBind});
}

// Puts a Parse in front where the backend does not know the statement.
void Session::EnsurePrepared(const PreparedStatement& statement, std::string& out) {
  if (&statement == unnamed_.get()) {
    if (backend_->unnamed_statement == statement.id)
      return;
    wire::AppendParse(out, "", statement.text, statement.types);
    backend_->unnamed_statement = statement.id;
    relay_.Expect({.kind = Kind::kParse, .swallow = true});
    return;
  }
  for (const Preparing& preparing : preparing_) {
    if (preparing.id == statement.id)
      return;
  }
  if (!backend_->prepared().contains(statement.id))
    EmitParse(statement, false, out);
}

void Session::EmitParse(const PreparedStatement& statement, bool is_client, std::string& out) {
  const bool unnamed = is_client && !ctx_.statements.IsShared(statement.id);
  const auto index = static_cast<int32_t>(preparing_.size());
  preparing_.push_back({.id = unnamed ? 0 : statement.id, .is_client = is_client});
  if (unnamed) {
    wire::AppendParse(out, "", statement.text, statement.types);
    backend_->unnamed_statement = statement.id;
    relay_.Expect({.kind = Kind::kParse, .effect = index});
    return;
  }
  if (backend_->prepared().contains(statement.id)) {
    std::string reply;
    wire::AppendParseComplete(reply);
    relay_.Expect({.kind = Kind::kSynthetic, .insert = std::move(reply), .effect = index});
    return;
  }
  auto& known = backend_->prepared();
  if (known.size() >= ctx_.limits.backend_prepared_max) {
    const uint64_t victim = *known.begin();
    known.erase(known.begin());
    wire::AppendClose(out, 'S', BackendName(victim));
    relay_.Expect({.kind = Kind::kClose, .swallow = true});
  }
  wire::AppendParse(out, BackendName(statement.id), statement.text, statement.types);
  relay_.Expect({.kind = Kind::kParse, .swallow = !is_client, .effect = index});
}

void Session::OnParsed(int32_t effect) {
  if (effect < 0 || static_cast<std::size_t>(effect) >= preparing_.size())
    return;
  Preparing& preparing = preparing_[static_cast<std::size_t>(effect)];
  preparing.confirmed = true;
  if (preparing.id != 0 && backend_ != nullptr)
    backend_->prepared().insert(preparing.id);
}

// Names whose Parse failed, or was skipped after an error, do not exist for the client.
void Session::DropUnconfirmed() {
  for (const Preparing& preparing : preparing_) {
    if (!preparing.is_client || preparing.confirmed)
      continue;
    if (preparing.client_name.empty()) {
      unnamed_ = nullptr;
      if (backend_ != nullptr)
        backend_->unnamed_statement = 0;
    } else if (prepared_.erase(preparing.client_name) > 0) {
      ctx_.slots.PreparedStatements(-1);
    }
  }
  preparing_.clear();
}

}  // namespace pgreeve::session
