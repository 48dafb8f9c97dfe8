#include "router/session/broadcast_task.h"

#include <algorithm>

#include "router/session/broadcast.h"
#include "router/session/table_declaration.h"
#include "router/sql/changed_table.h"
#include "router/sql/created_table.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace msg = wire::backend;

class BroadcastTask final : public Task {
 public:
  BroadcastTask(TaskHost& host, const plan::StatementPlan& plan, TaskInput input)
      : host_(host),
        ctx_(host.context()),
        is_ddl_(plan.is_ddl),
        role_(plan.broadcast_role),
        input_(std::move(input)),
        broadcast_(ctx_, role_, host.settings()) {}

  void Start() override {
    if (input_.describe_only) {
      std::string out;
      wire::AppendNoData(out);
      host_.SendToClient(out);
      host_.FinishTask({});
      return;
    }
    if (!is_ddl_) {
      Run(0);
      return;
    }
    ctx_.control.BeginDdl(ctx_.worker.index(),
                          input_.sql,
                          std::string(host_.actor()),
                          [this, alive = alive_](absl::StatusOr<int64_t> sequence) {
                            if (!*alive)
                              return;
                            if (!sequence.ok())
                              host_.FinishTask({.error = ToSqlError(sequence.status())});
                            else
                              Run(*sequence);
                          });
  }

  void Cancel() override { broadcast_.Cancel(); }

  void Abandon() override {
    *alive_ = false;
    broadcast_.Abandon();
    if (declaration_ != nullptr)
      declaration_->Abandon();
  }

 private:
  void Run(int64_t sequence) {
    BroadcastStatement statement;
    if (input_.bind_body.empty()) {
      wire::AppendQuery(statement.messages, input_.sql);
    } else {
      const auto bind = wire::DecodeBind(input_.bind_body);
      ParameterTypes types;
      if (input_.statement != nullptr)
        types = input_.statement->types;
      AppendExtended(statement.messages,
                     {.sql = input_.sql,
                      .types = types,
                      .bind_after_names = bind.ok() ? bind->after_names : std::string_view()});
    }
    broadcast_.Run(
        std::move(statement),
        [this](const wire::Frame& frame) { OnFrame(frame); },
        [this, sequence](std::optional<SqlError> error) { Finished(sequence, std::move(error)); });
  }

  // What the first shard answers is the answer, once all have done it.
  void OnFrame(const wire::Frame& frame) {
    const bool wanted = frame.type == msg::kDataRow || frame.type == msg::kCommandComplete ||
                        frame.type == msg::kNoticeResponse ||
                        (frame.type == msg::kRowDescription && input_.describe);
    if (wanted)
      answer_ += frame.whole;
  }

  void Finished(int64_t sequence, std::optional<SqlError> error) {
    if (!is_ddl_) {
      End(std::move(error));
      return;
    }
    ctx_.control.FinishDdl(
        ctx_.worker.index(), sequence, !error, [this, alive = alive_, error](absl::Status status) {
          if (!*alive)
            return;
          if (error || !status.ok())
            End(error ? error : ToSqlError(status));
          else
            Follow(sql::ReadChangedTables(input_.sql));
        });
  }

  // Declarations follow what was done to their tables, one after the other.
  void Follow(std::vector<sql::ChangedTable> changes) {
    while (!changes.empty()) {
      const sql::ChangedTable change = std::move(changes.back());
      changes.pop_back();
      const TableFact* declared = ctx_.placement->tables->Find(
          change.schema.empty() ? "public" : change.schema, change.table);
      if (declared == nullptr)
        continue;
      TableFact fact = *declared;
      fact.columns.clear();  // read again
      if (!change.new_schema.empty())
        fact.schema = change.new_schema;
      if (!change.new_table.empty())
        fact.name = change.new_table;
      if (!change.old_column.empty() && fact.tenant_column == change.old_column)
        fact.tenant_column = change.new_column;
      if (change.dropped || fact.schema != declared->schema || fact.name != declared->name)
        Forget(declared->schema,
               declared->name,
               change.dropped ? std::nullopt : std::optional(std::move(fact)),
               std::move(changes));
      else
        Declare(std::move(fact), std::move(changes));
      return;
    }
    DeclareBySetting();
  }

  void Forget(std::string schema,
              std::string table,
              std::optional<TableFact> instead,
              std::vector<sql::ChangedTable> rest) {
    ctx_.control.ForgetTable(ctx_.worker.index(),
                             std::move(schema),
                             std::move(table),
                             std::string(host_.actor()),
                             [this, alive = alive_, instead = std::move(instead), rest](
                                 const absl::Status& status) mutable {
                               if (!*alive)
                                 return;
                               if (!status.ok())
                                 End(ToSqlError(status));
                               else if (instead)
                                 Declare(*std::move(instead), std::move(rest));
                               else
                                 Follow(std::move(rest));
                             });
  }

  void Declare(TableFact fact, std::vector<sql::ChangedTable> rest) {
    declaration_ =
        std::make_unique<TableDeclaration>(ctx_, std::move(fact), std::string(host_.actor()));
    declaration_->Start([this, rest = std::move(rest)](std::optional<SqlError> error) mutable {
      if (error)
        wire::AppendNoticeResponse(answer_, *error, "WARNING");
      Follow(std::move(rest));
    });
  }

  // routing.tenant_columns: a new table with such a column is sharded by it at once.
  void DeclareBySetting() {
    const auto& wanted = ctx_.limits.tenant_columns;
    const auto table = wanted.empty() ? std::nullopt : sql::ReadCreatedTable(input_.sql);
    if (!table) {
      End(std::nullopt);
      return;
    }
    TableFact fact;
    fact.schema = table->schema.empty() ? "public" : table->schema;
    fact.name = table->table;
    for (const std::string& column : table->columns) {
      const std::string qualified = table->table + "." + column;
      if (std::find(wanted.begin(), wanted.end(), column) != wanted.end() ||
          std::find(wanted.begin(), wanted.end(), qualified) != wanted.end())
        fact.tenant_column = column;
    }
    if (fact.tenant_column.empty()) {
      End(std::nullopt);
      return;
    }
    declaration_ =
        std::make_unique<TableDeclaration>(ctx_, std::move(fact), std::string(host_.actor()));
    declaration_->Start([this](std::optional<SqlError> error) {
      // The table is there either way; why it is not sharded is told, as a warning.
      if (error)
        wire::AppendNoticeResponse(answer_, *error, "WARNING");
      End(std::nullopt);
    });
  }

  void End(std::optional<SqlError> error) {
    if (!error) {
      host_.SendToClient(answer_);
      ctx_.control.Audit(
          std::string(host_.actor()), is_ddl_ ? "ddl" : "reference_write", input_.sql);
    }
    host_.FinishTask({.error = std::move(error)});
  }

  TaskHost& host_;
  WorkerContext& ctx_;
  bool is_ddl_;
  catalog::RoleClass role_;
  TaskInput input_;
  Broadcast broadcast_;
  std::unique_ptr<TableDeclaration> declaration_;
  std::string answer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<Task> MakeBroadcastTask(TaskHost& host,
                                        const plan::StatementPlan& plan,
                                        TaskInput input) {
  return std::make_unique<BroadcastTask>(host, plan, std::move(input));
}

}  // namespace pgreeve::session
