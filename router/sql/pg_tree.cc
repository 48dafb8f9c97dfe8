#include "router/sql/pg_tree.h"

#include <cstdlib>

#include "router/sql/pg_headers.h"

namespace pgreeve::sql {
namespace {

// Sizes of the structs that are read, as libpg_query 15-4.0.0 lays them out on 64 bits.
static_assert(sizeof(SelectStmt) == 160);
static_assert(sizeof(A_Const) == 32);
static_assert(sizeof(A_Expr) == 40);
static_assert(sizeof(ColumnRef) == 24);
static_assert(sizeof(FuncCall) == 64);
static_assert(sizeof(RangeVar) == 56);
static_assert(sizeof(JoinExpr) == 72);
static_assert(sizeof(InsertStmt) == 64);
static_assert(sizeof(ResTarget) == 40);
static_assert(sizeof(TypeName) == 56);
static_assert(sizeof(RawStmt) == 24);

template <class T>
const T* First(const RawTree& tree, NodeTag tag) {
  if (!tree.ok() || Items<RawStmt>(tree.statements()).size() != 1)
    return nullptr;
  return As<T>(Items<RawStmt>(tree.statements())[0]->stmt, tag);
}

bool LimitIs(std::string_view sql, int option, bool has_count) {
  const RawTree tree(sql);
  const auto* select = First<SelectStmt>(tree, T_SelectStmt);
  return select != nullptr && static_cast<int>(select->limitOption) == option &&
         (select->limitCount != nullptr) == has_count;
}

bool HasTag(std::string_view sql, NodeTag tag) {
  const RawTree tree(sql);
  return First<Node>(tree, tag) != nullptr;
}

// One statement whose every part is compared with what the text says.
bool SelectReadsRight() {
  const RawTree tree("SELECT a.b, f(7) FROM s.t AS x LEFT JOIN y USING (k) WHERE c = $3");
  const auto* select = First<SelectStmt>(tree, T_SelectStmt);
  if (select == nullptr || Items(select->targetList).size() != 2 ||
      Items(select->fromClause).size() != 1 || select->larg != nullptr)
    return false;
  const auto* target = As<ResTarget>(Items(select->targetList)[1], T_ResTarget);
  const auto* call = target == nullptr ? nullptr : As<FuncCall>(target->val, T_FuncCall);
  if (call == nullptr || Items(call->args).size() != 1)
    return false;
  const auto* seven = As<A_Const>(Items(call->args)[0], T_A_Const);
  if (seven == nullptr || seven->isnull || seven->val.node.type != T_Integer ||
      seven->val.ival.ival != 7 || seven->location != 14)
    return false;
  const auto* join = As<JoinExpr>(Items(select->fromClause)[0], T_JoinExpr);
  if (join == nullptr || join->jointype != JOIN_LEFT || Items(join->usingClause).size() != 1)
    return false;
  const auto* left = As<RangeVar>(join->larg, T_RangeVar);
  if (left == nullptr || std::string_view(left->schemaname) != "s" ||
      std::string_view(left->relname) != "t" || left->alias == nullptr ||
      std::string_view(left->alias->aliasname) != "x")
    return false;
  const auto* where = As<A_Expr>(select->whereClause, T_A_Expr);
  if (where == nullptr || where->kind != AEXPR_OP)
    return false;
  const auto* param = As<ParamRef>(where->rexpr, T_ParamRef);
  return param != nullptr && param->number == 3;
}

bool UtilityReadsRight() {
  const RawTree set("SET LOCAL a.b TO 'c'");
  const auto* variable = First<VariableSetStmt>(set, T_VariableSetStmt);
  if (variable == nullptr || !variable->is_local || variable->kind != VAR_SET_VALUE ||
      std::string_view(variable->name) != "a.b")
    return false;
  const RawTree copy("COPY t (a) FROM STDIN");
  const auto* from = First<CopyStmt>(copy, T_CopyStmt);
  if (from == nullptr || !from->is_from || from->is_program || from->filename != nullptr ||
      Items(from->attlist).size() != 1)
    return false;
  const RawTree savepoint("ROLLBACK TO SAVEPOINT p");
  const auto* transaction = First<TransactionStmt>(savepoint, T_TransactionStmt);
  return transaction != nullptr && transaction->kind == TRANS_STMT_ROLLBACK_TO &&
         std::string_view(transaction->savepoint_name) == "p";
}

}  // namespace

RawTree::RawTree(std::string_view sql) : text_(sql), context_(pg_query_enter_memory_context()) {
  if (text_.find('\0') != std::string::npos) {
    error_.sqlstate = "22021";
    error_.message = "invalid byte sequence: zero byte in the statement";
    return;
  }
  const PgQueryInternalParsetreeAndError parsed = pg_query_raw_parse(text_.c_str());
  std::free(parsed.stderr_buffer);
  if (parsed.error != nullptr) {
    error_.sqlstate = "42601";
    error_.message = parsed.error->message;
    error_.position = parsed.error->cursorpos;
    pg_query_free_error(parsed.error);
    return;
  }
  statements_ = parsed.tree;
  ok_ = true;
}

RawTree::~RawTree() {
  pg_query_exit_memory_context(context_);
}

absl::Status SelfTest() {
  const bool limits =
      LimitIs("SELECT 1 LIMIT 5", kLimitCount, true) &&
      LimitIs("SELECT 1 ORDER BY 1 FETCH FIRST 5 ROWS WITH TIES", kLimitWithTies, true) &&
      LimitIs("SELECT 1 LIMIT ALL", kLimitCount, true);
  const bool tags =
      HasTag("INSERT INTO t VALUES (1)", T_InsertStmt) &&
      HasTag("UPDATE t SET a=1", T_UpdateStmt) && HasTag("DELETE FROM t", T_DeleteStmt) &&
      HasTag("EXPLAIN SELECT 1", T_ExplainStmt) && HasTag("PREPARE p AS SELECT 1", T_PrepareStmt) &&
      HasTag("EXECUTE p", T_ExecuteStmt) && HasTag("DEALLOCATE p", T_DeallocateStmt) &&
      HasTag("DISCARD ALL", T_DiscardStmt) && HasTag("LISTEN c", T_ListenStmt) &&
      HasTag("NOTIFY c", T_NotifyStmt) && HasTag("UNLISTEN c", T_UnlistenStmt) &&
      HasTag("SHOW a", T_VariableShowStmt) && HasTag("TRUNCATE t", T_TruncateStmt) &&
      HasTag("DO 'x'", T_DoStmt) && HasTag("CALL f()", T_CallStmt) &&
      HasTag("LOCK t", T_LockStmt) && HasTag("CREATE TABLE t (a int)", T_CreateStmt) &&
      HasTag("ALTER ROLE r SET a=1", T_AlterRoleSetStmt) &&
      HasTag("GRANT a TO b", T_GrantRoleStmt) && HasTag("CLOSE c", T_ClosePortalStmt) &&
      HasTag("FETCH c", T_FetchStmt) &&
      HasTag("MERGE INTO t USING s ON a=b WHEN MATCHED THEN DELETE", T_MergeStmt);
  if (limits && tags && SelectReadsRight() && UtilityReadsRight())
    return absl::OkStatus();
  return SqlStatus("XX000",
                   "the SQL parser library does not match the headers this program was built with",
                   "libpg_query's node layout differs from PostgreSQL 15's",
                   "Rebuild on a machine with the same libpg_query package.");
}

}  // namespace pgreeve::sql
