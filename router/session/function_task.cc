#include "router/session/function_task.h"

#include <algorithm>
#include <utility>

#include "router/session/broadcast.h"
#include "router/session/refusals.h"
#include "router/session/tracked_settings.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace msg = wire::backend;
using plan::Verb;

constexpr char kColumnSeparator = '\x1f';
constexpr char kRowSeparator = '\x1e';

std::vector<std::string> ColumnsOf(const plan::StatementPlan& plan) {
  if (plan.name == "tables")
    return {"table_name", "kind", "tenant_column"};
  if (plan.name == "tenants")
    return {"tenant", "tier", "shard", "access", "epoch"};
  return {plan.name};
}

absl::Status WrongArguments(std::string_view name, std::string_view signature) {
  return SqlStatus("42883",
                   "pgreeve." + std::string(name) + ": wrong number of arguments",
                   "",
                   "Usage: SELECT pgreeve." + std::string(signature) + ".");
}

std::string_view AccessText(catalog::TenantAccess access) {
  switch (access) {
    case catalog::TenantAccess::kOpen:
      return "open";
    case catalog::TenantAccess::kReadOnly:
      return "read_only";
    case catalog::TenantAccess::kSuspended:
      return "suspended";
  }
  return "?";
}

std::string ShardName(const catalog::Placement& placement, ShardId id) {
  const catalog::ShardInfo* shard = placement.FindShard(id);
  return shard == nullptr ? std::to_string(id.value) : shard->name;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

class FunctionTask final : public Task {
 public:
  FunctionTask(TaskHost& host, const plan::StatementPlan& plan, TaskInput input)
      : host_(host),
        ctx_(host.context()),
        plan_(plan),
        input_(std::move(input)),
        call_(ctx_) {}

  void Start() override {
    if (input_.describe_only) {
      std::string out;
      AppendLocalDescription(plan_, out);
      host_.SendToClient(out);
      host_.FinishTask({});
    } else if (plan_.name == "create_tenant") {
      CreateTenant();
    } else if (plan_.name == "shard_table") {
      Declare(TableKind::kSharded);
    } else if (plan_.name == "reference_table") {
      Declare(TableKind::kReference);
    } else if (plan_.name == "move_tenant") {
      Fail(RefusalError(Refusal::kNotYet, "Moves of tenants."), Code(Refusal::kNotYet));
    } else {
      Fail({.sqlstate = "42883", .message = "function pgreeve." + plan_.name + " does not exist"},
           0);
    }
  }

  void Cancel() override {
    call_.Cancel();
    if (broadcast_ != nullptr)
      broadcast_->Cancel();
  }

  void Abandon() override {
    *alive_ = false;
    call_.Abandon();
    if (broadcast_ != nullptr)
      broadcast_->Abandon();
  }

 private:
  void Fail(SqlError error, int code = 0) {
    call_.Abandon();
    host_.FinishTask({.error = std::move(error), .reject_code = code});
  }

  void Succeed(std::string value) {
    const LocalReply reply = LocalReply::Table({plan_.name}, {{std::move(value)}});
    std::string out;
    if (input_.describe)
      reply.AppendAll(out);
    else
      reply.AppendRows(out);
    host_.SendToClient(out);
    host_.FinishTask({});
  }

  void CreateTenant() {
    const auto& arguments = plan_.arguments;
    if (arguments.empty() || arguments.size() > 3) {
      Fail(ToSqlError(WrongArguments("create_tenant", "create_tenant(id [, tier [, region]])")));
      return;
    }
    auto id = TenantId::FromText(ctx_.placement->tenant_type, arguments[0]);
    if (!id.ok()) {
      Fail(ToSqlError(id.status()));
      return;
    }
    const TenantId tenant = *id;
    const std::shared_ptr<bool> alive = alive_;
    ctx_.control.CreateTenant(
        ctx_.worker.index(),
        {.id = tenant,
         .tier = arguments.size() > 1 ? arguments[1] : "",
         .region = arguments.size() > 2 ? arguments[2] : "",
         .actor = std::string(host_.actor())},
        [this, alive, tenant](absl::Status status) {
          if (!*alive)
            return;
          if (!status.ok()) {
            Fail(ToSqlError(status));
            return;
          }
          const catalog::TenantInfo* info = ctx_.placement->FindTenant(tenant);
          Succeed(info == nullptr ? "" : ShardName(*ctx_.placement, info->shard));
        });
  }

  // --- shard_table, reference_table: look at the table on one shard, protect it on all, declare
  // it.

  void Declare(TableKind kind) {
    kind_ = kind;
    const std::size_t wanted = kind == TableKind::kSharded ? 2 : 1;
    if (plan_.arguments.size() != wanted) {
      Fail(ToSqlError(WrongArguments(plan_.name,
                                     kind == TableKind::kSharded
                                         ? "shard_table('table', 'tenant_column')"
                                         : "reference_table('table')")));
      return;
    }
    std::string name = plan_.arguments[0];
    fact_.schema = "public";
    if (const std::size_t dot = name.find('.'); dot != name.npos) {
      fact_.schema = name.substr(0, dot);
      name = name.substr(dot + 1);
    }
    fact_.name = name;
    fact_.kind = kind;
    if (kind == TableKind::kSharded)
      fact_.tenant_column = plan_.arguments[1];
    if (!ctx_.control.HasLease()) {
      Fail(RefusalError(Refusal::kNoLease), Code(Refusal::kNoLease));
      return;
    }
    call_.Acquire({.shard = ctx_.CatalogShard(),
                   .role = catalog::RoleClass::kOwner,
                   .tenant = nullptr,
                   .settings = nullptr},
                  [this](std::optional<SqlError> error) {
                    if (error)
                      Fail(*std::move(error));
                    else
                      Inspect();
                  });
  }

  void Inspect() {
    const std::string table =
        QuoteLiteral(QuoteIdentifier(fact_.schema) + "." + QuoteIdentifier(fact_.name));
    const std::string sql =
        "SELECT c.relkind, c.relpersistence,"
        " (SELECT string_agg(concat_ws(E'\\x1f', a.attname, format_type(a.atttypid, a.atttypmod),"
        " a.attnotnull::text, a.attgenerated, (coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~"
        " 'nextval|random|uuid_generate|gen_random|clock_timestamp' OR a.attidentity <> '')::text),"
        " E'\\x1e' ORDER BY a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid ="
        " a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT"
        " a.attisdropped),"
        " (SELECT string_agg(i.indexrelid::regclass::text, ', ') FROM pg_index i WHERE i.indrelid ="
        " c.oid AND i.indisunique AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid ="
        " c.oid AND a.attname = " +
        QuoteLiteral(fact_.tenant_column) +
        " AND a.attnum = ANY (i.indkey)))"
        " FROM pg_class c WHERE c.oid = to_regclass(" +
        table + ")";
    std::string out;
    wire::AppendQuery(out, sql);
    call_.Run(
        std::move(out),
        1,
        [this](const wire::Frame& frame) {
          std::vector<wire::Value> values;
          if (frame.type != msg::kDataRow || !wire::DecodeDataRow(frame.body, values).ok())
            return;
          found_.clear();
          for (const wire::Value& value : values)
            found_.emplace_back(value.value_or(""));
        },
        [this](std::optional<SqlError> error) {
          call_.Release();
          if (error)
            Fail(*std::move(error));
          else
            Judge();
        });
  }

  void Judge() {
    const std::string name = fact_.schema + "." + fact_.name;
    if (found_.size() != 4) {
      Fail({.sqlstate = "42P01",
            .message = "relation \"" + name + "\" does not exist",
            .hint = "Create it through the router first: then it is on every shard."});
      return;
    }
    if (found_[0] != "r" && found_[0] != "p") {
      Fail({.sqlstate = "42809", .message = "\"" + name + "\" is not a table"});
      return;
    }
    bool volatile_default = false;
    const ColumnFact* tenant = nullptr;
    std::string type;
    for (const std::string& column : Split(found_[2], kRowSeparator)) {
      const std::vector<std::string> parts = Split(column, kColumnSeparator);
      if (parts.size() < 4)
        continue;
      volatile_default = volatile_default || parts.back() == "true";
      if (parts.size() == 5 && !parts[3].empty())
        continue;  // generated: never written
      fact_.columns.push_back({.name = parts[0], .type = parts[1], .not_null = parts[2] == "true"});
    }
    for (const ColumnFact& column : fact_.columns) {
      if (column.name == fact_.tenant_column)
        tenant = &column;
    }
    if (kind_ == TableKind::kReference) {
      if (volatile_default) {
        Fail({.sqlstate = "0A000",
              .message = "\"" + name + "\" cannot be a reference table",
              .detail = "A column's default differs from shard to shard (a sequence, random()).",
              .hint = "Drop the default, or give the values in each INSERT."});
        return;
      }
    } else if (const auto wrong = JudgeTenantColumn(name, tenant)) {
      Fail(*wrong);
      return;
    }
    ctx_.control.BeginDdl(ctx_.worker.index(),
                          ProtectSql(),
                          std::string(host_.actor()),
                          [this, alive = alive_](absl::StatusOr<int64_t> sequence) {
                            if (!*alive)
                              return;
                            if (!sequence.ok())
                              Fail(ToSqlError(sequence.status()));
                            else
                              Protect(*sequence);
                          });
  }

  std::optional<SqlError> JudgeTenantColumn(const std::string& name, const ColumnFact* tenant) {
    if (tenant == nullptr) {
      return SqlError{.sqlstate = "42703",
                      .message = "column \"" + fact_.tenant_column + "\" of relation \"" + name +
                                 "\" does not exist"};
    }
    const std::string& type = tenant->type;
    bool fits = false;
    switch (ctx_.placement->tenant_type) {
      case TenantType::kUuid:
        fits = type == "uuid";
        break;
      case TenantType::kBigint:
        fits = type == "bigint" || type == "integer" || type == "smallint";
        break;
      case TenantType::kText:
        fits = type == "text" || type.starts_with("character varying");
        break;
    }
    const std::string quoted = QuoteIdentifier(fact_.schema) + "." + QuoteIdentifier(fact_.name);
    const std::string column = QuoteIdentifier(fact_.tenant_column);
    if (!fits) {
      return SqlError{.sqlstate = "42804",
                      .message = "tenant column \"" + fact_.tenant_column + "\" has type " + type +
                                 ", but tenant ids of this fleet are " +
                                 std::string(ToString(ctx_.placement->tenant_type)),
                      .hint = "ALTER TABLE " + quoted + " ALTER COLUMN " + column + " TYPE " +
                              std::string(ToString(ctx_.placement->tenant_type)) + ";"};
    }
    if (!found_[3].empty()) {
      return SqlError{
          .sqlstate = "0A000",
          .message = "\"" + name + "\" cannot be sharded by \"" + fact_.tenant_column + "\"",
          .detail = "These unique keys do not contain it, so two shards could hold the same key: " +
                    found_[3] + ".",
          .hint = "Put the column into the key: ALTER TABLE " + quoted +
                  " DROP CONSTRAINT …, ADD PRIMARY KEY (" + column + ", …);"};
    }
    return std::nullopt;
  }

  std::string ProtectSql() const {
    const std::string name = QuoteLiteral(fact_.schema) + ", " + QuoteLiteral(fact_.name);
    if (kind_ == TableKind::kReference)
      return "SELECT pgreeve.share_reference(" + name + ")";
    return "SELECT pgreeve.protect(" + name + ", " + QuoteLiteral(fact_.tenant_column) + ")";
  }

  void Protect(int64_t sequence) {
    broadcast_ = std::make_unique<Broadcast>(ctx_, catalog::RoleClass::kOwner, nullptr);
    BroadcastStatement statement;
    wire::AppendQuery(statement.messages, ProtectSql());
    broadcast_->Run(
        std::move(statement),
        [](const wire::Frame&) {},
        [this, sequence](std::optional<SqlError> error) {
          ctx_.control.FinishDdl(ctx_.worker.index(),
                                 sequence,
                                 !error,
                                 [this, alive = alive_, error](absl::Status status) {
                                   if (!*alive)
                                     return;
                                   if (error)
                                     Fail(*error);
                                   else if (!status.ok())
                                     Fail(ToSqlError(status));
                                   else
                                     Record();
                                 });
        });
  }

  void Record() {
    ctx_.control.DeclareTable(ctx_.worker.index(),
                              fact_,
                              std::string(host_.actor()),
                              [this, alive = alive_](absl::Status status) {
                                if (!*alive)
                                  return;
                                if (!status.ok())
                                  Fail(ToSqlError(status));
                                else
                                  Succeed("");
                              });
  }

  TaskHost& host_;
  WorkerContext& ctx_;
  plan::StatementPlan plan_;
  TaskInput input_;
  BackendCall call_;
  std::unique_ptr<Broadcast> broadcast_;
  TableKind kind_ = TableKind::kSharded;
  TableFact fact_;
  std::vector<std::string> found_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

bool IsLocalFunction(std::string_view name) {
  return name == "where_is" || name == "tables" || name == "tenants" || name == "version";
}

absl::StatusOr<LocalReply> AnswerFunction(const plan::StatementPlan& plan,
                                          const WorkerContext& context) {
  const catalog::Placement& placement = *context.placement;
  if (plan.name == "version")
    return LocalReply::Table(ColumnsOf(plan), {{"pgreeve " + context.version}});
  if (plan.name == "where_is") {
    if (plan.arguments.size() != 1)
      return WrongArguments("where_is", "where_is(id)");
    const auto id = TenantId::FromText(placement.tenant_type, plan.arguments[0]);
    if (!id.ok())
      return id.status();
    const catalog::TenantInfo* tenant = placement.FindTenant(*id);
    if (tenant == nullptr)
      return SqlStatus("3D000", "tenant \"" + id->Text() + "\" does not exist");
    return LocalReply::Table(ColumnsOf(plan), {{ShardName(placement, tenant->shard)}});
  }
  std::vector<std::vector<std::optional<std::string>>> rows;
  if (plan.name == "tables") {
    for (const auto& [name, fact] : placement.tables->all()) {
      const bool sharded = fact.kind == TableKind::kSharded;
      rows.push_back({name,
                      sharded ? "sharded" : "reference",
                      sharded ? std::optional<std::string>(fact.tenant_column) : std::nullopt});
    }
  } else {
    placement.ForEachTenant([&](const catalog::TenantInfo& tenant) {
      rows.push_back({tenant.id.Text(),
                      tenant.tier,
                      ShardName(placement, tenant.shard),
                      std::string(AccessText(tenant.access)),
                      std::to_string(tenant.epoch)});
    });
  }
  std::sort(rows.begin(), rows.end());
  return LocalReply::Table(ColumnsOf(plan), std::move(rows));
}

void AppendLocalDescription(const plan::StatementPlan& plan, std::string& out) {
  std::vector<wire::FieldDescription> fields;
  if (plan.verb == Verb::kFunction) {
    for (const std::string& column : ColumnsOf(plan))
      fields.push_back(wire::TextColumn(column));
  } else if (plan.verb == Verb::kShowPgreeve) {
    fields.push_back(wire::TextColumn("pgreeve." + plan.name));
  } else if (plan.verb == Verb::kExplainRoute) {
    fields.push_back(wire::TextColumn("QUERY PLAN"));
  }
  if (fields.empty())
    wire::AppendNoData(out);
  else
    wire::AppendRowDescription(out, fields);
}

std::unique_ptr<Task> MakeFunctionTask(TaskHost& host,
                                       const plan::StatementPlan& plan,
                                       TaskInput input) {
  return std::make_unique<FunctionTask>(host, plan, std::move(input));
}

}  // namespace pgreeve::session
