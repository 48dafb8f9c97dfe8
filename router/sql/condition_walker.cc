// Conditions: what they say about tenant columns; and every other expression, for the sub-selects
// and functions in it.
#include <algorithm>

#include "router/sql/function_class.h"
#include "router/sql/pg_headers.h"
#include "router/sql/query_walker.h"

namespace pgreeve::sql {
namespace {

std::string_view LastName(const List* names) {
  const Items<> items(names);
  return items.size() == 0 ? std::string_view() : StringOf(items[items.size() - 1]);
}

// "=" or OPERATOR(pg_catalog.=).
bool IsEquals(const List* names) {
  const Items<> items(names);
  return LastName(names) == "=" &&
         (items.size() == 1 || (items.size() == 2 && StringOf(items[0]) == "pg_catalog"));
}

// How a cast changes the reading of a constant; nothing: it is not understood.
std::optional<CastTo> CastOf(const TypeName* type, bool array) {
  if (type == nullptr || type->typmods != nullptr || type->setof || type->pct_type ||
      (type->arrayBounds != nullptr) != array)
    return std::nullopt;
  const std::string_view name = LastName(type->names);
  if (name == "uuid")
    return CastTo::kUuid;
  if (name == "int8" || name == "int4" || name == "int2" || name == "bigint")
    return CastTo::kInteger;
  if (name == "text" || name == "varchar")
    return CastTo::kText;
  if (name == "numeric")
    return CastTo::kNumeric;
  if (name == "regclass" || name == "unknown")
    return CastTo::kNothing;
  return std::nullopt;
}

std::optional<bool> TruthOf(const Node* node) {
  const auto* constant = As<A_Const>(node, T_A_Const);
  if (constant == nullptr || constant->isnull || constant->val.node.type != T_Boolean)
    return std::nullopt;
  return constant->val.boolval.boolval;
}

// Nodes that the library's own walker goes through, and that need nothing else from us.
bool IsWalkable(NodeTag tag) {
  switch (tag) {
    case T_A_Expr:
    case T_BoolExpr:
    case T_TypeCast:
    case T_CollateClause:
    case T_CaseExpr:
    case T_CaseWhen:
    case T_RowExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_XmlExpr:
    case T_XmlSerialize:
    case T_NullTest:
    case T_BooleanTest:
    case T_NamedArgExpr:
    case T_A_Indices:
    case T_A_Indirection:
    case T_A_ArrayExpr:
    case T_ResTarget:
    case T_MultiAssignRef:
    case T_SortBy:
    case T_WindowDef:
    case T_GroupingSet:
    case T_GroupingFunc:
    case T_List:
    case T_InferClause:
    case T_IndexElem:
      return true;
    default:
      return false;
  }
}

struct Step {
  QueryWalker* walker;
  Level* level;
};

}  // namespace

std::optional<ValueSource> QueryWalker::LiteralAt(int location) const {
  if (location < 0)
    return std::nullopt;
  ValueSource source;
  source.location = location;
  auto at = static_cast<uint32_t>(location);
  // The location of a negative number is its sign's. Anything but blanks in between is not read.
  while (at < text_.sql.size() && (text_.sql[at] == '-' || text_.sql[at] == ' ')) {
    if (text_.sql[at] == '-')
      source.negative = !source.negative;
    ++at;
  }
  const auto& literals = text_.lexed->literals;
  const auto found = std::lower_bound(
      literals.begin(), literals.end(), at, [](const Literal& literal, uint32_t offset) {
        return literal.offset < offset;
      });
  if (found == literals.end() || found->offset != at)
    return std::nullopt;
  source.kind = ValueSource::Kind::kLiteral;
  source.index = static_cast<uint32_t>(found - literals.begin());
  return source;
}

std::optional<ValueSource> QueryWalker::Constant(const Node* node) const {
  if (const auto truth = TruthOf(node)) {
    ValueSource source;
    source.kind = *truth ? ValueSource::Kind::kTrue : ValueSource::Kind::kFalse;
    return source;
  }
  if (const auto* constant = As<A_Const>(node, T_A_Const)) {
    if (constant->isnull) {
      ValueSource source;
      source.kind = ValueSource::Kind::kNull;
      source.location = constant->location;
      return source;
    }
    return LiteralAt(constant->location);
  }
  if (const auto* param = As<ParamRef>(node, T_ParamRef)) {
    if (param->number <= 0)
      return std::nullopt;
    ValueSource source;
    source.kind = ValueSource::Kind::kParameter;
    source.index = static_cast<uint32_t>(param->number);
    source.location = param->location;
    return source;
  }
  // Chains of casts and signs are as deep as a client likes: go down in a loop.
  CastTo cast = CastTo::kNothing;
  bool negative = false;
  for (int steps = 0; steps < 8; ++steps) {
    if (const auto* outer = As<TypeCast>(node, T_TypeCast)) {
      const auto to = CastOf(outer->typeName, false);
      // A text made of another type is that type's way to print it, not what was written.
      if (!to || (cast == CastTo::kText && *to != CastTo::kText))
        return std::nullopt;
      if (cast == CastTo::kNothing)
        cast = *to;
      node = outer->arg;
      continue;
    }
    const auto* minus = As<A_Expr>(node, T_A_Expr);
    if (minus == nullptr || minus->kind != AEXPR_OP || minus->lexpr != nullptr ||
        LastName(minus->name) != "-")
      break;
    negative = !negative;
    node = minus->rexpr;
  }
  if (node == nullptr || (node->type != T_A_Const && node->type != T_ParamRef))
    return std::nullopt;
  auto source = Constant(node);
  if (!source || (negative && source->kind != ValueSource::Kind::kLiteral))
    return std::nullopt;
  source->cast = cast;
  source->negative = source->negative != negative;
  return source;
}

QueryWalker::Operand QueryWalker::Resolve(const Node* node, Level* level) {
  Operand operand;
  if (const auto* ref = As<ColumnRef>(node, T_ColumnRef)) {
    operand.node = FindColumn(ref, level, operand.outer);
    return operand;
  }
  if (const auto source = Constant(node)) {
    operand.is_constant = true;
    operand.constants.push_back(*source);
    return operand;
  }
  const auto* link = As<SubLink>(node, T_SubLink);
  if (link != nullptr && link->subLinkType == EXPR_SUBLINK) {
    const Output output = Any(link->subselect, level, level);
    if (!output.open && output.columns.size() == 1 && output.columns[0].node >= 0) {
      // One value from inside: it restricts this side, this side does not restrict it (a sub-select
      // of one row may not lose rows).
      operand.node = OneWay(output.columns[0].node);
      operand.outer = true;
    }
    return operand;
  }
  Expression(node, *level);
  return operand;
}

void QueryWalker::Conjuncts(const Node* node, const Condition& condition) {
  if (node == nullptr)
    return;
  if (!Enter()) {
    Leave();
    return;
  }
  if (const auto* bools = As<BoolExpr>(node, T_BoolExpr); bools && bools->boolop == AND_EXPR) {
    for (const Node* argument : Items(bools->args))
      Conjuncts(argument, condition);
  } else if (const auto* expression = As<A_Expr>(node, T_A_Expr);
             expression != nullptr && IsEquals(expression->name)) {
    if (expression->kind == AEXPR_OP || expression->kind == AEXPR_NOT_DISTINCT)
      Equality(expression, condition);
    else if (expression->kind == AEXPR_IN)
      InList(expression, condition);
    else if (expression->kind == AEXPR_OP_ANY)
      AnyArray(expression, condition);
    else
      Expression(node, *condition.level);
  } else if (const auto* link = As<SubLink>(node, T_SubLink);
             link != nullptr && link->subLinkType == ANY_SUBLINK) {
    InSelect(link, condition, true);
  } else {
    Expression(node, *condition.level);
  }
  Leave();
}

void QueryWalker::Equality(const A_Expr* expression, const Condition& condition) {
  Level& level = *condition.level;
  const auto* left_row = As<RowExpr>(expression->lexpr, T_RowExpr);
  const auto* right_row = As<RowExpr>(expression->rexpr, T_RowExpr);
  if (left_row != nullptr && right_row != nullptr && expression->kind == AEXPR_OP) {
    const Items<> left(left_row->args);
    const Items<> right(right_row->args);
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i)
      Link(Resolve(left[i], &level), Resolve(right[i], &level), condition);
    return;
  }
  const Operand left = Resolve(expression->lexpr, &level);
  const Operand right = Resolve(expression->rexpr, &level);
  // NULL IS NOT DISTINCT FROM NULL: only constants restrict.
  if (expression->kind == AEXPR_NOT_DISTINCT && !left.is_constant && !right.is_constant)
    return;
  Link(left, right, condition);
}

void QueryWalker::InList(const A_Expr* expression, const Condition& condition) {
  Level& level = *condition.level;
  const auto* list = As<List>(expression->rexpr, T_List);
  if (list == nullptr)
    return Expression(expression->rexpr, level);
  const auto* row = As<RowExpr>(expression->lexpr, T_RowExpr);
  const Items<> columns(row == nullptr ? nullptr : row->args);
  const std::size_t width = row == nullptr ? 1 : columns.size();
  for (std::size_t i = 0; i < width; ++i) {
    const Operand left = Resolve(row == nullptr ? expression->lexpr : columns[i], &level);
    Operand right;
    right.is_constant = true;
    for (const Node* element : Items(list)) {
      const auto* values = As<RowExpr>(element, T_RowExpr);
      if (row != nullptr && (values == nullptr || Items(values->args).size() != width)) {
        right.is_constant = false;
        continue;
      }
      const Node* value = row == nullptr ? element : Items(values->args)[i];
      const auto source = left.node < 0 ? std::nullopt : Constant(value);
      if (source) {
        right.constants.push_back(*source);
      } else {
        right.is_constant = false;
        Expression(value, level);
      }
    }
    Link(left, right, condition);
  }
}

void QueryWalker::ArrayElements(const Node* node, Operand& operand) const {
  if (const auto* cast = As<TypeCast>(node, T_TypeCast)) {
    if (!CastOf(cast->typeName, true))
      return;
    node = cast->arg;
  }
  if (const auto* array = As<A_ArrayExpr>(node, T_A_ArrayExpr)) {
    for (const Node* element : Items(array->elements)) {
      const auto source = Constant(element);
      if (!source)
        return operand.constants.clear();
      operand.constants.push_back(*source);
    }
  } else if (auto source = Constant(node)) {
    source->array = true;
    operand.constants.push_back(*source);
  }
  operand.is_constant = !operand.constants.empty();
}

void QueryWalker::AnyArray(const A_Expr* expression, const Condition& condition) {
  const Operand left = Resolve(expression->lexpr, condition.level);
  Operand right;
  ArrayElements(expression->rexpr, right);
  if (right.is_constant)
    Link(left, right, condition);
  else
    Expression(expression->rexpr, *condition.level);
}

// x IN (SELECT …), x = ANY (SELECT …). When it must hold, rows inside matter only where they equal
// x, and rows of x only where they equal one inside.
void QueryWalker::InSelect(const SubLink* link, const Condition& condition, bool conjunct) {
  Level& level = *condition.level;
  const Output output = Any(link->subselect, &level, &level);
  const auto* row = As<RowExpr>(link->testexpr, T_RowExpr);
  const Items<> columns(row == nullptr ? nullptr : row->args);
  const std::size_t width = row == nullptr ? 1 : columns.size();
  const bool equals = link->operName == nullptr || IsEquals(link->operName);
  for (std::size_t i = 0; i < width; ++i) {
    const Operand left = Resolve(row == nullptr ? link->testexpr : columns[i], &level);
    if (!equals || output.open || i >= output.columns.size() || output.columns[i].node < 0)
      continue;
    const int inside = output.columns[i].node;
    // Elsewhere a NULL counts: restricting the null-extended side of an outer join inside makes
    // one.
    if (!conjunct)
      continue;
    if (left.node >= 0 && output.pushable)
      graph_.Flow(left.node, inside);
    Operand value;
    value.node = OneWay(inside);
    value.outer = true;
    Link(left, value, condition);
    // x IN (…) as a constant's own test binds what is inside.
    if (left.is_constant && output.pushable && left.constants.size() == 1)
      graph_.Bind(inside, left.constants[0]);
  }
}

void QueryWalker::Link(const Operand& left, const Operand& right, const Condition& condition) {
  if (left.node >= 0 && right.node >= 0)
    return LinkNodes(left, right, condition);
  const Operand& column = left.node >= 0 ? left : right;
  const Operand& value = left.node >= 0 ? right : left;
  if (column.node < 0)
    return;
  if (condition.where && !column.outer && !condition.full_join)
    condition.level->rejected_nulls.push_back(column.node);
  if (!value.is_constant || column.outer)
    return;
  for (const ValueSource& source : value.constants)
    LinkConstant(column.node, source, condition);
}

void QueryWalker::LinkConstant(int node, const ValueSource& source, const Condition& condition) {
  if (condition.full_join)
    return;
  if (!condition.outer_join ||
      (node >= condition.nullable_begin && node < condition.nullable_end)) {
    graph_.Bind(node, source);
    return;
  }
  conditionals_.push_back({condition.nullable_begin, condition.nullable_end, node, -1, source});
}

void QueryWalker::LinkNodes(const Operand& left, const Operand& right, const Condition& condition) {
  if (condition.where) {
    for (const Operand* operand : {&left, &right}) {
      if (!operand->outer)
        condition.level->rejected_nulls.push_back(operand->node);
    }
  }
  if (condition.full_join)
    return;
  const auto link = [&](const Operand& from, const Operand& to) {
    // What is outside is not restricted by what holds inside.
    if (to.outer)
      return;
    if (!condition.outer_join ||
        (to.node >= condition.nullable_begin && to.node < condition.nullable_end)) {
      graph_.Flow(from.node, to.node);
      return;
    }
    conditionals_.push_back(
        {condition.nullable_begin, condition.nullable_end, from.node, to.node, {}});
  };
  link(left, right);
  link(right, left);
}

void QueryWalker::ApplyConditionals(const Level& level, std::size_t from) {
  std::vector<int> rejected = level.rejected_nulls;
  std::sort(rejected.begin(), rejected.end());
  for (std::size_t i = from; i < conditionals_.size(); ++i) {
    const Conditional& conditional = conditionals_[i];
    const auto first = std::lower_bound(rejected.begin(), rejected.end(), conditional.begin);
    if (first == rejected.end() || *first >= conditional.end)
      continue;
    if (conditional.to >= 0)
      graph_.Flow(conditional.from, conditional.to);
    else
      graph_.Bind(conditional.from, conditional.source);
  }
  conditionals_.resize(from);
}

void QueryWalker::Expressions(const List* list, Level& level) {
  for (const Node* node : Items(list))
    Expression(node, level);
}

bool QueryWalker::ExpressionStep(Node* node, void* context) {
  auto* step = static_cast<Step*>(context);
  step->walker->Expression(node, *step->level);
  return false;
}

void QueryWalker::Expression(const Node* node, Level& level) {
  if (node == nullptr)
    return;
  if (!Enter()) {
    Leave();
    return;
  }
  switch (node->type) {
    case T_ColumnRef:
    case T_ParamRef:
    case T_A_Const:
    case T_A_Star:
    case T_SetToDefault:
    case T_Integer:
    case T_Float:
    case T_String:
    case T_BitString:
    case T_Boolean:
    case T_TypeName:
      break;
    case T_SQLValueFunction:
      Find(kFindsVolatile);
      break;
    case T_CurrentOfExpr:  // WHERE CURRENT OF cursor
      break;
    case T_FuncCall:
      Call(As<FuncCall>(node, T_FuncCall), level);
      break;
    case T_SubLink:
      SubLinkOf(As<SubLink>(node, T_SubLink), level);
      break;
    default:
      if (IsWalkable(node->type)) {
        Step step{this, &level};
        WalkChildren(node, &QueryWalker::ExpressionStep, &step);
      } else {
        Find(kFindsUnknownSyntax);
      }
  }
  Leave();
}

void QueryWalker::SubLinkOf(const SubLink* link, Level& level) {
  if (link->subLinkType == ANY_SUBLINK) {
    Condition condition;
    condition.level = &level;
    condition.full_join = true;
    return InSelect(link, condition, false);
  }
  Expression(link->testexpr, level);
  Any(link->subselect, &level, &level);
}

void QueryWalker::Call(const FuncCall* call, Level& level) {
  const Items<> names(call->funcname);
  const std::string_view name = LastName(call->funcname);
  const std::string_view schema =
      names.size() > 1 ? StringOf(names[names.size() - 2]) : std::string_view();
  const uint32_t traits = FunctionTraits(schema, name);
  if ((traits & kTraitOpaque) != 0)
    Find(kFindsOpaqueFunction, call->location, name);
  if ((traits & kTraitReserved) != 0)
    Find(kFindsReservedCall, call->location, name);
  if ((traits & kTraitLocal) != 0)
    Find(kFindsMixedLocalCall, call->location, name);
  if ((traits & kTraitNotify) != 0)
    Find(kFindsNotify, call->location, name);
  if ((traits & kTraitVolatile) != 0)
    Find(kFindsVolatile);
  if ((traits & kTraitSequence) != 0)
    Find(kFindsSequenceCall);
  if ((traits & kTraitSetConfig) != 0)
    SetConfig(call);
  if ((traits & kTraitAdvisoryLock) != 0)
    facts_.effects |= kEffectAdvisoryLock;
  if ((traits & kTraitSequenceState) != 0)
    facts_.effects |= kEffectSequence;
  if ((traits & kTraitWrites) != 0)
    facts_.writes = true;
  Expressions(call->args, level);
  Expressions(call->agg_order, level);
  Expression(call->agg_filter, level);
  if (call->over != nullptr) {
    Expressions(call->over->partitionClause, level);
    Expressions(call->over->orderClause, level);
    Expression(call->over->startOffset, level);
    Expression(call->over->endOffset, level);
  }
}

// set_config(name, value, is_local): only a literal `true` leaves nothing behind.
void QueryWalker::SetConfig(const FuncCall* call) {
  Find(kFindsVolatile);
  const Items<> arguments(call->args);
  const auto local = arguments.size() == 3 ? Constant(arguments[2]) : std::nullopt;
  if (!local || local->kind != ValueSource::Kind::kTrue)
    facts_.effects |= kEffectSetConfig;
  const auto* name = arguments.size() > 0 ? As<A_Const>(arguments[0], T_A_Const) : nullptr;
  if (name != nullptr && !name->isnull && name->val.node.type == T_String) {
    std::string text(View(name->val.sval.sval).substr(0, 8));
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
    if (text == "pgreeve.")
      Find(kFindsOwnSetting, call->location, "set_config");
  }
}

}  // namespace pgreeve::sql
