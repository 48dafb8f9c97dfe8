#include "router/session/copy_task.h"

#include <algorithm>
#include <utility>

#include "router/base/bytes.h"
#include "router/base/status_macros.h"
#include "router/session/backend_call.h"
#include "router/session/refusals.h"
#include "router/session/tracked_settings.h"
#include "router/sql/copy_statement.h"
#include "router/wire/client_messages.h"
#include "router/wire/copy_text.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

constexpr std::size_t kBatchRowsMax = 500;
constexpr std::size_t kBatchBytesMax = 256 << 10;

bool IsTrue(std::string_view value) {
  return value == "true" || value == "on" || value == "1" || value == "match";
}

absl::StatusOr<wire::CopyFormat> FormatOf(const sql::CopyStatement& statement) {
  wire::CopyFormat format;
  const auto refuse = [](const std::string& what) {
    return ToStatus(RefusalError(Refusal::kCopyFormat, what));
  };
  for (const auto& [name, value] : statement.options) {
    if (name == "format" && value == "csv")
      format = wire::CopyFormat::Csv();
    else if (name == "format" && value != "text")
      return refuse("Format " + value + ".");
  }
  for (const auto& [name, value] : statement.options) {
    if (name == "format")
      continue;
    if (name == "delimiter" && value.size() == 1)
      format.delimiter = value[0];
    else if (name == "null")
      format.null_string = value;
    else if (name == "quote" && value.size() == 1)
      format.quote = value[0];
    else if (name == "escape" && value.size() == 1)
      format.escape = value[0];
    else if (name == "header")
      format.header = IsTrue(value);
    else if (name == "encoding" && (value == "UTF8" || value == "utf8" || value == "UTF-8"))
      continue;
    else if (name == "freeze")
      return SqlStatus("0A000", "COPY FREEZE is not supported through the router");
    else
      return refuse("Option " + name + ".");
  }
  return format;
}

class CopyTask final : public Task {
 public:
  CopyTask(TaskHost& host,
           CopyBackend& session,
           TaskInput input,
           CopyTarget target,
           bool own_transaction)
      : host_(host),
        ctx_(host.context()),
        session_(session),
        input_(std::move(input)),
        target_(target),
        own_(own_transaction),
        call_(ctx_) {}

  void Start() override {
    if (input_.describe_only) {
      std::string out;
      wire::AppendNoData(out);
      host_.SendToClient(out);
      host_.FinishTask({});
      return;
    }
    if (const absl::Status prepared = Prepare(); !prepared.ok()) {
      host_.FinishTask({.error = ToSqlError(prepared)});
      return;
    }
    if (!own_) {
      Invite(std::nullopt);
      return;
    }
    placement_ = ctx_.placement;
    call_.Acquire({.shard = target_.shard,
                   .role = target_.role,
                   .tenant = target_.tenant,
                   .settings = host_.settings()},
                  [this](std::optional<SqlError> error) {
                    if (error)
                      host_.FinishTask({.error = std::move(error)});
                    else
                      Execute("BEGIN",
                              [this](std::optional<SqlError> begun) { Invite(std::move(begun)); });
                  });
  }

  void Cancel() override {
    if (own_)
      call_.Cancel();
    if (!failed_)
      failed_ = SqlError{.sqlstate = "57014", .message = "canceling statement due to user request"};
  }

  void Abandon() override { call_.Abandon(); }

  bool WantsCopy() const override { return invited_ && !busy_ && !ended_; }

  void OnCopyMessage(const wire::Frame& frame) override {
    if (frame.type == wire::client::kCopyData) {
      if (!failed_)
        reader_->Feed(frame.body);
    } else if (frame.type == wire::client::kCopyFail) {
      ended_ = true;
      if (!failed_) {
        std::string_view reason = frame.body;
        if (const std::size_t zero = reason.find('\0'); zero != reason.npos)
          reason = reason.substr(0, zero);
        failed_ = SqlError{.sqlstate = "57014",
                           .message = "COPY from stdin failed: " + std::string(reason)};
      }
    } else {
      ended_ = true;
      reader_->Finish();
    }
    Continue();
  }

 private:
  using Next = absl::AnyInvocable<void(std::optional<SqlError>)>;

  absl::Status Prepare() {
    ASSIGN_OR_RETURN(const sql::CopyStatement statement, sql::ParseCopyStatement(input_.sql));
    ASSIGN_OR_RETURN(wire::CopyFormat format, FormatOf(statement));
    const TableFact* fact = ctx_.placement->tables->Find(
        statement.schema.empty() ? "public" : statement.schema, statement.table);
    columns_ = statement.columns.empty() && fact != nullptr ? fact->columns.size()
                                                            : statement.columns.size();
    head_ = "INSERT INTO ";
    if (!statement.schema.empty())
      head_ += QuoteIdentifier(statement.schema) + ".";
    head_ += QuoteIdentifier(statement.table);
    wire::CopyRowReaderOptions options;
    options.format = std::move(format);
    if (!statement.columns.empty()) {
      head_ += " (";
      for (std::size_t i = 0; i < statement.columns.size(); i++)
        head_ += (i > 0 ? ", " : "") + QuoteIdentifier(statement.columns[i]);
      head_ += ")";
      options.columns = statement.columns;
    } else if (fact != nullptr) {
      for (const ColumnFact& column : fact->columns)
        options.columns.push_back(column.name);
    }
    // COPY writes identity columns whatever they say of themselves.
    head_ += " OVERRIDING SYSTEM VALUE VALUES ";
    reader_ = std::make_unique<wire::CopyRowReader>(std::move(options));
    return absl::OkStatus();
  }

  void Execute(const std::string& sql, Next next) {
    busy_ = true;
    std::string out;
    wire::AppendQuery(out, sql);
    auto done = [this, next = std::move(next)](std::optional<SqlError> error) mutable {
      busy_ = false;
      next(std::move(error));
    };
    if (own_)
      call_.Run(std::move(out), 1, nullptr, std::move(done));
    else
      session_.RunInTransaction(std::move(out), 1, std::move(done));
  }

  void Invite(std::optional<SqlError> error) {
    if (error) {
      call_.Abandon();
      host_.FinishTask({.error = std::move(error)});
      return;
    }
    std::string out(1, wire::backend::kCopyInResponse);
    AppendUint32(out, static_cast<uint32_t>(4 + 1 + 2 + 2 * columns_));
    out += '\0';
    AppendUint16(out, static_cast<uint16_t>(columns_));
    for (std::size_t i = 0; i < columns_; i++)
      AppendUint16(out, 0);
    host_.SendToClient(out);
    invited_ = true;
    host_.ResumeInput();
  }

  // Takes rows out of the reader; sends a batch when it is full, or the last one at the end.
  void Continue() {
    while (!busy_ && !failed_) {
      const auto more = reader_->Next(row_);
      if (!more.ok()) {
        failed_ = ToSqlError(more.status());
        break;
      }
      if (!*more) {
        if (!ended_)
          return;
        if (batch_rows_ > 0) {
          SendBatch();
          return;
        }
        End();
        return;
      }
      if (const absl::Status added = AddRow(); !added.ok()) {
        failed_ = ToSqlError(added);
        break;
      }
      if (batch_rows_ >= kBatchRowsMax || batch_.size() >= kBatchBytesMax) {
        SendBatch();
        return;
      }
    }
    if (failed_ && ended_ && !busy_)
      End();
  }

  absl::Status AddRow() {
    batch_ += batch_rows_ == 0 ? head_ : ", ";
    batch_ += '(';
    for (std::size_t i = 0; i < row_.size(); i++) {
      if (i > 0)
        batch_ += ", ";
      RETURN_IF_ERROR(wire::AppendSqlLiteral(
          batch_, row_[i] ? std::optional<std::string_view>(*row_[i]) : std::nullopt));
    }
    batch_ += ')';
    batch_rows_++;
    rows_++;
    return absl::OkStatus();
  }

  void SendBatch() {
    const std::string sql = std::exchange(batch_, {});
    batch_rows_ = 0;
    Execute(sql, [this](std::optional<SqlError> error) {
      if (error && !failed_) {
        failed_ = std::move(error);
        failed_->position = 0;  // it counts in our INSERT, which the client never saw
        failed_->detail +=
            (failed_->detail.empty() ? "" : " ") +
            ("COPY, a row up to line " + std::to_string(reader_->line_number()) + ".");
      }
      Continue();
      if (!ended_)
        host_.ResumeInput();
    });
  }

  void End() {
    if (std::exchange(ending_, true))
      return;
    if (!own_) {
      Finish();
      return;
    }
    Execute(failed_ ? "ROLLBACK" : "COMMIT", [this](std::optional<SqlError> error) {
      if (error && !failed_)
        failed_ = std::move(error);
      Finish();
    });
  }

  void Finish() {
    call_.Release();
    if (failed_) {
      host_.FinishTask({.error = failed_});
      return;
    }
    std::string out;
    wire::AppendCommandComplete(out, "COPY " + std::to_string(rows_));
    host_.SendToClient(out);
    host_.FinishTask({});
  }

  TaskHost& host_;
  WorkerContext& ctx_;
  CopyBackend& session_;
  TaskInput input_;
  CopyTarget target_;
  bool own_;
  BackendCall call_;
  std::shared_ptr<const catalog::Placement> placement_;
  std::unique_ptr<wire::CopyRowReader> reader_;
  wire::CopyRow row_;
  std::string head_;
  std::string batch_;
  std::size_t batch_rows_ = 0;
  std::size_t columns_ = 0;
  uint64_t rows_ = 0;
  std::optional<SqlError> failed_;
  bool invited_ = false;
  bool busy_ = false;
  bool ended_ = false;
  bool ending_ = false;
};

}  // namespace

std::unique_ptr<Task> MakeCopyTask(TaskHost& host,
                                   CopyBackend& session,
                                   const plan::StatementPlan&,
                                   TaskInput input,
                                   CopyTarget target,
                                   bool own_transaction) {
  return std::make_unique<CopyTask>(host, session, std::move(input), target, own_transaction);
}

}  // namespace pgreeve::session
