#include "router/sql/scatter_tree.h"

#include <cstdlib>
#include <limits>

#include "router/sql/pg_tree.h"
#include "router/sql/scatter_check.h"
#include "router/sql/scatter_refusal.h"

extern "C" {
PgQueryProtobuf pg_query_nodes_to_protobuf(const void* nodes);
}

namespace pgreeve::sql {

namespace {

char* Duplicate(std::string_view text) {
  return pstrdup(std::string(text).c_str());
}

List* MakeName(std::string_view name) {
  return list_make1(makeString(Duplicate(name)));
}

A_Const* NewConst() {
  auto* value = static_cast<A_Const*>(palloc0(sizeof(A_Const)));
  value->type = T_A_Const;
  value->location = -1;
  return value;
}

std::string LastName(const List* names) {
  std::string found;
  for (const Node* name : Items(names)) {
    if (const auto* string = As<String>(name, T_String))
      found = string->sval;
  }
  return found;
}

std::string_view NameOfValueFunction(SQLValueFunctionOp op) {
  switch (op) {
    case SVFOP_CURRENT_DATE:
      return "current_date";
    case SVFOP_CURRENT_TIME:
    case SVFOP_CURRENT_TIME_N:
      return "current_time";
    case SVFOP_CURRENT_TIMESTAMP:
    case SVFOP_CURRENT_TIMESTAMP_N:
      return "current_timestamp";
    case SVFOP_LOCALTIME:
    case SVFOP_LOCALTIME_N:
      return "localtime";
    case SVFOP_LOCALTIMESTAMP:
    case SVFOP_LOCALTIMESTAMP_N:
      return "localtimestamp";
    default:
      return "";
  }
}

// How sure the name is: 0 none, 1 from a type or CASE, 2 from a column or function. What nests too
// deeply is refused later, whatever its name.
int FigureName(Node* value, std::string* name, int depth = 0) {
  if (value == nullptr || depth > kScatterDepthMax)
    return 0;
  const auto set = [&](std::string_view found, int strength) {
    *name = found;
    return found.empty() ? 0 : strength;
  };
  switch (value->type) {
    case T_ColumnRef:
      return set(LastName(reinterpret_cast<ColumnRef*>(value)->fields), 2);
    case T_A_Indirection: {
      auto* indirection = reinterpret_cast<A_Indirection*>(value);
      const int strength = set(LastName(indirection->indirection), 2);
      return strength > 0 ? strength : FigureName(indirection->arg, name, depth + 1);
    }
    case T_FuncCall:
      return set(LastName(reinterpret_cast<FuncCall*>(value)->funcname), 2);
    case T_A_Expr:
      return reinterpret_cast<A_Expr*>(value)->kind == AEXPR_NULLIF ? set("nullif", 2) : 0;
    case T_TypeCast: {
      auto* cast = reinterpret_cast<TypeCast*>(value);
      const int strength = FigureName(cast->arg, name, depth + 1);
      return strength > 1 ? strength : set(LastName(cast->typeName->names), 1);
    }
    case T_CollateClause:
      return FigureName(reinterpret_cast<CollateClause*>(value)->arg, name, depth + 1);
    case T_CaseExpr: {
      const int strength =
          FigureName(AsNode(reinterpret_cast<CaseExpr*>(value)->defresult), name, depth + 1);
      return strength > 1 ? strength : set("case", 1);
    }
    case T_A_ArrayExpr:
      return set("array", 2);
    case T_RowExpr:
      return set("row", 2);
    case T_CoalesceExpr:
      return set("coalesce", 2);
    case T_MinMaxExpr:
      return set(reinterpret_cast<MinMaxExpr*>(value)->op == IS_GREATEST ? "greatest" : "least", 2);
    case T_SQLValueFunction:
      return set(NameOfValueFunction(reinterpret_cast<SQLValueFunction*>(value)->op), 2);
    default:
      return 0;
  }
}

bool HasInnerCollate(Node* node) {
  bool found = false;
  ForEachChild(node, [&](Node*& child) {
    found = child->type == T_CollateClause || HasInnerCollate(child);
    return !found;
  });
  return found;
}

}  // namespace

absl::Status CheckCollate(Node* value) {
  auto* collate = Edit<CollateClause>(value, T_CollateClause);
  if (HasInnerCollate(collate == nullptr ? value : collate->arg))
    return ScatterRefused(ScatterRefusal::kCollation);
  return absl::OkStatus();
}

Node* WithCollateOf(Node* original, Node* column) {
  if (original->type != T_CollateClause)
    return column;
  auto* collate = Copy(reinterpret_cast<CollateClause*>(original));
  collate->arg = column;
  return AsNode(collate);
}

Node* MakeColumn(std::string_view name) {
  auto* column = static_cast<ColumnRef*>(palloc0(sizeof(ColumnRef)));
  column->type = T_ColumnRef;
  column->fields = MakeName(name);
  column->location = -1;
  return AsNode(column);
}

Node* MakeText(std::string_view value) {
  A_Const* text = NewConst();
  text->val.sval.type = T_String;
  text->val.sval.sval = Duplicate(value);
  return AsNode(text);
}

// As the grammar does: what exceeds an int is a Float's text.
Node* MakeInteger(int64_t value) {
  A_Const* number = NewConst();
  if (value <= std::numeric_limits<int32_t>::max()) {
    number->val.ival.type = T_Integer;
    number->val.ival.ival = static_cast<int>(value);
  } else {
    number->val.fval.type = T_Float;
    number->val.fval.fval = Duplicate(std::to_string(value));
  }
  return AsNode(number);
}

Node* MakeCall(std::string_view function, Node* argument) {
  return AsNode(makeFuncCall(MakeName(function), list_make1(argument), COERCE_EXPLICIT_CALL, -1));
}

Node* MakeTable(std::string_view name) {
  auto* table = static_cast<RangeVar*>(palloc0(sizeof(RangeVar)));
  table->type = T_RangeVar;
  table->relname = Duplicate(name);
  table->inh = true;
  table->relpersistence = 'p';
  table->location = -1;
  return AsNode(table);
}

Node* MakeCast(Node* argument, TypeName* type) {
  auto* cast = static_cast<TypeCast*>(palloc0(sizeof(TypeCast)));
  cast->type = T_TypeCast;
  cast->arg = argument;
  cast->typeName = type;
  cast->location = -1;
  return AsNode(cast);
}

Node* MakeOperation(std::string_view operation, Node* left, Node* right) {
  return AsNode(makeSimpleA_Expr(AEXPR_OP, Duplicate(operation), left, right, -1));
}

TypeName* MakeType(std::string_view name) {
  TypeName* type = SystemTypeName(Duplicate("int8"));
  type->names = MakeName(name);
  return type;
}

TypeName* MakeSystemType(std::string_view name) {
  return SystemTypeName(Duplicate(name));
}

ResTarget* MakeTarget(Node* value, std::string_view name) {
  auto* target = static_cast<ResTarget*>(palloc0(sizeof(ResTarget)));
  target->type = T_ResTarget;
  target->name = name.empty() ? nullptr : Duplicate(name);
  target->val = value;
  target->location = -1;
  return target;
}

std::string FigureColumnName(Node* value) {
  std::string name;
  return FigureName(value, &name) > 0 ? name : "?column?";
}

bool IsStar(const Node* value) {
  const auto* column = As<ColumnRef>(value, T_ColumnRef);
  const std::size_t size = column == nullptr ? 0 : Count(column->fields);
  return size > 0 && Items(column->fields)[size - 1]->type == T_A_Star;
}

bool DeparseProven(const std::vector<SelectStmt*>& selects, std::vector<std::string>* texts) {
  std::vector<PgQueryProtobuf> messages;
  for (SelectStmt* select : selects) {
    auto* raw = static_cast<RawStmt*>(palloc0(sizeof(RawStmt)));
    raw->type = T_RawStmt;
    raw->stmt = AsNode(select);
    messages.push_back(pg_query_nodes_to_protobuf(list_make1(raw)));
  }
  bool proven = true;
  for (std::size_t i = 0; i < selects.size(); ++i) {
    const PgQueryDeparseResult deparsed = pg_query_deparse_protobuf(messages[i]);
    std::free(messages[i].data);
    texts->emplace_back(deparsed.query == nullptr ? "" : deparsed.query);
    proven = proven && deparsed.error == nullptr;
    pg_query_free_deparse_result(deparsed);
    if (!proven)
      continue;
    const RawTree again(texts->back());
    proven = again.ok() && Items<RawStmt>(again.statements()).size() == 1 &&
             equal(Items<RawStmt>(again.statements())[0]->stmt, selects[i]);
  }
  return proven;
}

}  // namespace pgreeve::sql
