#include "router/sql/scatter_check.h"

#include <algorithm>
#include <string>

#include "router/base/status_macros.h"
#include "router/sql/scatter_functions.h"
#include "router/sql/scatter_refusal.h"
#include "router/sql/scatter_tree.h"

namespace pgreeve::sql {

namespace {

constexpr std::string_view kNowMark = "pgreeve_now";

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// Postgres reads 'now', ' Today 10:00' and the like as times by the clock of the moment.
bool ReadsClock(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n\r\f\v");
  if (begin == std::string_view::npos)
    return false;
  std::size_t end = begin;
  while (end < text.size() && ((text[end] | 32) >= 'a' && (text[end] | 32) <= 'z'))
    ++end;
  const std::string word = Lower(text.substr(begin, end - begin));
  return word == "now" || word == "today" || word == "tomorrow" || word == "yesterday";
}

absl::Status CheckConstant(const A_Const* value) {
  if (value->isnull || value->val.node.type != T_String)
    return absl::OkStatus();
  const std::string_view text = value->val.sval.sval;
  if (ReadsClock(text))
    return ScatterRefused(ScatterRefusal::kNowLiteral, text);
  return CheckReserved(text);
}

absl::Status CheckColumn(const ColumnRef* column) {
  static constexpr std::string_view kSystem[] = {
      "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"};
  for (const Node* field : Items(column->fields)) {
    const auto* name = As<String>(field, T_String);
    if (name == nullptr)
      continue;
    if (std::find(std::begin(kSystem), std::end(kSystem), name->sval) != std::end(kSystem))
      return ScatterRefused(ScatterRefusal::kSystemColumn, name->sval);
    RETURN_IF_ERROR(CheckReserved(name->sval));
  }
  return absl::OkStatus();
}

// One name, or two of which the first is pg_catalog.
bool IsSystemName(const List* names) {
  return Count(names) == 1 || (Count(names) == 2 && NameAt(names, 0) == "pg_catalog");
}

absl::Status CheckType(const TypeName* type) {
  if (type->setof || type->pct_type)
    return ScatterRefused(ScatterRefusal::kExpression, "SETOF or %TYPE");
  for (std::size_t i = 0; i < Count(type->names); ++i)
    RETURN_IF_ERROR(CheckReserved(NameAt(type->names, i)));
  const std::string_view last = NameAt(type->names, Count(type->names) - 1);
  if (IsSystemName(type->names) && IsPerShardType(last))
    return ScatterRefused(ScatterRefusal::kPerShard, last);
  return absl::OkStatus();
}

absl::Status RefuseKind(const Node* node) {
  switch (node->type) {
    case T_SubLink:
      return ScatterRefused(ScatterRefusal::kSubSelect);
    case T_GroupingFunc:
    case T_GroupingSet:
      return ScatterRefused(ScatterRefusal::kGroupingSets);
    default:
      return ScatterRefused(ScatterRefusal::kExpression,
                            "node kind " + std::to_string(static_cast<int>(node->type)));
  }
}

// The deparser forgets the parentheses that these need inside an operator, a cast or a test.
bool NeedsParentheses(const Node* node) {
  switch (node->type) {
    case T_NullTest:
    case T_BooleanTest:
    case T_BoolExpr:
    case T_CollateClause:
      return true;
    default:
      return false;
  }
}

// COALESCE of one value is the value.
void Parenthesize(Node*& slot) {
  if (slot == nullptr || !NeedsParentheses(slot))
    return;
  auto* coalesce = static_cast<CoalesceExpr*>(palloc0(sizeof(CoalesceExpr)));
  coalesce->xpr.type = T_CoalesceExpr;
  coalesce->args = list_make1(slot);
  coalesce->location = -1;
  slot = AsNode(coalesce);
}

void ParenthesizeOperands(Node* node) {
  switch (node->type) {
    case T_TypeCast:
      Parenthesize(reinterpret_cast<TypeCast*>(node)->arg);
      return;
    case T_NullTest:
      Parenthesize(reinterpret_cast<Node*&>(reinterpret_cast<NullTest*>(node)->arg));
      return;
    case T_BooleanTest:
      Parenthesize(reinterpret_cast<Node*&>(reinterpret_cast<BooleanTest*>(node)->arg));
      return;
    case T_A_Expr:
      // COLLATE binds tighter than any operator, and must stay visible to it.
      for (Node** operand :
           {&reinterpret_cast<A_Expr*>(node)->lexpr, &reinterpret_cast<A_Expr*>(node)->rexpr}) {
        if (*operand != nullptr && (*operand)->type != T_CollateClause)
          Parenthesize(*operand);
      }
      return;
    default:
      return;
  }
}

}  // namespace

absl::Status CheckReserved(std::string_view name) {
  if (Lower(name).find(kReservedPrefix) != std::string::npos)
    return ScatterRefused(ScatterRefusal::kReservedName, name);
  return absl::OkStatus();
}

void ScatterCheck::NeedWholeGroups(absl::Status why) {
  if (needs_whole_groups_.ok())
    needs_whole_groups_ = std::move(why);
}

absl::Status ScatterCheck::Visit(Node*& slot, int depth, bool in_aggregate) {
  if (slot == nullptr)
    return absl::OkStatus();
  if (depth > kScatterDepthMax)
    return ScatterRefused(ScatterRefusal::kTooDeep);
  if (slot->type == T_SQLValueFunction)
    return PinValueFunction(slot);
  bool is_aggregate = false;
  if (slot->type == T_FuncCall) {
    Node* const call = slot;
    RETURN_IF_ERROR(CheckCall(slot, &is_aggregate));
    if (slot != call)
      return absl::OkStatus();
    if (is_aggregate && in_aggregate)
      return ScatterRefused(ScatterRefusal::kAggregateForm, "an aggregate inside an aggregate");
  } else {
    RETURN_IF_ERROR(CheckNode(slot));
  }
  absl::Status status;
  const bool known = ForEachChild(slot, [&](Node*& child) {
    status = Visit(child, depth + 1, in_aggregate || is_aggregate);
    return status.ok();
  });
  if (!known)
    return RefuseKind(slot);
  RETURN_IF_ERROR(status);
  ParenthesizeOperands(slot);
  return absl::OkStatus();
}

absl::Status ScatterCheck::CheckNode(Node* node) const {
  switch (node->type) {
    case T_ColumnRef:
      return CheckColumn(reinterpret_cast<ColumnRef*>(node));
    case T_A_Const:
      return CheckConstant(reinterpret_cast<A_Const*>(node));
    case T_TypeCast:
      return CheckType(reinterpret_cast<TypeCast*>(node)->typeName);
    case T_A_Expr:
      if (!IsSystemName(reinterpret_cast<A_Expr*>(node)->name))
        return ScatterRefused(ScatterRefusal::kFunction, "an operator of another schema");
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

// Pinned functions replace `slot`.
absl::Status ScatterCheck::CheckCall(Node*& slot, bool* is_aggregate) {
  auto* call = reinterpret_cast<FuncCall*>(slot);
  const std::string_view name = NameAt(call->funcname, Count(call->funcname) - 1);
  if (!IsSystemName(call->funcname))
    return ScatterRefused(ScatterRefusal::kFunction, name);
  if (call->over != nullptr)
    return ScatterRefused(ScatterRefusal::kWindow, name);
  // x AT TIME ZONE y, extract(a FROM b): plain calls deparse faithfully everywhere.
  call->funcformat = COERCE_EXPLICIT_CALL;
  const FunctionClass what = ClassifyFunction(name);
  const bool odd_form = call->agg_within_group || call->func_variadic || call->agg_order != nullptr;
  switch (what) {
    case FunctionClass::kSafe:
      // age(x) counts from the shard's current date.
      if (name == "age" && Count(call->args) != 2)
        return ScatterRefused(ScatterRefusal::kVolatile, "age(x): write age(current_date, x)");
      return absl::OkStatus();
    case FunctionClass::kNow:
      pins_now_ = true;
      slot = MakeCast(MakeText(kNowMark), MakeSystemType("timestamptz"));
      return absl::OkStatus();
    case FunctionClass::kSplitAggregate:
      if (odd_form)
        NeedWholeGroups(ScatterRefused(ScatterRefusal::kAggregateForm, name));
      break;
    case FunctionClass::kAggregate:
      NeedWholeGroups(ScatterRefused(ScatterRefusal::kAggregate, name));
      break;
    case FunctionClass::kWindow:
      return ScatterRefused(ScatterRefusal::kWindow, name);
    case FunctionClass::kVolatile:
      return ScatterRefused(ScatterRefusal::kVolatile, name);
    case FunctionClass::kPerShard:
      return ScatterRefused(ScatterRefusal::kPerShard, name);
    case FunctionClass::kUnknown:
      return ScatterRefused(ScatterRefusal::kFunction, name);
  }
  *is_aggregate = true;
  has_aggregate_ = true;
  return absl::OkStatus();
}

absl::Status ScatterCheck::PinValueFunction(Node*& slot) {
  auto* function = reinterpret_cast<SQLValueFunction*>(slot);
  std::string_view type;
  switch (function->op) {
    case SVFOP_CURRENT_DATE:
      type = "date";
      break;
    case SVFOP_CURRENT_TIME:
    case SVFOP_CURRENT_TIME_N:
      type = "timetz";
      break;
    case SVFOP_CURRENT_TIMESTAMP:
    case SVFOP_CURRENT_TIMESTAMP_N:
      type = "timestamptz";
      break;
    case SVFOP_LOCALTIME:
    case SVFOP_LOCALTIME_N:
      type = "time";
      break;
    case SVFOP_LOCALTIMESTAMP:
    case SVFOP_LOCALTIMESTAMP_N:
      type = "timestamp";
      break;
    default:
      return ScatterRefused(ScatterRefusal::kPerShard, "current_user or the like");
  }
  pins_now_ = true;
  TypeName* wanted = MakeSystemType(type);
  if (function->typmod >= 0)
    wanted->typmods = list_make1(MakeInteger(function->typmod));
  slot = MakeCast(MakeCast(MakeText(kNowMark), MakeSystemType("timestamptz")), wanted);
  return absl::OkStatus();
}

}  // namespace pgreeve::sql
