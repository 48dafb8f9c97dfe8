// The walk over one statement's raw tree that fills StatementFacts. Internal to this layer: it
// names PostgreSQL's nodes, which only .cc files with pg_headers.h can look into.
//   query_walker.cc      SELECT, set operations, what they return
//   from_walker.cc       FROM, joins, what names mean
//   dml_walker.cc        INSERT, UPDATE, DELETE, MERGE, WITH
//   condition_walker.cc  what an AND-ed condition says about tenant columns; all other expressions
// A walker serves one statement and lives no longer than the RawTree.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/sql/analyze.h"
#include "router/sql/binding_graph.h"
#include "router/sql/statement_facts.h"

struct Alias;
struct A_Const;
struct A_Expr;
struct ColumnRef;
struct CommonTableExpr;
struct DeleteStmt;
struct FuncCall;
struct InsertStmt;
struct JoinExpr;
struct List;
struct MergeStmt;
struct Node;
struct RangeFunction;
struct RangeSubselect;
struct RangeVar;
struct SelectStmt;
struct SubLink;
struct UpdateStmt;
struct WithClause;

namespace pgreeve::sql {

struct TextContext {
  std::string_view sql;
  const LexedText* lexed = nullptr;
  const AnalyzeOptions* options = nullptr;
};

// A column that a FROM item or a sub-select shows. node -1: its value says nothing about tenants.
struct Column {
  std::string_view name;
  int node = -1;
  bool hidden = false;  // merged by USING: only reachable with its table's name
};

// What a sub-select returns. Names are valid as long as the tree and the table set.
struct Output {
  std::vector<Column> columns;
  bool open = false;  // there are more columns than the list knows
  // A condition on a column may be applied inside: no LIMIT, no window, grouped by that column.
  bool pushable = false;
};

struct FromItem {
  std::string_view alias;   // empty: columns of a USING clause
  std::string_view schema;  // of a table without alias
  std::vector<Column> columns;
  bool open = false;
  bool invisible = false;  // behind the alias of a join
};

struct Cte {
  std::string_view name;
  Output output;
  int references = 0;
  std::vector<std::pair<int, int>> pushes;  // reference's column → column inside
  bool pushable = false;
};

// One query level: what names mean in it.
struct Level {
  Level* names = nullptr;  // where columns are looked up next
  Level* scope = nullptr;  // where WITH names are looked up next
  std::vector<FromItem> items;
  std::size_t visible_from = 0;  // an ON condition sees only the items of its join
  std::vector<std::shared_ptr<Cte>> ctes;
  std::vector<int> rejected_nulls;  // nodes that WHERE compares with something
};

// The reverse of an outer join's condition: holds when WHERE throws the null-extended rows away.
struct Conditional {
  int begin = 0;  // nodes of the nullable side
  int end = 0;
  int from = -1;
  int to = -1;  // -1: `source` binds `from` instead
  ValueSource source;
};

// How a condition's equalities may be used.
struct Condition {
  Level* level = nullptr;
  // Of an outer join: nodes of the nullable side. begin == end: both ways (WHERE, inner joins).
  int nullable_begin = 0;
  int nullable_end = 0;
  bool outer_join = false;
  bool full_join = false;  // says nothing
  bool where = false;
};

class QueryWalker {
 public:
  QueryWalker(const TextContext& context, StatementFacts& facts) : text_(context), facts_(facts) {}

  QueryWalker(const QueryWalker&) = delete;
  QueryWalker& operator=(const QueryWalker&) = delete;

  // SELECT, INSERT, UPDATE, DELETE or MERGE.
  void Statement(const Node* node);

  // A table named by a utility statement.
  void Relation(const RangeVar* var, bool written) { AddRelation(var, written); }

  // Arguments of a utility statement.
  void FreeExpression(const Node* node);

  // Writes relations' `bound` and the bindings into the facts.
  void Finish();

  // A constant, parameter or a cast of one; nothing for anything else. `node` may be null.
  std::optional<ValueSource> Constant(const Node* node) const;

 private:
  // A side of an equality.
  struct Operand {
    int node = -1;
    bool outer = false;  // belongs to an enclosing level
    std::vector<ValueSource> constants;
    bool is_constant = false;
  };

  // query_walker.cc
  Output Select(const SelectStmt* select, Level* names, Level* scope);
  Output SetOperation(const SelectStmt* select, Level& level);
  Output PlainSelect(const SelectStmt* select, Level& level);
  Output Values(const SelectStmt* select, Level& level);
  Output Targets(const List* targets, Level& level, bool make_constants);
  void Star(const ColumnRef* ref, const Level& level, Output& output) const;
  static bool Pushable(const SelectStmt* select);
  bool GroupedBy(const SelectStmt* select, const Output& output, std::size_t column, Level& level);
  void DropUngrouped(const SelectStmt* select, Output& output, Level& level);
  void Into(const SelectStmt* select);

  // from_walker.cc
  void From(const List* from, Level& level);
  void FromNode(const Node* node, Level& level);
  void Table(const RangeVar* var, Level& level);
  void CteReference(const std::shared_ptr<Cte>& cte, const RangeVar* var, Level& level);
  void SubSelect(const RangeSubselect* sub, Level& level);
  void Function(const RangeFunction* function, Level& level);
  void Join(const JoinExpr* join, Level& level);
  void MergeColumns(const std::vector<std::string_view>& names,
                    const JoinExpr* join,
                    std::size_t left,
                    std::size_t right,
                    const Condition& condition,
                    Level& level);
  void HideBehind(const Alias* alias, std::size_t from, Level& level);
  int AddRelation(const RangeVar* var, bool written);
  FromItem ItemOf(int relation, const RangeVar* var);
  void Rename(const Alias* alias, FromItem& item) const;
  int FindColumn(const ColumnRef* ref, Level* level, bool& outer);
  static const Column* Lookup(const Level& level, std::string_view column, bool& stop);
  std::shared_ptr<Cte> FindCte(const RangeVar* var, const Level& level) const;

  // dml_walker.cc
  Output Insert(const InsertStmt* insert, Level* scope);
  void InsertSource(const InsertStmt* insert, int relation, Level& level);
  int TenantPosition(const InsertStmt* insert, int relation) const;
  Output Update(const UpdateStmt* update, Level* scope);
  void Assignments(const List* targets, int relation, Level& level);
  Output Delete(const DeleteStmt* statement, Level* scope);
  void Merge(const MergeStmt* merge, Level* scope);
  void With(const WithClause* with, Level& level);
  void CteBody(const CommonTableExpr* expression, bool recursive, Level& level);
  Output RecursiveBody(const CommonTableExpr* expression,
                       const std::shared_ptr<Cte>& cte,
                       Level& level);
  Output Any(const Node* node, Level* names, Level* scope);

  // condition_walker.cc
  void Conjuncts(const Node* node, const Condition& condition);
  void Equality(const A_Expr* expression, const Condition& condition);
  void InList(const A_Expr* expression, const Condition& condition);
  void AnyArray(const A_Expr* expression, const Condition& condition);
  void InSelect(const SubLink* link, const Condition& condition, bool conjunct);
  void Link(const Operand& left, const Operand& right, const Condition& condition);
  void LinkConstant(int node, const ValueSource& source, const Condition& condition);
  void LinkNodes(const Operand& left, const Operand& right, const Condition& condition);
  void ApplyConditionals(const Level& level, std::size_t from);
  Operand Resolve(const Node* node, Level* level);
  void Expression(const Node* node, Level& level);
  void Expressions(const List* list, Level& level);
  void Call(const FuncCall* call, Level& level);
  void SetConfig(const FuncCall* call);
  void ArrayElements(const Node* node, Operand& operand) const;
  void SubLinkOf(const SubLink* link, Level& level);
  static bool ExpressionStep(Node* node, void* context);

  // Counts depth and relations; false: give up on this branch.
  bool Enter();

  void Leave() { --depth_; }

  void Find(uint32_t finding, int location = -1, std::string_view name = {});
  int NewNode(int relation);
  int OneWay(int node);
  std::optional<ValueSource> LiteralAt(int location) const;

  const TextContext& text_;
  StatementFacts& facts_;
  BindingGraph graph_;
  std::vector<int> relation_nodes_;         // by relation; -1: no tenant column
  std::vector<const TableFact*> facts_of_;  // by relation; null: not declared
  std::vector<std::shared_ptr<Cte>> all_ctes_;
  std::vector<Conditional> conditionals_;
  std::vector<int> obligations_;  // nodes of recursive terms that must turn out bound; -1: cannot
  std::vector<ValueSource> assigned_;
  std::vector<int> assigned_relations_;
  int depth_ = 0;
  // FROM items looked through for names: many columns times many tables would hold up a worker.
  static constexpr std::size_t kLookupsMax = 2'000'000;
  std::size_t lookups_ = 0;
};

}  // namespace pgreeve::sql
