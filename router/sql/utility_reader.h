// What statements other than queries do: transactions, session state, COPY, DDL. Internal to this
// layer; see query_walker.h.
#pragma once

#include "router/sql/query_walker.h"
#include "router/sql/statement_facts.h"

struct CopyStmt;
struct ExplainStmt;
struct PrepareStmt;
struct TransactionStmt;
struct VariableSetStmt;

namespace pgreeve::sql {

class UtilityReader {
 public:
  UtilityReader(const TextContext& context, StatementFacts& facts)
      : text_(context),
        facts_(facts) {}

  // `facts.begin` and `length` are set already.
  void Read(const Node* node);

 private:
  void Query(const Node* node, StatementKind kind);
  bool LocalFunction(const SelectStmt* select);
  bool SessionStatement(const Node* node);
  bool PortalStatement(const Node* node);
  void Transaction(const TransactionStmt* statement);
  void Set(const VariableSetStmt* statement);
  void SetMany(const VariableSetStmt* statement);
  void Copy(const CopyStmt* statement);
  void CopyAsQuery(const CopyStmt* statement);
  void Explain(const ExplainStmt* statement);
  void Prepare(const PrepareStmt* statement);
  void Execute(const Node* node);
  void Schema(const Node* node);
  void Tables(const List* relations, bool written);
  std::string_view End(uint32_t from) const;

  const TextContext& text_;
  StatementFacts& facts_;
};

}  // namespace pgreeve::sql
