#include "router/sql/utility_reader.h"

#include "router/sql/function_class.h"
#include "router/sql/pg_headers.h"
#include "router/sql/token_scanner.h"

namespace pgreeve::sql {
namespace {

std::string Text(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

int LocationOf(const Node* node) {
  if (const auto* constant = As<A_Const>(node, T_A_Const))
    return constant->location;
  if (const auto* cast = As<TypeCast>(node, T_TypeCast)) {
    // '…'::interval as a constant: the type's name comes first in the text.
    const int inner = LocationOf(cast->arg);
    return cast->location >= 0 && (inner < 0 || cast->location < inner) ? cast->location : inner;
  }
  return -1;
}

// An identifier as SQL would have to write it.
std::string Quote(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"')
      quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string_view UtilityReader::End(uint32_t from) const {
  const uint32_t end = facts_.begin + facts_.length;
  return from < end ? text_.sql.substr(from, end - from) : std::string_view();
}

void UtilityReader::Read(const Node* node) {
  switch (node->type) {
    case T_SelectStmt:
      if (!LocalFunction(As<SelectStmt>(node, T_SelectStmt)))
        Query(node, StatementKind::kSelect);
      return;
    case T_InsertStmt:
      return Query(node, StatementKind::kInsert);
    case T_UpdateStmt:
      return Query(node, StatementKind::kUpdate);
    case T_DeleteStmt:
      return Query(node, StatementKind::kDelete);
    case T_MergeStmt:
      return Query(node, StatementKind::kMerge);
    case T_CopyStmt:
      return Copy(As<CopyStmt>(node, T_CopyStmt));
    case T_ExplainStmt:
      return Explain(As<ExplainStmt>(node, T_ExplainStmt));
    case T_TransactionStmt:
      return Transaction(As<TransactionStmt>(node, T_TransactionStmt));
    case T_VariableSetStmt:
      return Set(As<VariableSetStmt>(node, T_VariableSetStmt));
    default:
      if (!SessionStatement(node) && !PortalStatement(node))
        Schema(node);
  }
}

void UtilityReader::Query(const Node* node, StatementKind kind) {
  facts_.kind = kind;
  QueryWalker walker(text_, facts_);
  walker.Statement(node);
  walker.Finish();
  if ((facts_.findings & (kFindsTooDeep | kFindsRelationsMax)) != 0)
    facts_.effects |= kEffectOpaque;  // what was not seen may do anything to the session
}

// SELECT pgreeve.f(constants) and SELECT * FROM pgreeve.f(constants), and nothing else in it.
bool UtilityReader::LocalFunction(const SelectStmt* select) {
  if (select->op != SETOP_NONE || select->valuesLists != nullptr || select->whereClause ||
      select->groupClause || select->havingClause || select->sortClause || select->limitCount ||
      select->limitOffset || select->withClause || select->intoClause || select->distinctClause ||
      select->lockingClause || Items(select->targetList).size() != 1)
    return false;
  const Node* value = Items<ResTarget>(select->targetList)[0]->val;
  const Node* function = value;
  if (select->fromClause != nullptr) {
    const auto* star = As<ColumnRef>(value, T_ColumnRef);
    const auto* from = As<RangeFunction>(Items(select->fromClause)[0], T_RangeFunction);
    if (star == nullptr || Items(star->fields).size() != 1 ||
        Items(star->fields)[0]->type != T_A_Star || from == nullptr ||
        Items(select->fromClause).size() != 1 || Items(from->functions).size() != 1 ||
        from->ordinality || from->coldeflist != nullptr)
      return false;
    function = Items(Items<List>(from->functions)[0])[0];
    facts_.columns_star = true;
  }
  const auto* call = As<FuncCall>(function, T_FuncCall);
  if (call == nullptr || Items(call->funcname).size() != 2 || call->agg_filter || call->over)
    return false;
  const std::string_view name = StringOf(Items(call->funcname)[1]);
  if ((FunctionTraits(StringOf(Items(call->funcname)[0]), name) & kTraitLocal) == 0)
    return false;
  const QueryWalker constants(text_, facts_);
  for (const Node* argument : Items(call->args)) {
    ValueSource source;
    source.location = call->location;
    facts_.arguments.push_back(constants.Constant(argument).value_or(source));
  }
  facts_.kind = StatementKind::kLocalFunction;
  facts_.name = name;
  return true;
}

void UtilityReader::Transaction(const TransactionStmt* statement) {
  facts_.name = Text(statement->savepoint_name);
  switch (statement->kind) {
    case TRANS_STMT_BEGIN:
    case TRANS_STMT_START:
      facts_.kind = StatementKind::kBegin;
      return;
    case TRANS_STMT_COMMIT:
      facts_.chains = statement->chain;
      facts_.kind = StatementKind::kCommit;
      return;
    case TRANS_STMT_ROLLBACK:
      facts_.chains = statement->chain;
      facts_.kind = StatementKind::kRollback;
      return;
    case TRANS_STMT_SAVEPOINT:
      facts_.kind = StatementKind::kSavepoint;
      return;
    case TRANS_STMT_RELEASE:
      facts_.kind = StatementKind::kRelease;
      return;
    case TRANS_STMT_ROLLBACK_TO:
      facts_.kind = StatementKind::kRollbackTo;
      return;
    case TRANS_STMT_PREPARE:
    case TRANS_STMT_COMMIT_PREPARED:
    case TRANS_STMT_ROLLBACK_PREPARED:
      facts_.kind = StatementKind::kTwoPhase;
      return;
  }
}

void UtilityReader::Set(const VariableSetStmt* statement) {
  facts_.name = Text(statement->name);
  facts_.is_local = statement->is_local;
  switch (statement->kind) {
    case VAR_RESET:
    case VAR_RESET_ALL:
      facts_.kind = StatementKind::kReset;
      return;
    case VAR_SET_DEFAULT:
      facts_.kind = statement->is_local ? StatementKind::kSetLocal : StatementKind::kReset;
      return;
    case VAR_SET_MULTI:
      return SetMany(statement);
    case VAR_SET_VALUE:
    case VAR_SET_CURRENT:
      break;
  }
  facts_.kind = statement->is_local ? StatementKind::kSetLocal : StatementKind::kSet;
  const Items<> arguments(statement->args);
  const int location = arguments.size() == 0 ? -1 : LocationOf(arguments[0]);
  if (location < 0)
    return;
  facts_.value = End(static_cast<uint32_t>(location));
  if (!facts_.name.starts_with("pgreeve."))
    return;
  // The router itself reads these: the value, not its SQL.
  facts_.value.clear();
  for (const Node* argument : arguments) {
    const auto* constant = As<A_Const>(argument, T_A_Const);
    if (constant == nullptr || constant->isnull)
      continue;
    if (!facts_.value.empty())
      facts_.value += ", ";
    if (constant->val.node.type == T_String)
      facts_.value += Text(constant->val.sval.sval);
    else if (constant->val.node.type == T_Integer)
      facts_.value += std::to_string(constant->val.ival.ival);
    else if (constant->val.node.type == T_Float)
      facts_.value += Text(constant->val.fval.fval);
  }
}

// SET TRANSACTION …, SET SESSION CHARACTERISTICS AS TRANSACTION …
void UtilityReader::SetMany(const VariableSetStmt* statement) {
  if (facts_.name != "SESSION CHARACTERISTICS") {
    facts_.kind = StatementKind::kSetTransaction;
    return;
  }
  facts_.kind = StatementKind::kSet;
  const Items<DefElem> options(statement->args);
  const std::string option = options.size() == 1 ? Text(options[0]->defname) : std::string();
  if (option == "transaction_isolation" || option == "transaction_read_only" ||
      option == "transaction_deferrable") {
    facts_.name = "default_" + option;
    const auto* constant = As<A_Const>(options[0]->arg, T_A_Const);
    if (constant != nullptr && constant->val.node.type == T_String)
      facts_.value = "'" + Text(constant->val.sval.sval) + "'";
    else if (constant != nullptr && constant->val.node.type == T_Integer)
      facts_.value = constant->val.ival.ival != 0 ? "on" : "off";
    return;
  }
  facts_.name = "session characteristics";
  TokenScanner scanner(text_.sql, facts_.begin);
  for (int words = 0; words < 5; ++words)  // SET SESSION CHARACTERISTICS AS TRANSACTION
    scanner.Next();
  facts_.value = End(scanner.Peek());
}

void UtilityReader::Copy(const CopyStmt* statement) {
  if (statement->is_program || statement->filename != nullptr) {
    facts_.kind = statement->is_from ? StatementKind::kCopyFrom : StatementKind::kCopyTo;
    facts_.findings |= kFindsFileCopy;
    return;
  }
  if (statement->query != nullptr) {
    Query(statement->query, StatementKind::kCopyTo);
    facts_.kind = StatementKind::kCopyTo;
    return;
  }
  facts_.kind = statement->is_from ? StatementKind::kCopyFrom : StatementKind::kCopyTo;
  QueryWalker walker(text_, facts_);
  walker.Relation(statement->relation, statement->is_from);
  walker.FreeExpression(statement->whereClause);
  walker.Finish();
  if (!statement->is_from)
    CopyAsQuery(statement);
}

// Row security makes COPY of a partitioned table fail, and of some tables silently empty.
void UtilityReader::CopyAsQuery(const CopyStmt* statement) {
  TokenScanner scanner(text_.sql, facts_.begin);
  scanner.Accept("copy");
  const bool binary = scanner.Accept("binary");
  scanner.SkipQualifiedName();
  scanner.SkipParentheses();
  if (!scanner.Accept("to") || !scanner.Accept("stdout"))
    return;
  std::string columns;
  for (const Node* name : Items(statement->attlist))
    columns += (columns.empty() ? "" : ", ") + Quote(StringOf(name));
  std::string table = Quote(Text(statement->relation->relname));
  if (statement->relation->schemaname != nullptr)
    table = Quote(statement->relation->schemaname) + "." + table;
  facts_.rewritten = "COPY (SELECT " + (columns.empty() ? "*" : columns) + " FROM " + table +
                     ") TO STDOUT" + (binary ? " BINARY" : "");
  const std::string_view rest = End(scanner.Peek());
  if (!rest.empty())
    facts_.rewritten += " " + std::string(rest);
}

void UtilityReader::Explain(const ExplainStmt* statement) {
  bool route = false;
  bool analyze = false;
  std::string format = "text";
  for (const DefElem* option : Items<DefElem>(statement->options)) {
    const std::string name = Text(option->defname);
    route = route || name == "route";
    analyze = analyze || name == "analyze";
    if (name == "format")
      format = std::string(StringOf(option->arg));
  }
  if (!route) {
    Read(statement->query);
    // Names of prepared statements on a backend are the router's, and their texts other clients'.
    if (facts_.kind == StatementKind::kExecute) {
      facts_.findings |= kFindsReservedCall;
      facts_.finding_name = "EXPLAIN EXECUTE";
    }
    // The inner kind is of no interest any more; its findings and relations are.
    facts_.kind = StatementKind::kExplain;
    facts_.writes = facts_.writes && analyze;
    return;
  }
  facts_.kind = StatementKind::kExplainRoute;
  facts_.explain_format = format == "json" ? "json" : "text";
  TokenScanner scanner(text_.sql, facts_.begin);
  scanner.Accept("explain");
  scanner.SkipParentheses();
  StatementFacts inner;
  inner.begin = scanner.Peek();
  inner.length = facts_.begin + facts_.length - inner.begin;
  UtilityReader reader(text_, inner);
  reader.Read(statement->query);
  facts_.inner.push_back(std::move(inner));
}

void UtilityReader::Prepare(const PrepareStmt* statement) {
  Read(statement->query);
  facts_.kind = StatementKind::kPrepare;
  facts_.name = Text(statement->name);
  TokenScanner scanner(text_.sql, facts_.begin);
  scanner.Next();
  scanner.Next();
  facts_.argument_begin = scanner.Peek();
  facts_.argument_length = static_cast<uint32_t>(End(facts_.argument_begin).size());
  scanner.SkipParentheses();
  if (scanner.Accept("as"))
    facts_.value = End(scanner.Peek());
}

void UtilityReader::Execute(const Node* node) {
  const auto* execute = As<ExecuteStmt>(node, T_ExecuteStmt);
  facts_.kind = StatementKind::kExecute;
  facts_.name = Text(execute->name);
  TokenScanner scanner(text_.sql, facts_.begin);
  scanner.Next();
  scanner.Next();
  facts_.argument_begin = scanner.Peek();
  facts_.argument_length = static_cast<uint32_t>(End(facts_.argument_begin).size());
  QueryWalker walker(text_, facts_);
  for (const Node* parameter : Items(execute->params)) {
    walker.FreeExpression(parameter);
    facts_.arguments.push_back(walker.Constant(parameter).value_or(ValueSource()));
  }
  walker.Finish();
}

bool UtilityReader::SessionStatement(const Node* node) {
  switch (node->type) {
    case T_VariableShowStmt:
      facts_.kind = StatementKind::kShow;
      facts_.name = Text(As<VariableShowStmt>(node, T_VariableShowStmt)->name);
      return true;
    case T_DiscardStmt: {
      facts_.kind = StatementKind::kDiscard;
      const DiscardMode target = As<DiscardStmt>(node, T_DiscardStmt)->target;
      facts_.name = target == DISCARD_ALL     ? "ALL"
                    : target == DISCARD_PLANS ? "PLANS"
                    : target == DISCARD_TEMP  ? "TEMP"
                                              : "SEQUENCES";
      return true;
    }
    case T_ListenStmt:
      facts_.kind = StatementKind::kListen;
      facts_.name = Text(As<ListenStmt>(node, T_ListenStmt)->conditionname);
      facts_.effects |= kEffectListen;
      return true;
    case T_UnlistenStmt:
      facts_.kind = StatementKind::kUnlisten;
      facts_.name = Text(As<UnlistenStmt>(node, T_UnlistenStmt)->conditionname);
      return true;
    case T_NotifyStmt:
      facts_.kind = StatementKind::kNotify;
      facts_.name = Text(As<NotifyStmt>(node, T_NotifyStmt)->conditionname);
      return true;
    case T_ConstraintsSetStmt:
      facts_.kind = StatementKind::kSetLocal;
      facts_.name = "constraints";
      return true;
    case T_LoadStmt:
    case T_DoStmt:
      facts_.kind = StatementKind::kBlock;
      facts_.effects |= kEffectOpaque;
      facts_.writes = true;
      return true;
    case T_CallStmt: {
      QueryWalker walker(text_, facts_);
      const FuncCall* call = As<CallStmt>(node, T_CallStmt)->funccall;
      for (const Node* argument : Items(call->args))
        walker.FreeExpression(argument);
      walker.Finish();
      facts_.kind = StatementKind::kBlock;
      facts_.effects |= kEffectOpaque;
      facts_.writes = true;
      return true;
    }
    default:
      return false;
  }
}

bool UtilityReader::PortalStatement(const Node* node) {
  switch (node->type) {
    case T_PrepareStmt:
      Prepare(As<PrepareStmt>(node, T_PrepareStmt));
      return true;
    case T_ExecuteStmt:
      Execute(node);
      return true;
    case T_DeallocateStmt:
      facts_.kind = StatementKind::kDeallocate;
      facts_.name = Text(As<DeallocateStmt>(node, T_DeallocateStmt)->name);
      return true;
    case T_DeclareCursorStmt: {
      const auto* declare = As<DeclareCursorStmt>(node, T_DeclareCursorStmt);
      Query(declare->query, StatementKind::kDeclareCursor);
      facts_.kind = StatementKind::kDeclareCursor;
      facts_.name = Text(declare->portalname);
      if ((declare->options & CURSOR_OPT_HOLD) != 0)
        facts_.effects |= kEffectHoldCursor;
      return true;
    }
    case T_FetchStmt:
      facts_.kind = StatementKind::kFetch;
      facts_.name = Text(As<FetchStmt>(node, T_FetchStmt)->portalname);
      return true;
    case T_ClosePortalStmt:
      facts_.kind = StatementKind::kCloseCursor;
      facts_.name = Text(As<ClosePortalStmt>(node, T_ClosePortalStmt)->portalname);
      return true;
    default:
      return false;
  }
}

void UtilityReader::Tables(const List* relations, bool written) {
  QueryWalker walker(text_, facts_);
  for (const Node* relation : Items(relations)) {
    if (const auto* var = As<RangeVar>(relation, T_RangeVar))
      walker.Relation(var, written);
  }
  walker.Finish();
}

void UtilityReader::Schema(const Node* node) {
  facts_.writes = true;
  const RangeVar* relation = nullptr;
  switch (node->type) {
    case T_TruncateStmt:
      facts_.kind = StatementKind::kTruncate;
      return Tables(As<TruncateStmt>(node, T_TruncateStmt)->relations, true);
    case T_LockStmt:
      facts_.kind = StatementKind::kLock;
      return Tables(As<LockStmt>(node, T_LockStmt)->relations, false);
    case T_CreateRoleStmt:
    case T_AlterRoleStmt:
    case T_AlterRoleSetStmt:
    case T_DropRoleStmt:
    case T_GrantRoleStmt:
    case T_DropOwnedStmt:
    case T_ReassignOwnedStmt:
      facts_.kind = StatementKind::kRole;
      return;
    case T_VacuumStmt:
      facts_.kind = StatementKind::kMaintenance;
      facts_.concurrently = As<VacuumStmt>(node, T_VacuumStmt)->is_vacuumcmd;
      return;
    case T_ClusterStmt:
    case T_ReindexStmt:
    case T_CheckPointStmt:
      facts_.kind = StatementKind::kMaintenance;
      facts_.concurrently = true;
      return;
    case T_CreatedbStmt:
    case T_DropdbStmt:
    case T_AlterDatabaseStmt:
    case T_AlterDatabaseSetStmt:
    case T_AlterDatabaseRefreshCollStmt:
    case T_CreateTableSpaceStmt:
    case T_DropTableSpaceStmt:
    case T_AlterTableSpaceOptionsStmt:
    case T_AlterTableMoveAllStmt:
    case T_AlterSystemStmt:
    case T_CreateSubscriptionStmt:
    case T_AlterSubscriptionStmt:
    case T_DropSubscriptionStmt:
      facts_.kind = StatementKind::kOther;
      return;
    case T_CreateTableAsStmt: {
      const auto* create = As<CreateTableAsStmt>(node, T_CreateTableAsStmt);
      relation = create->into == nullptr ? nullptr : create->into->rel;
      if (create->query->type == T_SelectStmt)
        Query(create->query, StatementKind::kDdl);
      break;
    }
    case T_CreateStmt:
      relation = As<CreateStmt>(node, T_CreateStmt)->relation;
      break;
    case T_ViewStmt:
      relation = As<ViewStmt>(node, T_ViewStmt)->view;
      break;
    case T_CreateSeqStmt:
      relation = As<CreateSeqStmt>(node, T_CreateSeqStmt)->sequence;
      break;
    case T_IndexStmt:
      facts_.concurrently = As<IndexStmt>(node, T_IndexStmt)->concurrent;
      break;
    case T_DropStmt:
      facts_.concurrently = As<DropStmt>(node, T_DropStmt)->concurrent;
      break;
    default:
      break;
  }
  facts_.kind = StatementKind::kDdl;
  facts_.writes = true;
  if (relation != nullptr &&
      (relation->relpersistence == 't' || Text(relation->schemaname) == "pg_temp")) {
    facts_.is_temp = true;
    facts_.effects |= kEffectTempTable;
  }
}

}  // namespace pgreeve::sql
