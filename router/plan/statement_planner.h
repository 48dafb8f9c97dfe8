// Facts of one statement + what the session is → its plan: the rules of who may speak for whom.
// Internal to this layer; Planner is what others use. Pure; lives for one call.
//   statement_planner.cc  queries: tenants, scopes, refusals
//   session_rules.cc      transactions, settings, cursors, DDL, the router's own functions
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/base/string_map.h"
#include "router/plan/plan.h"
#include "router/plan/planner.h"
#include "router/plan/reject.h"
#include "router/plan/tenant_values.h"
#include "router/sql/statement_facts.h"

namespace pgreeve::plan {

// Plans of cross-shard statements by their exact text: literals are part of what shards run. One
// environment's; cleared when the placement or the environment changes.
class ScatterCache {
 public:
  std::shared_ptr<const ScatterPlan> Find(std::string_view sql) const {
    const auto found = plans_.find(sql);
    return found == plans_.end() ? nullptr : found->second;
  }

  void Put(std::string_view sql, std::shared_ptr<const ScatterPlan> plan) {
    if (sql.size() > kSqlBytesMax)
      return;
    if (plans_.size() >= kEntriesMax)
      plans_.clear();
    plans_.insert_or_assign(std::string(sql), std::move(plan));
  }

  void Clear() { plans_.clear(); }

 private:
  static constexpr std::size_t kEntriesMax = 256;
  static constexpr std::size_t kSqlBytesMax = 64 << 10;
  StringMap<std::shared_ptr<const ScatterPlan>> plans_;
};

struct PlanContext {
  const catalog::Placement* placement = nullptr;
  const SessionView* session = nullptr;
  ValueContext values;
  std::string_view sql;
  bool executing = true;
  // The facts come from another text of the same shape: its one statement is this whole text, and
  // no offset in them counts.
  bool whole_text = false;
  // Bound by the session, or by a hint for this text. Null: free.
  const catalog::TenantInfo* bound = nullptr;
  ScatterCache* scatters = nullptr;
};

class StatementPlanner {
 public:
  explicit StatementPlanner(const PlanContext& context)
      : context_(context),
        session_(*context.session) {}

  StatementPlan Plan(const sql::StatementFacts& facts);

  // EXPLAIN (ROUTE): fills StatementPlan::found as well.
  void set_explaining() { explaining_ = true; }

 private:
  // statement_planner.cc
  void Query(const sql::StatementFacts& facts, StatementPlan& plan);
  void Bound(const sql::StatementFacts& facts, StatementPlan& plan);
  void Unbound(const sql::StatementFacts& facts, StatementPlan& plan);
  void ByValues(const sql::StatementFacts& facts, StatementPlan& plan);
  void NoTenant(const sql::StatementFacts& facts, StatementPlan& plan, int relation);
  void ReferenceWrite(const sql::StatementFacts& facts, StatementPlan& plan, int relation);
  void Scatter(const sql::StatementFacts& facts, StatementPlan& plan);
  void ToTenant(const catalog::TenantInfo& tenant, StatementPlan& plan);
  bool CommonRefusal(const sql::StatementFacts& facts, StatementPlan& plan);
  bool UnboundRefusal(const sql::StatementFacts& facts, StatementPlan& plan);

  // session_rules.cc
  bool Session(const sql::StatementFacts& facts, StatementPlan& plan);
  bool Transaction(const sql::StatementFacts& facts, StatementPlan& plan);
  bool Schema(const sql::StatementFacts& facts, StatementPlan& plan);
  void Setting(const sql::StatementFacts& facts, StatementPlan& plan);
  void Notification(const sql::StatementFacts& facts, StatementPlan& plan);
  void LocalFunction(const sql::StatementFacts& facts, StatementPlan& plan);
  void ExplainRoute(const sql::StatementFacts& facts, StatementPlan& plan);
  void Broadcast(StatementPlan& plan, catalog::RoleClass role);
  void OnBoundTenant(StatementPlan& plan, RejectCode otherwise);

  void Refuse(StatementPlan& plan, RejectCode code, std::string_view what = "", int byte = -1);

  bool is_operator() const { return session_.scope == catalog::LoginScope::kOperator; }

  // Row security keeps the session to its tenant, whatever the text says.
  bool isolated() const { return context_.bound != nullptr && session_.isolated; }

  const PlanContext& context_;
  const SessionView& session_;
  bool explaining_ = false;
};

}  // namespace pgreeve::plan
