#include "router/plan/scatter.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

#include "router/base/status_macros.h"
#include "router/sql/scatter_shape.h"

namespace pgreeve::plan {

namespace {

MergeKind KindOf(sql::ScatterKind kind) {
  switch (kind) {
    case sql::ScatterKind::kConcat:
      return MergeKind::kConcat;
    case sql::ScatterKind::kOrdered:
      return MergeKind::kOrdered;
    case sql::ScatterKind::kGroup:
      break;
  }
  return MergeKind::kGroup;
}

Combine CombineOf(sql::ScatterCombine combine) {
  switch (combine) {
    case sql::ScatterCombine::kKey:
      return Combine::kKey;
    case sql::ScatterCombine::kCount:
      return Combine::kCount;
    case sql::ScatterCombine::kSum:
      return Combine::kSum;
    case sql::ScatterCombine::kMin:
      return Combine::kMin;
    case sql::ScatterCombine::kMax:
      return Combine::kMax;
    case sql::ScatterCombine::kExpression:
      break;
  }
  return Combine::kExpression;
}

// The combine step compares under the collations of the types. A table with a column of another
// collation may be listed and counted, but nothing of it may be ordered, grouped or compared there.
// Told by words, so that it errs on the side of refusing.
absl::Status CheckCollations(std::string_view sql, const TableSet& tables) {
  std::vector<std::string_view> collated;
  for (const auto& [name, fact] : tables.all()) {
    for (const ColumnFact& column : fact.columns) {
      if (column.type.find(" COLLATE ") != std::string::npos)
        collated.push_back(fact.name);
    }
  }
  if (collated.empty())
    return absl::OkStatus();
  static constexpr std::string_view kOrdering[] = {"order", "group", "distinct", "min", "max"};
  bool named = false;
  bool ordered = false;
  std::string word;
  const auto finish = [&] {
    named = named || std::find(collated.begin(), collated.end(), word) != collated.end();
    ordered = ordered ||
              std::find(std::begin(kOrdering), std::end(kOrdering), word) != std::end(kOrdering);
    word.clear();
  };
  for (const char c : sql) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '_' || c == '$' || byte >= 0x80)
      word += static_cast<char>(std::tolower(byte));
    else
      finish();
  }
  finish();
  // A quoted name may hold anything: it counts as naming the table.
  named = named || sql.find('"') != sql.npos;
  return named && ordered ? plan::ScatterRefused(sql::ScatterRefusal::kColumnCollation)
                          : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ScatterPlan>> PlanScatter(
    std::string_view statement_sql,
    const TableSet& tables,
    const std::vector<std::string>& search_path,
    std::vector<ShardId> shards) {
  static const std::vector<std::string>& public_only = *new std::vector<std::string>{"public"};
  RETURN_IF_ERROR(CheckCollations(statement_sql, tables));
  ASSIGN_OR_RETURN(
      sql::ScatterShape shape,
      sql::ShapeScatter(statement_sql, tables, search_path.empty() ? public_only : search_path));
  auto plan = std::make_shared<ScatterPlan>();
  plan->shards = std::move(shards);
  plan->partial_sql = std::move(shape.partial_sql);
  plan->combine_sql = std::move(shape.combine_sql);
  plan->kind = KindOf(shape.kind);
  plan->hidden_columns = shape.hidden_columns;
  plan->key_columns = shape.key_columns;
  for (const sql::ScatterOutput& output : shape.output)
    plan->output.push_back({CombineOf(output.combine), output.partial});
  for (const sql::ScatterOrder& key : shape.order)
    plan->order.push_back({key.column, key.descending, key.nulls_first, key.bytewise});
  plan->native_possible = shape.native_possible;
  plan->limit = shape.limit;
  plan->offset = shape.offset;
  plan->pins_now = shape.pins_now;
  plan->sum_columns = std::move(shape.sum_columns);
  plan->tenant_column = std::move(shape.tenant_column);
  return std::shared_ptr<const ScatterPlan>(std::move(plan));
}

std::string PinNow(const ScatterPlan& plan, std::string_view sql, std::string_view now) {
  static constexpr std::string_view kMark = "'pgreeve_now'";
  std::string pinned;
  if (!plan.pins_now)
    return std::string(sql);
  std::size_t at = 0;
  for (std::size_t found = sql.find(kMark); found != std::string_view::npos;
       found = sql.find(kMark, at)) {
    pinned.append(sql.substr(at, found - at));
    pinned += '\'';
    pinned.append(now);
    pinned += '\'';
    at = found + kMark.size();
  }
  pinned.append(sql.substr(at));
  return pinned;
}

absl::Status ScatterRefused(sql::ScatterRefusal refusal, std::string_view what) {
  return sql::ScatterRefused(refusal, what);
}

}  // namespace pgreeve::plan
