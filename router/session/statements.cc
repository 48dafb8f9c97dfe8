// What both protocols need: where a plan runs, what the router answers by itself, what a statement
// leaves in the session.
#include <algorithm>
#include <cctype>

#include "router/session/broadcast_task.h"
#include "router/session/copy_task.h"
#include "router/session/function_task.h"
#include "router/session/parse_only_task.h"
#include "router/session/refusals.h"
#include "router/session/scatter_task.h"
#include "router/session/session.h"

namespace pgreeve::session {
namespace {

using plan::Route;
using plan::Verb;

bool ContainsWord(std::string_view text, std::string_view lower_word) {
  const auto it = std::search(
      text.begin(), text.end(), lower_word.begin(), lower_word.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
      });
  return it != text.end();
}

// The names behind TO or = of a SET search_path statement.
std::vector<std::string> SearchPathOf(std::string_view statement) {
  std::vector<std::string> names;
  std::size_t at = statement.find('=');
  if (at == statement.npos) {
    for (std::size_t i = 0; i + 4 <= statement.size(); i++) {
      if (statement[i] == ' ' &&
          std::tolower(static_cast<unsigned char>(statement[i + 1])) == 't' &&
          std::tolower(static_cast<unsigned char>(statement[i + 2])) == 'o' &&
          statement[i + 3] == ' ') {
        at = i + 3;
        break;
      }
    }
  }
  if (at == statement.npos)
    return names;
  std::string_view rest = statement.substr(at + 1);
  // One quoted literal may itself be a list: SET search_path TO 'a, b' from a startup packet.
  std::string current;
  char quote = 0;
  const auto finish = [&] {
    if (!current.empty() && current != "$user")
      names.push_back(current);
    current.clear();
  };
  for (const char c : rest) {
    if (quote == '"') {
      if (c == '"')
        quote = 0;
      else
        current += c;
    } else if (c == '"') {
      quote = '"';
    } else if (c == ',' || c == ';') {
      finish();
    } else if (c != '\'' && !std::isspace(static_cast<unsigned char>(c))) {
      current += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  finish();
  return names;
}

LocalReply Warned(std::string_view sqlstate, std::string_view message, std::string tag) {
  LocalReply reply = LocalReply::Tag(std::move(tag));
  wire::AppendNoticeResponse(reply.notices,
                             {.sqlstate = std::string(sqlstate), .message = std::string(message)},
                             "WARNING");
  return reply;
}

bool IsOn(std::string_view value) {
  return value == "on" || value == "true" || value == "1" || value == "yes";
}

}  // namespace

const catalog::TenantInfo* Session::BoundTenant() {
  if (tenant_id_.empty())
    return nullptr;
  if (tenant_version_ != ctx_.placement_version) {
    tenant_ = ctx_.placement->FindTenant(tenant_id_);
    bound_tier_ = tenant_ == nullptr ? metrics::kTierOther : ctx_.tiers.IndexOf(tenant_->tier);
    tenant_version_ = ctx_.placement_version;
  }
  return tenant_;
}

std::optional<SqlError> Session::CheckTenant() {
  if (tenant_id_.empty())
    return std::nullopt;
  const catalog::TenantInfo* tenant = BoundTenant();
  if (tenant == nullptr) {
    return SqlError{.sqlstate = "3D000",
                    .message = "tenant \"" + tenant_id_.Text() + "\" does not exist any more"};
  }
  if (tenant->access == catalog::TenantAccess::kSuspended) {
    return SqlError{.sqlstate = "57P03",
                    .message = "tenant \"" + tenant_id_.Text() + "\" is suspended"};
  }
  return std::nullopt;
}

// A session that is bound runs under the tenant's token whoever it is: an operator who names a
// tenant wants that tenant's rows, not its neighbours'.
catalog::RoleClass Session::ReadRole() {
  if (!tenant_id_.empty())
    return catalog::RoleClass::kTenant;
  if (scope_ == catalog::LoginScope::kOperator || !isolated_)
    return catalog::RoleClass::kOperator;
  return catalog::RoleClass::kTenant;
}

plan::SessionView Session::View() {
  plan::SessionView view;
  view.scope = scope_;
  view.tenant = BoundTenant();
  view.locked = locked_;
  view.isolated = ReadRole() == catalog::RoleClass::kTenant;
  view.may_provision = may_provision_;
  view.search_path = search_path_;
  view.standard_conforming_strings = standard_conforming_strings_;
  return view;
}

Target Session::TargetFor(const plan::StatementPlan& plan) {
  unit_tier_ = ctx_.tiers.IndexOf(plan.tenant->tier);
  const catalog::RoleClass role = ReadRole();
  return {plan.tenant->shard, role, role == catalog::RoleClass::kTenant ? plan.tenant : nullptr};
}

Target Session::AnyShardTarget() {
  if (backend_ != nullptr &&
      (pins_ != 0 || unit_open_ || (!transaction_.idle() && !transaction_.lazy())))
    return lease_target_;
  if (const catalog::TenantInfo* tenant = BoundTenant(); tenant != nullptr)
    return {tenant->shard, catalog::RoleClass::kTenant, tenant};
  return {ctx_.CatalogShard(), ReadRole(), nullptr};
}

std::optional<SqlError> Session::CheckLease(const Target& target) {
  if (backend_ == nullptr || lease_target_.SameBackend(target))
    return std::nullopt;
  if (!transaction_.idle() && !transaction_.lazy())
    return RefusalError(Refusal::kSecondTenant);
  if (unit_open_)
    return RefusalError(Refusal::kSecondTenant);
  if (pins_ != 0)
    return RefusalError(Refusal::kPinnedElsewhere);
  return std::nullopt;
}

std::optional<Refusal> Session::CheckTask(const plan::StatementPlan& plan) {
  if (plan.route == Route::kBroadcast && !transaction_.idle())
    return Refusal::kBroadcastInTransaction;
  if (plan.route == Route::kScatter && !transaction_.idle() &&
      (!transaction_.lazy() || transaction_.WantsSnapshot()))
    return Refusal::kScatterIsolation;
  if (!ctx_.control.HasLease())
    return Refusal::kNoLease;
  return std::nullopt;
}

std::unique_ptr<Task> Session::MakeTask(const plan::StatementPlan& plan, TaskInput input) {
  if (plan.parse_only)
    return MakeParseOnlyTask(*this, AnyShardTarget().shard, ReadRole(), plan, std::move(input));
  if (plan.verb == Verb::kFunction)
    return MakeFunctionTask(*this, plan, std::move(input));
  if (plan.verb == Verb::kCopyFrom) {
    const Target target = TargetFor(plan);
    const bool own_transaction = transaction_.idle();
    return MakeCopyTask(*this,
                        *this,
                        plan,
                        std::move(input),
                        {target.shard, target.role, target.tenant},
                        own_transaction);
  }
  if (plan.route == Route::kBroadcast)
    return MakeBroadcastTask(*this, plan, std::move(input));
  return MakeScatterTask(*this, plan, std::move(input));
}

// An INSERT of a tenant that does not exist yet, by a login that may create tenants. The unit stays
// in the buffer and is planned again once the tenant has a home.
Session::Next Session::ProvisionFor(const plan::StatementPlan& plan) {
  if (!transaction_.idle() && !transaction_.lazy()) {
    RejectQuery(RefusalError(Refusal::kProvisionInTransaction),
                Code(Refusal::kProvisionInTransaction));
    return Next::kConsumed;
  }
  WantTenant(plan.provision);
  return Next::kWait;
}

void Session::WantTenant(const TenantId& id) {
  wait_ = Wait::kTask;
  std::string tier;
  std::string region;
  if (const catalog::LoginInfo* login = ctx_.placement->FindLogin(user_); login != nullptr) {
    tier = login->provision_tier;
    region = login->provision_region;
  }
  WorkerContext* context = &ctx_;
  const uint32_t pid = pid_;
  ctx_.control.CreateTenant(
      ctx_.worker.index(),
      {.id = id, .tier = tier, .region = region, .actor = user_, .automatic = true},
      [context, pid](absl::Status status) {
        const auto it = context->by_pid.find(pid);
        if (it != context->by_pid.end())
          it->second->TenantCreated(status);
      });
}

void Session::TenantCreated(const absl::Status& status) {
  if (stage_ == Stage::kClosed || wait_ != Wait::kTask)
    return;
  wait_ = Wait::kNothing;
  if (!status.ok() && ToSqlError(status).sqlstate != "42710")
    lease_error_ = std::make_unique<SqlError>(ToSqlError(status));
  Resume();
  lease_error_.reset();
}

bool Session::AnswersLocally(const plan::StatementPlan& plan) const {
  const bool at_shard = !transaction_.idle() && !transaction_.lazy();
  switch (plan.verb) {
    case Verb::kBegin:
    case Verb::kCommit:
    case Verb::kRollback:
    case Verb::kSavepoint:
    case Verb::kReleaseSavepoint:
    case Verb::kRollbackToSavepoint:
    case Verb::kSetTransaction:
      return !at_shard;
    case Verb::kSetLocal:
      return transaction_.lazy();
    case Verb::kReset:
      return plan.name.empty();
    case Verb::kDiscard:
      return plan.name == "ALL" || backend_ == nullptr;
    case Verb::kDeallocate:
    case Verb::kSetPgreeve:
    case Verb::kResetPgreeve:
    case Verb::kShowPgreeve:
    case Verb::kExplainRoute:
    case Verb::kEmpty:
      return true;
    case Verb::kFunction:
      return IsLocalFunction(plan.name);
    case Verb::kUnlisten:
      return plan.route == Route::kLocal;
    default:
      return plan.route == Route::kLocal;
  }
}

absl::StatusOr<LocalReply> Session::AnswerTransaction(const plan::StatementPlan& plan,
                                                      std::string_view text) {
  switch (plan.verb) {
    case Verb::kBegin:
      if (transaction_.lazy())
        return Warned("25001", "there is already a transaction in progress", "BEGIN");
      transaction_.AddLazily(text);
      settings_.Begin();
      return LocalReply::Tag(ContainsWord(text.substr(0, 6), "start") ? "START TRANSACTION"
                                                                      : "BEGIN");
    case Verb::kCommit:
    case Verb::kRollback: {
      const bool commit = plan.verb == Verb::kCommit;
      if (!transaction_.lazy()) {
        return Warned(
            "25P01", "there is no transaction in progress", commit ? "COMMIT" : "ROLLBACK");
      }
      const bool failed = transaction_.status() == 'E';
      if (plan.chains)
        transaction_.ChainLazily();
      else
        transaction_.EndLazily();
      TransactionEnded(commit && !failed, true);
      if (plan.chains)
        settings_.Begin();
      return LocalReply::Tag(commit && !failed ? "COMMIT" : "ROLLBACK");
    }
    case Verb::kSavepoint:
    case Verb::kReleaseSavepoint:
    case Verb::kRollbackToSavepoint: {
      const std::string tag = plan.verb == Verb::kSavepoint          ? "SAVEPOINT"
                              : plan.verb == Verb::kReleaseSavepoint ? "RELEASE"
                                                                     : "ROLLBACK";
      if (!transaction_.lazy()) {
        return SqlStatus("25P01",
                         (tag == "ROLLBACK"  ? "ROLLBACK TO SAVEPOINT"
                          : tag == "RELEASE" ? "RELEASE SAVEPOINT"
                                             : tag) +
                             std::string(" can only be used in transaction blocks"));
      }
      if (plan.verb == Verb::kSavepoint) {
        transaction_.AddSavepoint(plan.name);
        settings_.Savepoint(plan.name);
      } else if (!transaction_.HasSavepoint(plan.name)) {
        transaction_.FailLazily();
        return SqlStatus("3B001", "savepoint \"" + plan.name + "\" does not exist");
      } else if (plan.verb == Verb::kReleaseSavepoint) {
        settings_.Release(plan.name);
      } else {
        settings_.RollbackTo(plan.name);
        SettingsChanged();
      }
      transaction_.AddLazily(text);
      return LocalReply::Tag(tag);
    }
    default:
      break;
  }
  if (!transaction_.lazy())
    return Warned("25P01", "SET TRANSACTION can only be used in transaction blocks", "SET");
  transaction_.AddLazily(text);
  return LocalReply::Tag("SET");
}

// As Postgres' settings: SET LOCAL ends with the transaction, SET is undone by ROLLBACK.
void Session::SwitchTenant(TenantId id, bool is_local) {
  if (!transaction_.idle()) {
    if (!tenant_switch_)
      tenant_switch_ = TenantSwitch{.before = tenant_id_, .committed = tenant_id_};
    if (!is_local)
      tenant_switch_->committed = id;
  }
  tenant_id_ = std::move(id);
  tenant_version_ = 0;
}

absl::StatusOr<LocalReply> Session::BindTenant(std::string_view value, bool is_local) {
  if (value.empty() || value == "default") {
    if (locked_)
      return SqlStatus("42501", "this session is locked to its tenant");
    SwitchTenant(TenantId(), is_local);
    return LocalReply::Tag("SET");
  }
  auto id = TenantId::FromText(ctx_.placement->tenant_type, value);
  if (!id.ok())
    return id.status();
  if (locked_ && *id != tenant_id_) {
    return SqlStatus("42501",
                     "this session is locked to tenant \"" + TenantText() + "\"",
                     "",
                     "The tenant was named at startup or by the login; open another connection.");
  }
  if (ctx_.placement->FindTenant(*id) == nullptr)
    return SqlStatus("3D000", "tenant \"" + id->Text() + "\" does not exist");
  if (!transaction_.idle() && !transaction_.lazy() && *id != tenant_id_)
    return ToStatus(RefusalError(Refusal::kSecondTenant));
  if (is_local && transaction_.idle())
    return Warned("25P01", "SET LOCAL can only be used in transaction blocks", "SET");
  SwitchTenant(*std::move(id), is_local);
  return LocalReply::Tag("SET");
}

absl::StatusOr<LocalReply> Session::AnswerSetting(const plan::StatementPlan& plan) {
  if (plan.verb == Verb::kShowPgreeve) {
    std::string value;
    if (plan.name == "tenant")
      value = TenantText();
    else if (plan.name == "version")
      value = ctx_.version;
    else if (plan.name == "router")
      value = ctx_.router_name;
    else if (plan.name == "epoch")
      value = ToString(Epoch{ctx_.placement->timeline, ctx_.placement->epoch});
    else
      value = std::string(Setting(plan.name));
    return LocalReply::Table({"pgreeve." + plan.name}, {{value}}, "SHOW");
  }
  if (plan.verb == Verb::kResetPgreeve) {
    if (plan.name.empty() || plan.name == "tenant") {
      if (!locked_)
        SwitchTenant(TenantId(), false);
      else if (plan.name == "tenant")
        return SqlStatus("42501", "this session is locked to its tenant");
    }
    if (plan.name.empty())
      pgreeve_settings_.clear();
    else
      pgreeve_settings_.erase(plan.name);
    return LocalReply::Tag("RESET");
  }
  if (plan.name == "tenant")
    return BindTenant(plan.value, plan.is_local);
  if (plan.name == "notice" || plan.name == "combine_verify") {
    pgreeve_settings_[plan.name] = IsOn(plan.value) ? "on" : "off";
    return LocalReply::Tag("SET");
  }
  if (plan.name == "combine") {
    if (plan.value != "auto" && plan.value != "native" && plan.value != "postgres") {
      return SqlStatus("22023",
                       "invalid value for parameter \"pgreeve.combine\": \"" + plan.value + "\"",
                       "",
                       "Available values: auto, native, postgres.");
    }
    pgreeve_settings_[plan.name] = plan.value;
    return LocalReply::Tag("SET");
  }
  return SqlStatus("42704",
                   "unrecognized configuration parameter \"pgreeve." + plan.name + "\"",
                   "",
                   "The router knows pgreeve.tenant, notice, combine, combine_verify.");
}

absl::StatusOr<LocalReply> Session::AnswerLocally(const plan::StatementPlan& plan,
                                                  std::string_view text) {
  switch (plan.verb) {
    case Verb::kSetPgreeve:
    case Verb::kResetPgreeve:
    case Verb::kShowPgreeve:
      return AnswerSetting(plan);
    case Verb::kExplainRoute: {
      std::vector<std::vector<std::optional<std::string>>> rows;
      plan::Plans explained(plan.explained.begin(), plan.explained.end());
      if (plan.name == "json") {
        rows.push_back({plan::ExplainJson(explained, *ctx_.placement)});
      } else {
        for (std::string& line : plan::ExplainText(explained, *ctx_.placement))
          rows.push_back({std::move(line)});
      }
      LocalReply reply = LocalReply::Table({"QUERY PLAN"}, std::move(rows));
      reply.tag = "EXPLAIN";
      return reply;
    }
    case Verb::kFunction:
      return AnswerFunction(plan, ctx_);
    case Verb::kReset:
      settings_.Begin();
      if (transaction_.idle())
        settings_.Commit();
      settings_.ResetAll();
      SettingsChanged();
      dirty_ = dirty_ || backend_ != nullptr;
      return LocalReply::Tag("RESET");
    case Verb::kDiscard:
      if (plan.name != "ALL")
        return LocalReply::Tag("DISCARD " + plan.name);
      if (!transaction_.idle())
        return SqlStatus("25001", "DISCARD ALL cannot run inside a transaction block");
      settings_.ResetAll();
      SettingsChanged();
      ctx_.slots.PreparedStatements(-static_cast<int>(prepared_.size()));
      prepared_.clear();
      unnamed_ = nullptr;
      local_portals_.clear();
      dirty_ = dirty_ || pins_ != 0;
      pins_ = 0;
      return LocalReply::Tag("DISCARD ALL");
    case Verb::kDeallocate:
      if (plan.name.empty()) {
        ctx_.slots.PreparedStatements(-static_cast<int>(prepared_.size()));
        prepared_.clear();
        return LocalReply::Tag("DEALLOCATE ALL");
      }
      if (prepared_.erase(plan.name) == 0)
        return SqlStatus("26000", "prepared statement \"" + plan.name + "\" does not exist");
      ctx_.slots.PreparedStatements(-1);
      return LocalReply::Tag("DEALLOCATE");
    case Verb::kUnlisten:
      return LocalReply::Tag("UNLISTEN");
    case Verb::kEmpty:
      return LocalReply::Tag("");
    default:
      return AnswerTransaction(plan, text);
  }
}

void Session::Remember(const plan::StatementPlan& plan, std::string_view text) {
  Effect effect;
  effect.pins = plan.pins;
  // A lock is held even where the statement fails: the backend is not clean any more.
  if (plan.pins != 0)
    dirty_ = true;
  switch (plan.verb) {
    case Verb::kSet:
    case Verb::kReset:
    case Verb::kSavepoint:
    case Verb::kReleaseSavepoint:
    case Verb::kRollbackToSavepoint:
    case Verb::kDiscard:
      effect.verb = plan.verb;
      effect.name = plan.name;
      effect.value = text;
      break;
    default:
      break;
  }
  effects_.push_back(std::move(effect));
}

void Session::Apply(const Effect& effect, std::string_view) {
  for (uint32_t bit = 0; bit < metrics::kCountOf<metrics::PinReason>; bit++) {
    if ((effect.pins & (1U << bit)) != 0 && (pins_ & (1U << bit)) == 0)
      ctx_.slots.Pinned(static_cast<metrics::PinReason>(bit));
  }
  if (effect.pins != 0) {
    dirty_ = true;
    pins_ |= effect.pins & ~uint32_t{plan::kPinOpaque};
  }
  switch (effect.verb) {
    case Verb::kSet:
    case Verb::kReset:
      if (!transaction_.idle() && !transaction_.lazy())
        settings_.Begin();
      if (effect.verb == Verb::kSet)
        settings_.Set(effect.name, effect.value);
      else
        settings_.Reset(effect.name);
      dirty_ = true;
      SettingsChanged();
      break;
    case Verb::kSavepoint:
      settings_.Savepoint(effect.name);
      break;
    case Verb::kReleaseSavepoint:
      settings_.Release(effect.name);
      break;
    case Verb::kRollbackToSavepoint:
      settings_.RollbackTo(effect.name);
      SettingsChanged();
      break;
    case Verb::kPrepare:
      if (prepared_.insert_or_assign(effect.name, effect.prepared).second)
        ctx_.slots.PreparedStatements(1);
      if (backend_ != nullptr)
        backend_->prepared().insert(effect.prepared->id);
      break;
    default:
      break;
  }
}

void Session::SettingsChanged() {
  search_path_ = SearchPathOf(settings_.Find("search_path"));
  const std::string_view strings = settings_.Find("standard_conforming_strings");
  standard_conforming_strings_ = strings.empty() || !ContainsWord(strings, "off");
}

void Session::TransactionEnded(bool committed, bool was_open) {
  if (tenant_switch_) {
    tenant_id_ = std::move(committed ? tenant_switch_->committed : tenant_switch_->before);
    tenant_version_ = 0;
    tenant_switch_.reset();
  }
  if (committed) {
    settings_.Commit();
  } else {
    settings_.Rollback();
    SettingsChanged();
  }
  if (was_open) {
    ctx_.slots.TransactionFinished(
        committed ? metrics::Outcome::kCommit : metrics::Outcome::kRollback, metrics::Width::kOne);
  }
}

void Session::Reject(int code, const SqlError& error) {
  ctx_.slots.ErrorSent(error.sqlstate, metrics::Origin::kRouter);
  if (code != 0)
    ctx_.slots.StatementRejected(code);
}

std::string_view Session::Setting(std::string_view name) const {
  const auto it = pgreeve_settings_.find(name);
  return it == pgreeve_settings_.end() ? std::string_view() : std::string_view(it->second);
}

}  // namespace pgreeve::session
