#include "router/plan/planner.h"

#include <utility>

#include "router/base/stable_hash.h"
#include "router/plan/analyzed.h"
#include "router/plan/hint.h"
#include "router/plan/plan_cache.h"
#include "router/plan/reject.h"
#include "router/plan/statement_planner.h"
#include "router/sql/analyze.h"
#include "router/sql/lexer.h"

namespace pgreeve::plan {
namespace {

// Different settings of one worker's sessions before the cache starts afresh.
constexpr std::size_t kEnvironmentsMax = 256;

// Buffers of the lexer that a long text left behind are given back above this.
constexpr std::size_t kBufferBytesKept = 4 << 20;

bool UsesLiteral(const sql::StatementFacts& facts) {
  for (const sql::Binding& binding : facts.bindings) {
    if (binding.source.kind == sql::ValueSource::Kind::kLiteral)
      return true;
  }
  for (const sql::ValueSource& argument : facts.arguments) {
    if (argument.kind == sql::ValueSource::Kind::kLiteral)
      return true;
  }
  for (const sql::StatementFacts& inner : facts.inner) {
    if (UsesLiteral(inner))
      return true;
  }
  return false;
}

std::size_t BytesOf(const sql::StatementFacts& facts) {
  std::size_t bytes = sizeof(facts) + facts.rewritten.size() + facts.value.size();
  bytes += facts.relations.size() * (sizeof(sql::RelationUse) + 32);
  bytes += facts.bindings.size() * sizeof(sql::Binding);
  for (const sql::StatementFacts& inner : facts.inner)
    bytes += BytesOf(inner);
  return bytes;
}

bool MayPass(const sql::TextFacts& facts, const SessionView& session) {
  if (!facts.plain || session.tenant == nullptr || !session.isolated)
    return false;
  return session.tenant->access == catalog::TenantAccess::kOpen ||
         (session.tenant->access == catalog::TenantAccess::kReadOnly && !facts.writes);
}

}  // namespace

// A single SELECT or DML statement: nothing of it is cut out of the text by offset.
static bool IsOneQuery(const sql::TextFacts& facts) {
  if (facts.statements.size() != 1)
    return facts.statements.empty();
  switch (facts.statements[0].kind) {
    case sql::StatementKind::kSelect:
    case sql::StatementKind::kInsert:
    case sql::StatementKind::kUpdate:
    case sql::StatementKind::kDelete:
      return true;
    default:
      return false;
  }
}

struct Planner::State {
  struct Environment {
    std::vector<std::string> search_path;
    bool standard_conforming_strings = true;
    uint64_t number = 0;
  };

  explicit State(PlanCacheOptions cache_options) : options(cache_options), cache(cache_options) {}

  const Environment& EnvironmentOf(const SessionView& session);
  std::shared_ptr<const Analyzed> Make(std::string_view sql, const Environment& environment);
  const std::shared_ptr<const Analyzed>* Look(std::string_view sql, const Environment& environment);
  std::shared_ptr<const Analyzed> Get(std::string_view sql, const SessionView& session);
  std::shared_ptr<const Analyzed> Reread(std::string_view sql, const Environment& environment);
  bool Hinted(PlanContext& context, Plans& plans) const;
  void Unparsed(const Analyzed& analyzed, const PlanContext& context, Plans& plans) const;

  PlanCacheOptions options;
  PlanCache cache;
  std::shared_ptr<const catalog::Placement> placement =
      std::make_shared<const catalog::Placement>();
  std::vector<Environment> environments;
  std::size_t last_environment = 0;
  uint64_t next_environment = 1;
  sql::LexedText lexed;  // of the text that was looked at last
  ScatterCache scatters;
  uint64_t scatters_environment = 0;
};

const Planner::State::Environment& Planner::State::EnvironmentOf(const SessionView& session) {
  const auto same = [&](const Environment& environment) {
    return environment.standard_conforming_strings == session.standard_conforming_strings &&
           environment.search_path == session.search_path;
  };
  if (last_environment < environments.size() && same(environments[last_environment]))
    return environments[last_environment];
  for (last_environment = 0; last_environment < environments.size(); ++last_environment) {
    if (same(environments[last_environment]))
      return environments[last_environment];
  }
  if (environments.size() >= kEnvironmentsMax) {
    environments.clear();
    cache.Clear();
    last_environment = 0;
  }
  environments.push_back(
      {session.search_path, session.standard_conforming_strings, next_environment++});
  return environments.back();
}

// Lexes the text; null: not in the cache.
const std::shared_ptr<const Analyzed>* Planner::State::Look(std::string_view sql,
                                                            const Environment& environment) {
  sql::Lex(sql, environment.standard_conforming_strings, environment.number, lexed);
  if (lexed.literal_utility)
    return nullptr;
  return cache.Find(lexed.hash, lexed.key());
}

std::shared_ptr<const Analyzed> Planner::State::Make(std::string_view sql,
                                                     const Environment& environment) {
  auto analyzed = std::make_shared<Analyzed>();
  analyzed->source_hash = StableHash64(sql);
  analyzed->schema_epoch = placement->schema_epoch;
  analyzed->environment = environment.number;
  analyzed->hinted = lexed.hint.data() != nullptr || lexed.hint_misplaced;
  analyzed->only_queries = lexed.only_queries;
  analyzed->too_long = sql.size() > options.sql_bytes_max;
  if (!analyzed->too_long) {
    sql::AnalyzeOptions analysis;
    analysis.tables = placement->tables.get();
    analysis.search_path = environment.search_path;
    analysis.depth_max = options.depth_max;
    analyzed->facts = sql::Analyze(sql, lexed, analysis);
  }
  analyzed->facts.plain = analyzed->facts.plain && !analyzed->hinted;
  for (const sql::StatementFacts& statement : analyzed->facts.statements) {
    analyzed->needs_literals = analyzed->needs_literals || UsesLiteral(statement);
    analyzed->bytes += BytesOf(statement);
  }
  if (!analyzed->too_long && !lexed.literal_utility)
    cache.Put(lexed.hash, lexed.key(), analyzed);
  return analyzed;
}

std::shared_ptr<const Analyzed> Planner::State::Get(std::string_view sql,
                                                    const SessionView& session) {
  const Environment& environment = EnvironmentOf(session);
  const auto* found = Look(sql, environment);
  return found != nullptr ? *found : Make(sql, environment);
}

// Analyses the text itself, whatever the cache holds for its shape.
std::shared_ptr<const Analyzed> Planner::State::Reread(std::string_view sql,
                                                       const Environment& environment) {
  sql::Lex(sql, environment.standard_conforming_strings, environment.number, lexed);
  return Make(sql, environment);
}

// The hint in front of the text binds it. False: it is wrong, and `plans` says so.
bool Planner::State::Hinted(PlanContext& context, Plans& plans) const {
  const SessionView& session = *context.session;
  const auto refuse = [&](RejectCode code, std::string_view what) {
    StatementPlan& plan = plans.emplace_back();
    plan.length = static_cast<uint32_t>(context.sql.size());
    plan.reject = MakeReject(code, what);
    return false;
  };
  if (lexed.hint_misplaced)
    return refuse(RejectCode::kMisplacedHint, "");
  const Hint hint = ParseHint(lexed.hint);
  if (!hint.unknown.empty())
    return refuse(RejectCode::kUnknownHint, hint.unknown);
  const auto id = TenantId::FromText(placement->tenant_type, hint.tenant);
  const bool locked = session.locked || session.scope == catalog::LoginScope::kTenant;
  if (locked && (!id.ok() || session.tenant == nullptr || *id != session.tenant->id))
    return refuse(RejectCode::kLockedSession, hint.tenant);
  if (!id.ok())
    return refuse(RejectCode::kUnreadableValue, ToSqlError(id.status()).message);
  context.bound = placement->FindTenant(*id);
  if (context.bound == nullptr)
    return refuse(RejectCode::kUnknownTenant, hint.tenant);
  return true;
}

// A text that the grammar does not take, or that is too long for it.
void Planner::State::Unparsed(const Analyzed& analyzed,
                              const PlanContext& context,
                              Plans& plans) const {
  StatementPlan& plan = plans.emplace_back();
  plan.length = static_cast<uint32_t>(context.sql.size());
  plan.writes = true;
  if (context.bound != nullptr && context.session->isolated) {
    if (context.bound->access != catalog::TenantAccess::kOpen) {
      plan.reject = MakeReject(context.bound->access == catalog::TenantAccess::kSuspended
                                   ? RejectCode::kSuspended
                                   : RejectCode::kReadOnly,
                               context.bound->id.Text());
      return;
    }
    plan.route = Route::kSingle;
    plan.tenant = context.bound;
    plan.pins = analyzed.only_queries ? kPinNone : kPinOpaque;
    return;
  }
  plan.writes = false;
  plan.route = Route::kAnyShard;
  if (!context.executing)
    return;
  if (analyzed.facts.too_complex) {
    plan.route = Route::kReject;
    plan.reject = MakeReject(RejectCode::kTooComplex);
    return;
  }
  plan.parse_only = true;
  plan.reject = MakeReject(analyzed.too_long ? RejectCode::kTooLong : RejectCode::kNotParsed);
}

Planner::Planner(PlanCacheOptions options) : state_(std::make_unique<State>(options)) {}

Planner::~Planner() = default;

void Planner::SetPlacement(std::shared_ptr<const catalog::Placement> placement) {
  if (placement->schema_epoch != state_->placement->schema_epoch ||
      placement->timeline != state_->placement->timeline ||
      placement->tenant_type != state_->placement->tenant_type)
    state_->cache.Clear();
  state_->placement = std::move(placement);
  state_->scatters.Clear();
}

bool Planner::IsPlain(std::string_view sql, const SessionView& session) {
  if (session.tenant == nullptr || !session.isolated || sql.size() > state_->options.sql_bytes_max)
    return false;
  const State::Environment& environment = state_->EnvironmentOf(session);
  const auto* found = state_->Look(sql, environment);
  if (found != nullptr)
    return MayPass((*found)->facts, session);
  if (!state_->lexed.only_queries)
    return false;
  return MayPass(state_->Make(sql, environment)->facts, session);
}

bool Planner::IsPlain(const Analyzed& analyzed, const SessionView& session) {
  return MayPass(analyzed.facts, session);
}

std::shared_ptr<const Analyzed> Planner::Analyze(std::string_view sql, const SessionView& session) {
  return state_->Get(sql, session);
}

Plans Planner::Plan(std::string_view sql,
                    const Analyzed* analyzed,
                    const std::vector<Parameter>& parameters,
                    const SessionView& session,
                    bool executing) {
  State& state = *state_;
  std::shared_ptr<const Analyzed> own;
  const State::Environment& environment = state.EnvironmentOf(session);
  if (analyzed == nullptr || analyzed->schema_epoch != state.placement->schema_epoch ||
      analyzed->environment != environment.number) {
    own = state.Get(sql, session);
    analyzed = own.get();
  } else if (analyzed->needs_literals || analyzed->hinted) {
    sql::Lex(sql, session.standard_conforming_strings, environment.number, state.lexed);
  }
  // A shape is shared by texts whose literals, blanks and comments differ: offsets in its facts are
  // those of the text that was analysed. One statement is the whole text then; otherwise, and where
  // an error would point into the text, this text is analysed by itself.
  const bool other_text = analyzed->source_hash != StableHash64(sql);
  Plans plans;
  if (other_text && !IsOneQuery(analyzed->facts)) {
    own = state.Reread(sql, environment);
    analyzed = own.get();
  }
  PlanContext context;
  context.placement = state.placement.get();
  context.session = &session;
  context.sql = sql;
  context.executing = executing;
  context.bound = session.tenant;
  context.values = {sql, &state.lexed.literals, &parameters, state.placement->tenant_type};
  if (state.scatters_environment != environment.number) {
    state.scatters.Clear();
    state.scatters_environment = environment.number;
  }
  context.scatters = &state.scatters;
  if (analyzed->hinted && !state.Hinted(context, plans))
    return plans;
  if (!analyzed->facts.parsed) {
    state.Unparsed(*analyzed, context, plans);
  } else if (analyzed->facts.statements.empty()) {
    StatementPlan& plan = plans.emplace_back();
    plan.route = Route::kSession;
    plan.verb = Verb::kEmpty;
  } else {
    context.whole_text = analyzed->source_hash != StableHash64(sql);
    StatementPlanner planner(context);
    for (const sql::StatementFacts& statement : analyzed->facts.statements)
      plans.push_back(planner.Plan(statement));
    if (context.whole_text && plans[0].route == Route::kReject) {
      own = state.Reread(sql, environment);
      context.whole_text = false;
      plans.clear();
      for (const sql::StatementFacts& statement : own->facts.statements)
        plans.push_back(StatementPlanner(context).Plan(statement));
    }
  }
  if (state.lexed.buffer.size() > kBufferBytesKept)
    state.lexed = {};
  return plans;
}

PlanCacheStats Planner::Stats() const {
  return state_->cache.Stats();
}

}  // namespace pgreeve::plan
