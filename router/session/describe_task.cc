#include "router/session/describe_task.h"

#include "router/session/backend_call.h"
#include "router/session/parse_only_task.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace msg = wire::backend;

// Parse and Describe of one text on one shard.
class AskShard : public Task {
 public:
  AskShard(TaskHost& host, ShardId shard, catalog::RoleClass role)
      : host_(host),
        shard_(shard),
        role_(role),
        call_(host.context()) {}

  void Start() override {
    call_.Acquire({.shard = shard_, .role = role_, .tenant = nullptr, .settings = host_.settings()},
                  [this](std::optional<SqlError> error) {
                    if (error)
                      host_.FinishTask({.error = std::move(error)});
                    else
                      Ask();
                  });
  }

  void Cancel() override { call_.Cancel(); }

  void Abandon() override { call_.Abandon(); }

 protected:
  virtual void Ask() = 0;

  TaskHost& host_;
  ShardId shard_;
  catalog::RoleClass role_;
  BackendCall call_;
};

class DescribeTask final : public AskShard {
 public:
  DescribeTask(TaskHost& host, ShardId shard, catalog::RoleClass role, PreparedPtr statement)
      : AskShard(host, shard, role),
        statement_(std::move(statement)) {}

 private:
  void Ask() override {
    std::string out;
    AppendExtended(out,
                   {.sql = statement_->text,
                    .types = statement_->types,
                    .bind_after_names = {},
                    .describe_statement = true,
                    .execute = false});
    call_.Run(
        std::move(out),
        1,
        [this](const wire::Frame& frame) {
          if (frame.type == msg::kParameterDescription || frame.type == msg::kRowDescription ||
              frame.type == msg::kNoData)
            answer_ += frame.whole;
        },
        [this](std::optional<SqlError> error) {
          call_.Release();
          if (!error)
            host_.SendToClient(answer_);
          host_.FinishTask({.error = std::move(error)});
        });
  }

  PreparedPtr statement_;
  std::string answer_;
};

class ParseOnlyTask final : public AskShard {
 public:
  ParseOnlyTask(TaskHost& host,
                ShardId shard,
                catalog::RoleClass role,
                const plan::StatementPlan& plan,
                TaskInput input)
      : AskShard(host, shard, role),
        reject_(plan.reject),
        input_(std::move(input)) {}

 private:
  void Ask() override {
    std::string out;
    AppendExtended(out, {.sql = input_.sql, .types = {}, .bind_after_names = {}, .execute = false});
    call_.Run(std::move(out), 1, nullptr, [this](std::optional<SqlError> error) {
      call_.Release();
      if (error)
        host_.FinishTask({.error = std::move(error)});
      else
        host_.FinishTask({.error = reject_.error, .reject_code = reject_.code});
    });
  }

  plan::Reject reject_;
  TaskInput input_;
};

}  // namespace

std::unique_ptr<Task> MakeDescribeTask(TaskHost& host,
                                       ShardId shard,
                                       catalog::RoleClass role,
                                       PreparedPtr statement) {
  return std::make_unique<DescribeTask>(host, shard, role, std::move(statement));
}

std::unique_ptr<Task> MakeParseOnlyTask(TaskHost& host,
                                        ShardId shard,
                                        catalog::RoleClass role,
                                        const plan::StatementPlan& plan,
                                        TaskInput input) {
  return std::make_unique<ParseOnlyTask>(host, shard, role, plan, std::move(input));
}

}  // namespace pgreeve::session
