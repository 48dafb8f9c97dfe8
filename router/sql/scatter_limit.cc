#include "router/sql/scatter_limit.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "router/base/status_macros.h"
#include "router/sql/scatter_refusal.h"
#include "router/sql/scatter_tree.h"

namespace pgreeve::sql {

namespace {

absl::Status ReadNumber(Node* node, bool* present, bool* constant, int64_t* value) {
  *present = false;
  if (node == nullptr)
    return absl::OkStatus();
  if (const auto* number = As<A_Const>(node, T_A_Const)) {
    if (number->isnull)  // also LIMIT ALL
      return absl::OkStatus();
    *present = true;
    if (number->val.node.type == T_Integer && number->val.ival.ival >= 0) {
      *value = number->val.ival.ival;
      return absl::OkStatus();
    }
    const std::string_view text =
        number->val.node.type == T_Float ? std::string_view(number->val.fval.fval) : "";
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    if (error == std::errc() && end == text.data() + text.size() && *value >= 0)
      return absl::OkStatus();
    return ScatterRefused(ScatterRefusal::kLimitForm);
  }
  *present = true;
  *constant = false;
  while (node != nullptr && node->type == T_TypeCast)
    node = reinterpret_cast<TypeCast*>(node)->arg;
  if (node != nullptr && (node->type == T_ParamRef || node->type == T_A_Const))
    return absl::OkStatus();
  return ScatterRefused(ScatterRefusal::kLimitForm);
}

}  // namespace

absl::Status ReadLimit(const SelectStmt* select, ScatterLimit* limit) {
  if (static_cast<int>(select->limitOption) == kLimitWithTies)
    return ScatterRefused(ScatterRefusal::kLimitForm, "WITH TIES");
  RETURN_IF_ERROR(
      ReadNumber(select->limitCount, &limit->has_count, &limit->constant, &limit->count));
  return ReadNumber(select->limitOffset, &limit->has_offset, &limit->constant, &limit->offset);
}

void LimitPartial(const ScatterLimit& limit, SelectStmt* partial) {
  Node* const count = partial->limitCount;
  Node* const offset = partial->limitOffset;
  partial->limitOffset = nullptr;
  partial->limitCount = nullptr;
  partial->limitOption = static_cast<LimitOption>(kLimitDefault);
  if (!limit.has_count)
    return;
  partial->limitOption = static_cast<LimitOption>(kLimitCount);
  if (!limit.has_offset) {
    partial->limitCount = count;
  } else if (limit.constant) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    partial->limitCount =
        MakeInteger(limit.count > kMost - limit.offset ? kMost : limit.count + limit.offset);
  } else {
    // A null count is no limit, and so is the sum; a null offset costs the limit its effect.
    partial->limitCount = MakeOperation(
        "+", MakeCast(count, MakeSystemType("int8")), MakeCast(offset, MakeSystemType("int8")));
  }
}

}  // namespace pgreeve::sql
