// statement + values + placement → plan. Pure: the same input gives the same plan.
// The analysis of a text is cached per worker (see PlanCache); a hit costs one pass of the lexer
// and one hash look-up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/catalog/placement.h"
#include "router/plan/plan.h"

namespace pgreeve::plan {

// What the session is while it asks.
struct SessionView {
  catalog::LoginScope scope = catalog::LoginScope::kApp;
  // Bound by login, at startup, by SET pgreeve.tenant. Null: free.
  const catalog::TenantInfo* tenant = nullptr;
  bool locked = false;   // the binding may not be changed (42501)
  bool isolated = true;  // statements run under the tenant's token
  bool may_provision = false;
  // Where unqualified names are looked up; empty: {"public"}.
  std::vector<std::string> search_path;
  bool standard_conforming_strings = true;
};

// Parameters of a Bind, as sent. Views valid during the call.
struct Parameter {
  uint32_t type_oid = 0;  // 0: not known; then the tenant's own type is assumed
  int16_t format = 0;
  std::optional<std::string_view> value;
};

class Analyzed;  // immutable result of analysing one text; shared by cache and prepared statements

struct PlanCacheOptions {
  std::size_t entries_max = 10000;
  std::size_t bytes_max = 64 << 20;
  std::size_t sql_bytes_max = 1 << 20;  // longer texts are opaque
  int depth_max = 400;
};

struct PlanCacheStats {
  uint64_t hits = 0, misses = 0, evictions = 0, entries = 0, bytes = 0;
};

// Worker thread only; one per worker.
class Planner {
 public:
  explicit Planner(PlanCacheOptions options = {});
  ~Planner();

  // Clears the cache when the schema epoch differs. Worker thread.
  void SetPlacement(std::shared_ptr<const catalog::Placement> placement);

  // For a bound session's simple query: true when the whole text is plain SELECT/INSERT/UPDATE/
  // DELETE… that changes no session state and needs no rewriting, so that it can go to the bound
  // tenant's shard as it is. One lexer pass and a look-up on a hit. False: call Plan.
  bool IsPlain(std::string_view sql, const SessionView& session);

  // Analyses (or finds) the text and keeps it alive: what a prepared statement holds.
  std::shared_ptr<const Analyzed> Analyze(std::string_view sql, const SessionView& session);

  // The same test for a prepared text.
  static bool IsPlain(const Analyzed& analyzed, const SessionView& session);

  // Plans every statement of the text. `parameters` is empty for simple queries. `analyzed` must
  // come from Analyze of the same text (null: it is analysed here).
  // `executing` false: only prepared or described; then nothing is rejected that could be described
  // on any shard (kAnyShard).
  Plans Plan(std::string_view sql,
             const Analyzed* analyzed,
             const std::vector<Parameter>& parameters,
             const SessionView& session,
             bool executing = true);

  PlanCacheStats Stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// EXPLAIN (ROUTE): the lines of the text form, and the JSON form, of plans (see interfaces.md).
std::vector<std::string> ExplainText(const Plans& plans, const catalog::Placement& placement);
std::string ExplainJson(const Plans& plans, const catalog::Placement& placement);

}  // namespace pgreeve::plan
