#include "router/session/function_task.h"

#include <algorithm>
#include <utility>

#include "router/session/refusals.h"
#include "router/session/table_declaration.h"

namespace pgreeve::session {
namespace {

using plan::Verb;

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

class FunctionTask final : public Task {
 public:
  FunctionTask(TaskHost& host, const plan::StatementPlan& plan, TaskInput input)
      : host_(host),
        ctx_(host.context()),
        plan_(plan),
        input_(std::move(input)) {}

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
    if (declaration_ != nullptr)
      declaration_->Cancel();
  }

  void Abandon() override {
    *alive_ = false;
    if (declaration_ != nullptr)
      declaration_->Abandon();
  }

 private:
  void Fail(SqlError error, int code = 0) {
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

  void Declare(TableKind kind) {
    const std::size_t wanted = kind == TableKind::kSharded ? 2 : 1;
    if (plan_.arguments.size() != wanted) {
      Fail(ToSqlError(WrongArguments(plan_.name,
                                     kind == TableKind::kSharded
                                         ? "shard_table('table', 'tenant_column')"
                                         : "reference_table('table')")));
      return;
    }
    TableFact fact;
    fact.schema = "public";
    fact.name = plan_.arguments[0];
    fact.kind = kind;
    if (const std::size_t dot = fact.name.find('.'); dot != fact.name.npos) {
      fact.schema = fact.name.substr(0, dot);
      fact.name = fact.name.substr(dot + 1);
    }
    if (kind == TableKind::kSharded)
      fact.tenant_column = plan_.arguments[1];
    declaration_ =
        std::make_unique<TableDeclaration>(ctx_, std::move(fact), std::string(host_.actor()));
    declaration_->Start([this](std::optional<SqlError> error) {
      if (error)
        Fail(*std::move(error));
      else
        Succeed("");
    });
  }

  TaskHost& host_;
  WorkerContext& ctx_;
  plan::StatementPlan plan_;
  TaskInput input_;
  std::unique_ptr<TableDeclaration> declaration_;
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
