// Plans one SELECT of an operator over all shards. Pure: the same input gives the same plan. It
// knows nothing of tenants: the planner has already found that the statement is not of one tenant.
// Cost: about 100 µs (two parses, two deparses); cache what it returns. Any thread.
//
// What the session must do with a plan:
// 1. Parse and Describe the client's *original* text on one shard (simple queries too): its
//    RowDescription is `expected` of the merger and what the client gets, its ParameterDescription
//    is the parameters' types. Postgres' own errors come from here.
// 2. Parse PinNow(partial_sql) on every shard with *all* those parameter types (the partial may use
//    fewer parameters; a declared type keeps the unused ones valid), Bind the client's values
//    unchanged with the result formats of Merger::partial_formats(), Describe the portal, Execute.
// 3. Run what Merger::Finish() returns. Its SQL is parsed with the same parameter types, followed
//    by type 0 for each of CombineQuery::arrays, and bound with the client's values and the arrays
//    as text. The combining backend needs the settings of the shards' backends: TimeZone,
//    DateStyle, IntervalStyle, extra_float_digits, bytea_output, search_path.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/base/ids.h"
#include "router/base/table_set.h"
#include "router/plan/scatter_plan.h"
#include "router/sql/scatter_refusal.h"

namespace pgreeve::plan {

// `statement_sql` is one statement. `search_path` is where unqualified names are looked up; empty:
// {"public"}.
// Errors: 0A000 with "PR-2xx: …" in DETAIL (sql/scatter_refusal.h) and a hint what to write
// instead; 42601 when the text does not parse.
absl::StatusOr<std::shared_ptr<const ScatterPlan>> PlanScatter(
    std::string_view statement_sql,
    const TableSet& tables,
    const std::vector<std::string>& search_path,
    std::vector<ShardId> shards);

// Replaces the mark 'pgreeve_now' by a literal. `now` is a timestamptz as text with its offset,
// "2026-11-20 08:45:00.123456+00": one value for all shards and the combine of a statement.
// Returns `sql` unchanged when the plan pins nothing.
std::string PinNow(const ScatterPlan& plan, std::string_view sql, std::string_view now);

// The error of a refusal; `what` names the offender in the DETAIL ("string_agg").
absl::Status ScatterRefused(sql::ScatterRefusal refusal, std::string_view what = "");

}  // namespace pgreeve::plan
