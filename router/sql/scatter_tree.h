// Tools for reading and editing raw trees of the cross-shard planner. For .cc files named scatter_*
// of this layer, as their LAST include (see pg_headers.h). New nodes live in the memory of the
// newest RawTree of the thread: edit before another RawTree is made or anything is deparsed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "router/sql/pg_headers.h"
// Of nodes/makefuncs.h and parser/gramparse.h, which pull in too much.
extern "C" {
FuncCall* makeFuncCall(List* name, List* args, CoercionForm funcformat, int location);
A_Expr* makeSimpleA_Expr(A_Expr_Kind kind, char* name, Node* lexpr, Node* rexpr, int location);
TypeName* SystemTypeName(char* name);
}

namespace pgreeve::sql {

// Names of the combine step; a statement that uses the prefix is refused.
inline constexpr std::string_view kReservedPrefix = "pgreeve_";

template <class T>
T* Edit(Node* node, NodeTag tag) {
  if (node == nullptr || node->type != tag)
    return nullptr;
  return reinterpret_cast<T*>(node);
}

template <class T>
Node* AsNode(T* node) {
  return reinterpret_cast<Node*>(node);
}

// The cell of a list as a place that can be overwritten.
inline Node*& Cell(List* list, std::size_t i) {
  return reinterpret_cast<Node*&>(list->elements[i].ptr_value);
}

inline std::size_t Count(const List* list) {
  return list == nullptr ? 0 : static_cast<std::size_t>(list->length);
}

template <class T>
T* Copy(const T* node) {
  return static_cast<T*>(copyObjectImpl(node));
}

inline std::string_view NameAt(const List* names, std::size_t i) {
  return static_cast<const String*>(names->elements[i].ptr_value)->sval;
}

// Calls `f(Node*& child)` for each child expression that is there. False when the kind of node is
// none of those the cross-shard planner knows; `f` returns false to stop (then true comes back).
template <class F>
bool ForEachChild(Node* node, F&& f);

// Constructors.
Node* MakeColumn(std::string_view name);
Node* MakeText(std::string_view value);
Node* MakeInteger(int64_t value);
Node* MakeCall(std::string_view function, Node* argument);  // pg_catalog is not written
Node* MakeCast(Node* argument, TypeName* type);
Node* MakeOperation(std::string_view operation, Node* left, Node* right);
TypeName* MakeType(std::string_view name);
TypeName* MakeSystemType(std::string_view name);  // pg_catalog.name
ResTarget* MakeTarget(Node* value, std::string_view name);

Node* MakeTable(std::string_view name);

// COLLATE may stand around a whole value, where the combine step repeats it, or not at all: what
// is inside gives the value a collation that cannot be seen. Errors: 0A000.
absl::Status CheckCollate(Node* value);
// `column`, under the collation that stands around `original`.
Node* WithCollateOf(Node* original, Node* column);

// The name Postgres gives an output column without alias ("?column?" when it finds none).
// Source: FigureColname, parser/parse_target.c.
std::string FigureColumnName(Node* value);

// True for a ColumnRef that ends in *.
bool IsStar(const Node* value);

// Writes each SELECT as SQL and proves it: the text is parsed again and compared with the tree.
// False when they differ. Afterwards no node may be made in the outer tree any more.
bool DeparseProven(const std::vector<SelectStmt*>& selects, std::vector<std::string>* texts);

// ---- template definition

template <class F>
bool VisitList(List* list, F&& f) {
  for (std::size_t i = 0; i < Count(list); ++i) {
    if (!f(Cell(list, i)))
      return false;
  }
  return true;
}

template <class F>
bool ForEachChild(Node* node, F&& f) {
  const auto slot = [&](auto*& child) {
    return child == nullptr || f(reinterpret_cast<Node*&>(child));
  };
  const auto list = [&](List* children) { return VisitList(children, f); };
  switch (node->type) {
    case T_A_Const:
    case T_ColumnRef:
    case T_ParamRef:
    case T_SQLValueFunction:
    case T_String:
    case T_A_Star:
      return true;
    case T_List:
      list(reinterpret_cast<List*>(node));
      return true;
    case T_A_Expr: {
      auto* expr = reinterpret_cast<A_Expr*>(node);
      slot(expr->lexpr) && slot(expr->rexpr);
      return true;
    }
    case T_BoolExpr:
      list(reinterpret_cast<BoolExpr*>(node)->args);
      return true;
    case T_FuncCall: {
      auto* call = reinterpret_cast<FuncCall*>(node);
      list(call->args) && list(call->agg_order) && slot(call->agg_filter);
      return true;
    }
    case T_TypeCast:
      slot(reinterpret_cast<TypeCast*>(node)->arg);
      return true;
    case T_CollateClause:
      slot(reinterpret_cast<CollateClause*>(node)->arg);
      return true;
    case T_CaseExpr: {
      auto* expr = reinterpret_cast<CaseExpr*>(node);
      slot(expr->arg) && list(expr->args) && slot(expr->defresult);
      return true;
    }
    case T_CaseWhen: {
      auto* when = reinterpret_cast<CaseWhen*>(node);
      slot(when->expr) && slot(when->result);
      return true;
    }
    case T_CoalesceExpr:
      list(reinterpret_cast<CoalesceExpr*>(node)->args);
      return true;
    case T_MinMaxExpr:
      list(reinterpret_cast<MinMaxExpr*>(node)->args);
      return true;
    case T_NullTest:
      slot(reinterpret_cast<NullTest*>(node)->arg);
      return true;
    case T_BooleanTest:
      slot(reinterpret_cast<BooleanTest*>(node)->arg);
      return true;
    case T_A_ArrayExpr:
      list(reinterpret_cast<A_ArrayExpr*>(node)->elements);
      return true;
    case T_RowExpr:
      list(reinterpret_cast<RowExpr*>(node)->args);
      return true;
    case T_A_Indirection: {
      auto* indirection = reinterpret_cast<A_Indirection*>(node);
      slot(indirection->arg) && list(indirection->indirection);
      return true;
    }
    case T_A_Indices: {
      auto* indices = reinterpret_cast<A_Indices*>(node);
      slot(indices->lidx) && slot(indices->uidx);
      return true;
    }
    case T_SortBy:
      slot(reinterpret_cast<SortBy*>(node)->node);
      return true;
    case T_ResTarget:
      slot(reinterpret_cast<ResTarget*>(node)->val);
      return true;
    default:
      return false;
  }
}

}  // namespace pgreeve::sql
