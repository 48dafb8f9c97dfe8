#include "router/session/scatter_task.h"

#include <utility>

#include <absl/time/time.h>

#include "router/base/bytes.h"
#include "router/base/status_macros.h"
#include "router/merge/merger.h"
#include "router/metrics/slots.h"
#include "router/plan/scatter.h"
#include "router/session/backend_call.h"
#include "router/session/combine_messages.h"
#include "router/session/refusals.h"
#include "router/wire/backend_messages.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace msg = wire::backend;

constexpr int kAttemptsMax = 3;
constexpr int kReadiesOfPartial = 3;  // BEGIN and epoch; the partial; COMMIT

std::string NowText(absl::Time now) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E6S", now, absl::UTCTimeZone()) + "+00";
}

class ScatterTask final : public Task {
 public:
  ScatterTask(TaskHost& host, const plan::StatementPlan& plan, TaskInput input)
      : host_(host),
        ctx_(host.context()),
        plan_(plan.scatter),
        input_(std::move(input)) {
    if (input_.statement != nullptr)
      types_ = input_.statement->types;
    if (!input_.bind_body.empty())
      bind_ = wire::DecodeBind(input_.bind_body).value_or(wire::Bind());
  }

  void Start() override {
    placement_ = ctx_.placement;
    now_ = NowText(ctx_.worker.wall_now());
    for (std::size_t i = 0; i < plan_->shards.size(); i++)
      shards_.push_back(std::make_unique<Shard>(ctx_));
    if (shards_.empty()) {
      Fail(RefusalError(Refusal::kNoShard), Code(Refusal::kNoShard));
      return;
    }
    Lease(0);
  }

  void Cancel() override {
    cancelled_ = true;
    for (const auto& shard : shards_)
      shard->call.Cancel();
    if (combine_ != nullptr)
      combine_->Cancel();
  }

  void Abandon() override {
    for (const auto& shard : shards_)
      shard->call.Abandon();
    if (combine_ != nullptr)
      combine_->Abandon();
  }

 private:
  struct Shard {
    explicit Shard(WorkerContext& context) : call(context) {}

    BackendCall call;
    int readies = 0;
    bool answered = false;  // its epoch is known
    bool done = false;
  };

  pool::LeaseRequest Request(ShardId shard) const {
    return {.shard = shard,
            .role = catalog::RoleClass::kOperator,
            .tenant = nullptr,
            .settings = host_.settings()};
  }

  // Shards are taken in order of their numbers, so that two scatters never wait for each other.
  void Lease(std::size_t index) {
    shards_[index]->call.Acquire(Request(plan_->shards[index]),
                                 [this, index](std::optional<SqlError> error) {
                                   if (error) {
                                     Fail(*error, 0);
                                   } else if (index == 0 && fields_.empty()) {
                                     Describe();
                                   } else if (index + 1 < shards_.size()) {
                                     Lease(index + 1);
                                   } else {
                                     RunPartials();
                                   }
                                 });
  }

  // Postgres' own word on names, types and errors, before any shard works.
  void Describe() {
    if (input_.statement != nullptr && input_.statement->fields) {
      fields_ = *input_.statement->fields;
      types_ = input_.statement->resolved_types;
      Described(std::nullopt);
      return;
    }
    std::string out;
    AppendExtended(out,
                   {.sql = input_.sql,
                    .types = types_,
                    .bind_after_names = {},
                    .describe_statement = true,
                    .execute = false});
    shards_[0]->call.Run(
        std::move(out),
        1,
        [this](const wire::Frame& frame) {
          if (frame.type == msg::kParameterDescription)
            TakeTypes(frame.body);
          if (frame.type == msg::kRowDescription) {
            if (auto fields = wire::DecodeRowDescription(frame.body); fields.ok())
              fields_ = *std::move(fields);
          }
        },
        [this](std::optional<SqlError> error) { Described(std::move(error)); });
  }

  void TakeTypes(std::string_view body) {
    types_.clear();
    for (std::size_t at = 2; at + 4 <= body.size(); at += 4)
      types_.push_back(ReadUint32(body.data() + at));
  }

  void Described(std::optional<SqlError> error) {
    if (error) {
      Fail(*error, 0);
      return;
    }
    if (input_.statement != nullptr && !input_.statement->fields) {
      input_.statement->fields = fields_;
      input_.statement->resolved_types = types_;
    }
    if (input_.describe_only) {
      std::string out;
      std::vector<wire::FieldDescription> told = WithFormats();
      wire::AppendRowDescription(out, told);
      host_.SendToClient(out);
      End();
      return;
    }
    if (const absl::Status made = MakeMerger(); !made.ok()) {
      Fail(ToSqlError(made), 0);
      return;
    }
    if (shards_.size() > 1)
      Lease(1);
    else
      RunPartials();
  }

  std::vector<wire::FieldDescription> WithFormats() const {
    std::vector<wire::FieldDescription> told = fields_;
    for (std::size_t i = 0; i < told.size(); i++) {
      if (bind_.result_formats.size() == 1)
        told[i].format = bind_.result_formats[0];
      else if (i < bind_.result_formats.size())
        told[i].format = bind_.result_formats[i];
    }
    return told;
  }

  absl::Status MakeMerger() {
    merge::MergeOptions options;
    options.engine = ctx_.limits.engine;
    const std::string_view wanted = host_.Setting("combine");
    if (wanted == "native")
      options.engine = plan::MergeEngine::kNative;
    else if (wanted == "postgres")
      options.engine = plan::MergeEngine::kPostgres;
    else if (wanted == "auto")
      options.engine = plan::MergeEngine::kAuto;
    options.rows_max = ctx_.limits.merge_rows_max;
    options.bytes_max = ctx_.limits.merge_bytes_max;
    options.result_formats.assign(bind_.result_formats.begin(), bind_.result_formats.end());
    options.parameters = static_cast<int>(types_.size());
    options.now = now_;
    ASSIGN_OR_RETURN(merger_,
                     merge::Merger::Create(plan_, shards_.size(), fields_, std::move(options)));
    return absl::OkStatus();
  }

  void RunPartials() {
    std::string out;
    wire::AppendQuery(
        out,
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = " +
            std::to_string(absl::ToInt64Milliseconds(ctx_.limits.scatter_timeout)) +
            "; SELECT pgreeve.shard_epoch()");
    const std::string sql = plan::PinNow(*plan_, plan_->partial_sql, now_);
    const std::string tail = EncodeBindTail(bind_, merger_->partial_formats());
    AppendExtended(out, {.sql = sql, .types = types_, .bind_after_names = tail});
    wire::AppendQuery(out, "COMMIT");
    running_ = shards_.size();
    answered_ = 0;
    for (std::size_t i = 0; i < shards_.size(); i++) {
      shards_[i]->readies = 0;
      shards_[i]->call.Run(
          out,
          kReadiesOfPartial,
          [this, i](const wire::Frame& frame) { OnPartial(i, frame); },
          [this, i](std::optional<SqlError> error) { PartialDone(i, std::move(error)); });
    }
  }

  void OnPartial(std::size_t index, const wire::Frame& frame) {
    Shard& shard = *shards_[index];
    if (frame.type == msg::kReadyForQuery)
      shard.readies++;
    if (failed_ || stale_)
      return;
    if (shard.readies == 0) {
      if (frame.type == msg::kDataRow)
        CheckEpoch(index, frame.body);
      return;
    }
    if (shard.readies > 1)
      return;
    absl::Status status;
    if (frame.type == msg::kRowDescription) {
      const auto fields = wire::DecodeRowDescription(frame.body);
      status = fields.ok() ? merger_->SetColumns(index, *fields) : fields.status();
    } else if (frame.type == msg::kDataRow) {
      status = merger_->AddRow(index, frame.body);
      rows_seen_++;
    }
    if (!status.ok())
      Stop(ToSqlError(status));
    else if (merger_->satisfied() && answered_ == shards_.size() && !satisfied_)
      Satisfied();
    Stream();
  }

  // The rows so far are the answer: the rest of the work is called off.
  void Satisfied() {
    satisfied_ = true;
    for (const auto& shard : shards_) {
      if (!shard->done)
        shard->call.Cancel();
    }
  }

  void CheckEpoch(std::size_t index, std::string_view body) {
    std::vector<wire::Value> values;
    const catalog::ShardInfo* planned = placement_->FindShard(plan_->shards[index]);
    const bool ok = wire::DecodeDataRow(body, values).ok() && values.size() == 1 && values[0] &&
                    planned != nullptr && *values[0] == std::to_string(planned->shard_epoch);
    answered_++;
    if (!ok)
      stale_ = true;
  }

  // Rows may leave as they come once every shard has answered with the planned epoch.
  void Stream() {
    if (plan_->kind != plan::MergeKind::kConcat || answered_ < shards_.size() || stale_ || failed_)
      return;
    const std::string out = merger_->TakeOutput();
    if (out.empty())
      return;
    SendDescription();
    host_.SendToClient(out);
  }

  void SendDescription() {
    if (std::exchange(described_, true) || !input_.describe)
      return;
    std::string out;
    wire::AppendRowDescription(out, WithFormats());
    host_.SendToClient(out);
  }

  void Stop(SqlError error) {
    if (failed_)
      return;
    failed_ = std::move(error);
    for (const auto& shard : shards_) {
      if (!shard->done)
        shard->call.Cancel();
    }
  }

  void PartialDone(std::size_t index, std::optional<SqlError> error) {
    shards_[index]->done = true;
    if (error && !satisfied_ && !failed_) {
      if (const catalog::ShardInfo* shard = placement_->FindShard(plan_->shards[index]);
          shard != nullptr)
        error->detail += (error->detail.empty() ? "" : " ") + ("Shard " + shard->name + ".");
      Stop(*std::move(error));
    }
    if (--running_ > 0)
      return;
    if (cancelled_ && !failed_ && !satisfied_)
      failed_ = SqlError{.sqlstate = "57014", .message = "canceling statement due to user request"};
    if (failed_) {
      Fail(*failed_, 0);
    } else if (stale_) {
      Again();
    } else {
      Finish();
    }
  }

  void Again() {
    if (++attempts_ >= kAttemptsMax) {
      Fail(RefusalError(Refusal::kScatterEpoch), Code(Refusal::kScatterEpoch));
      return;
    }
    placement_ = ctx_.placement;
    stale_ = false;
    for (const auto& shard : shards_)
      shard->done = false;
    if (const absl::Status made = MakeMerger(); !made.ok())
      Fail(ToSqlError(made), 0);
    else
      RunPartials();
  }

  void Finish() {
    auto outcome = merger_->Finish();
    if (!outcome.ok()) {
      Fail(ToSqlError(outcome.status()), 0);
      return;
    }
    for (const auto& shard : shards_)
      shard->call.Release();
    if (outcome->combine) {
      Combine(*std::move(outcome->combine));
      return;
    }
    native_ = *std::move(outcome->native);
    const bool verify = ctx_.limits.combine_verify || host_.Setting("combine_verify") == "on";
    if (verify && plan_->kind != plan::MergeKind::kConcat) {
      if (auto query = merger_->CombineInPostgres(); query.ok()) {
        verifying_ = true;
        Combine(*std::move(query));
        return;
      }
    }
    SendNative();
  }

  void SendNative() {
    SendDescription();
    for (const std::string& chunk : native_.chunks)
      host_.SendToClient(chunk);
    Complete(native_.rows, metrics::Engine::kNative);
  }

  void Complete(uint64_t rows, metrics::Engine engine) {
    std::string out;
    wire::AppendCommandComplete(out, "SELECT " + std::to_string(rows));
    host_.SendToClient(out);
    ctx_.slots.ScatterFinished(shards_.size(), rows_seen_, engine);
    ctx_.control.Audit(std::string(host_.actor()), "scatter", input_.sql);
    End();
  }

  void Combine(merge::CombineQuery query) {
    query_ = std::move(query);
    combine_ = std::make_unique<BackendCall>(ctx_);
    const ShardId where =
        ctx_.placement->combiner.id ? ctx_.placement->combiner.id : plan_->shards[0];
    combine_->Acquire(Request(where), [this](std::optional<SqlError> error) {
      if (error)
        Fail(*error, 0);
      else
        RunCombine();
    });
  }

  void RunCombine() {
    std::vector<int16_t> formats;
    if (!verifying_)
      formats.assign(bind_.result_formats.begin(), bind_.result_formats.end());
    const CombineMessages messages = EncodeCombine(query_, types_, bind_, formats);
    combine_last_ready_ = messages.readies - (query_.staged() ? 1 : 0);
    combine_->Run(
        messages.bytes,
        messages.readies,
        [this](const wire::Frame& frame) { OnCombined(frame); },
        [this](std::optional<SqlError> error) {
          if (!error && cancelled_)
            error =
                SqlError{.sqlstate = "57014", .message = "canceling statement due to user request"};
          if (!error && failed_)
            error = failed_;
          if (error)
            Fail(*error, 0);
          else
            Combined();
        });
  }

  void OnCombined(const wire::Frame& frame) {
    if (frame.type == msg::kReadyForQuery)
      combine_readies_++;
    if (combine_readies_ != combine_last_ready_ - 1 || failed_)
      return;
    if (frame.type == msg::kRowDescription) {
      const auto fields = wire::DecodeRowDescription(frame.body);
      const absl::Status same = fields.ok() ? merger_->CheckCombined(*fields) : fields.status();
      if (!same.ok())
        failed_ = ToSqlError(same);
    } else if (frame.type == msg::kDataRow) {
      combined_rows_++;
      if (verifying_) {
        verified_.emplace_back(frame.body);
        return;
      }
      SendDescription();
      batch_ += frame.whole;
      if (batch_.size() > merge::kChunkBytes)
        FlushBatch();
    }
  }

  void FlushBatch() {
    host_.SendToClient(batch_);
    batch_.clear();
  }

  void Combined() {
    combine_->Release();
    if (verifying_) {
      if (const absl::Status same = merge::VerifySameRows(native_, verified_); !same.ok())
        Fail(ToSqlError(same), 0);
      else
        SendNative();
      return;
    }
    SendDescription();
    FlushBatch();
    Complete(combined_rows_, metrics::Engine::kPostgres);
  }

  void End() {
    for (const auto& shard : shards_)
      shard->call.Release();
    host_.FinishTask({});
  }

  void Fail(SqlError error, int code) {
    for (const auto& shard : shards_)
      shard->call.Abandon();
    if (combine_ != nullptr)
      combine_->Abandon();
    host_.FinishTask({.error = std::move(error), .reject_code = code});
  }

  TaskHost& host_;
  WorkerContext& ctx_;
  std::shared_ptr<const plan::ScatterPlan> plan_;
  TaskInput input_;
  wire::Bind bind_;
  ParameterTypes types_;
  std::vector<wire::FieldDescription> fields_;
  std::shared_ptr<const catalog::Placement> placement_;
  std::string now_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<merge::Merger> merger_;
  std::size_t running_ = 0;
  std::size_t answered_ = 0;
  std::size_t rows_seen_ = 0;
  int attempts_ = 0;
  bool stale_ = false;
  bool satisfied_ = false;
  bool cancelled_ = false;
  bool described_ = false;
  bool verifying_ = false;
  std::optional<SqlError> failed_;
  merge::NativeRows native_;
  merge::CombineQuery query_;
  std::unique_ptr<BackendCall> combine_;
  int combine_readies_ = 0;
  int combine_last_ready_ = 0;
  uint64_t combined_rows_ = 0;
  std::string batch_;
  std::vector<std::string> verified_;
};

}  // namespace

std::unique_ptr<Task> MakeScatterTask(TaskHost& host,
                                      const plan::StatementPlan& plan,
                                      TaskInput input) {
  return std::make_unique<ScatterTask>(host, plan, std::move(input));
}

}  // namespace pgreeve::session
