// Declares a table that stands on every shard: looks at it on one of them, refuses what cannot be
// sharded with the SQL that mends it, protects it everywhere in one two-phase transaction, records
// it in the catalog. Worker thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "router/base/table_set.h"
#include "router/session/broadcast.h"

namespace pgreeve::session {

class TableDeclaration {
 public:
  using Done = absl::AnyInvocable<void(std::optional<SqlError>)>;

  // `fact` names schema, table, kind and, for kSharded, the tenant column.
  TableDeclaration(WorkerContext& context, TableFact fact, std::string actor);
  ~TableDeclaration();
  TableDeclaration(const TableDeclaration&) = delete;
  TableDeclaration& operator=(const TableDeclaration&) = delete;

  // Errors: 42P01, 42809, 42703, 42804 about the table; 0A000 when a key lacks the tenant column or
  // a reference table's default is volatile; PR-308; what the shards or the catalog say.
  void Start(Done done);
  void Cancel();
  void Abandon();

 private:
  void Inspect();
  void Judge();
  std::optional<SqlError> JudgeTenantColumn(const std::string& name, const ColumnFact* tenant);
  std::string ProtectSql() const;
  void Protect(int64_t sequence);
  void Record();
  void Finish(std::optional<SqlError> error);

  WorkerContext& ctx_;
  TableFact fact_;
  std::string actor_;
  Done done_;
  BackendCall call_;
  std::unique_ptr<Broadcast> broadcast_;
  std::vector<std::string> found_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pgreeve::session
