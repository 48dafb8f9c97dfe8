#include "router/pqlink/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <absl/time/clock.h>
#include <libpq-fe.h>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::pqlink {
namespace {

// How long after statement_timeout an answer may still be on its way.
constexpr absl::Duration kAnswerMargin = absl::Seconds(5);
constexpr absl::Duration kConnectTimeoutMin = absl::Seconds(2);  // libpq rounds lower values up

std::string Trimmed(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' '))
    out.pop_back();
  return out;
}

std::string Field(const pg_result* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value == nullptr ? "" : value;
}

absl::Status ErrorOf(const pg_result* result, const pg_conn* connection) {
  const std::string sqlstate = Field(result, PG_DIAG_SQLSTATE);
  if (sqlstate.empty())
    return SqlStatus("08006",
                     "connection to Postgres broke: " + Trimmed(PQerrorMessage(connection)));
  return SqlStatus(sqlstate,
                   Field(result, PG_DIAG_MESSAGE_PRIMARY),
                   Field(result, PG_DIAG_MESSAGE_DETAIL),
                   Field(result, PG_DIAG_MESSAGE_HINT));
}

bool IsError(const pg_result* result) {
  switch (PQresultStatus(result)) {
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
    case PGRES_PIPELINE_SYNC:
      return false;
    default:
      return true;
  }
}

int PollMilliseconds(absl::Duration left) {
  if (left == absl::InfiniteDuration())
    return -1;
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

void DropNotice(void* /*context*/, const char* /*message*/) {}

}  // namespace

Param Param::Bytes(std::string_view bytes) {
  return {"\\x" + ToHex(bytes)};
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& dsn,
                                                             const ConnectOptions& options) {
  const std::string timeout =
      std::to_string(absl::ToInt64Seconds(std::max(options.connect_timeout, kConnectTimeoutMin)));
  // A half-open connection is noticed by the kernel too, not only by our deadline.
  const char* keywords[] = {"dbname",
                            "connect_timeout",
                            "fallback_application_name",
                            "client_encoding",
                            "keepalives_idle",
                            "tcp_user_timeout",
                            nullptr};
  const char* values[] = {dsn.c_str(),
                          timeout.c_str(),
                          options.application_name.c_str(),
                          "UTF8",
                          "10",
                          "15000",
                          nullptr};
  pg_conn* raw = PQconnectdbParams(keywords, values, /*expand_dbname=*/1);
  if (raw == nullptr)
    return SqlStatus("53200", "out of memory");
  std::unique_ptr<Connection> connection(new Connection(raw));
  if (PQstatus(raw) != CONNECTION_OK)
    return SqlStatus("08001", "cannot connect to Postgres: " + Trimmed(PQerrorMessage(raw)));
  PQsetNoticeProcessor(raw, DropNotice, nullptr);
  RETURN_IF_ERROR(connection->SetStatementTimeout(options.statement_timeout));
  return connection;
}

Connection::~Connection() {
  PQfinish(connection_);
}

absl::Status Connection::Broken(std::string_view what) {
  // Never used again: what the server still sends belongs to a statement we have given up.
  broken_ = true;
  return SqlStatus("08006",
                   "connection to Postgres broke: " + std::string(what),
                   Trimmed(PQerrorMessage(connection_)));
}

absl::Status Connection::WaitReadable(absl::Time deadline) {
  while (true) {
    const absl::Duration left =
        deadline == absl::InfiniteFuture() ? absl::InfiniteDuration() : deadline - absl::Now();
    if (left <= absl::ZeroDuration())
      return Broken("no answer in time");
    pollfd wait[] = {{PQsocket(connection_), POLLIN, 0}, {interrupt_fd_, POLLIN, 0}};
    const int ready = poll(wait, interrupt_fd_ >= 0 ? 2 : 1, PollMilliseconds(left));
    if (ready > 0 && interrupt_fd_ >= 0 && wait[1].revents != 0)
      return Broken("interrupted");
    if (ready > 0)
      return absl::OkStatus();
    if (ready < 0 && errno != EINTR)
      return Broken(std::strerror(errno));
  }
}

// Reads all results of what was sent; the last one counts, the first error wins. Stops at a COPY.
absl::StatusOr<Result> Connection::Collect() {
  const absl::Time deadline = statement_timeout_ == absl::InfiniteDuration()
                                  ? absl::InfiniteFuture()
                                  : absl::Now() + statement_timeout_ + kAnswerMargin;
  Result last;
  absl::Status error;
  while (true) {
    while (PQisBusy(connection_) != 0) {
      RETURN_IF_ERROR(WaitReadable(deadline));
      if (PQconsumeInput(connection_) == 0)
        return Broken("the server closed it");
    }
    pg_result* raw = PQgetResult(connection_);
    if (raw == nullptr)
      break;
    Result result(raw);
    if (IsError(raw)) {
      if (error.ok())
        error = ErrorOf(raw, connection_);
    } else {
      last = std::move(result);
      const ExecStatusType kind = PQresultStatus(raw);
      if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT)
        break;
    }
  }
  if (!error.ok())
    return error;
  return last;
}

absl::StatusOr<Result> Connection::Exec(std::string_view sql, std::span<const Param> params) {
  if (!ok())
    return Broken("it is closed");
  std::vector<const char*> values;
  values.reserve(params.size());
  for (const Param& param : params)
    values.push_back(param.data());
  const std::string text(sql);
  if (PQsendQueryParams(connection_,
                        text.c_str(),
                        static_cast<int>(values.size()),
                        nullptr,
                        values.data(),
                        nullptr,
                        nullptr,
                        /*resultFormat=*/0) == 0)
    return Broken("cannot send");
  return Collect();
}

absl::StatusOr<Result> Connection::Exec(std::string_view sql, std::initializer_list<Param> params) {
  return Exec(sql, std::span<const Param>(params.begin(), params.size()));
}

absl::Status Connection::ExecScript(std::string_view sql) {
  if (!ok())
    return Broken("it is closed");
  const std::string text(sql);
  if (PQsendQuery(connection_, text.c_str()) == 0)
    return Broken("cannot send");
  return Collect().status();
}

absl::StatusOr<int64_t> Connection::CopyIn(std::string_view sql,
                                           const std::function<bool(std::string&)>& next) {
  RETURN_IF_ERROR(ExecScript(sql));
  std::string chunk;
  for (bool more = true; more;) {
    chunk.clear();
    more = next(chunk);
    if (!chunk.empty() &&
        PQputCopyData(connection_, chunk.data(), static_cast<int>(chunk.size())) != 1)
      return Broken("cannot send COPY data");
  }
  if (PQputCopyEnd(connection_, nullptr) != 1)
    return Broken("cannot end COPY");
  ASSIGN_OR_RETURN(const Result result, Collect());
  return result.affected();
}

absl::Status Connection::CopyOut(std::string_view sql,
                                 const std::function<absl::Status(std::string_view)>& take) {
  RETURN_IF_ERROR(ExecScript(sql));
  absl::Status taken;
  while (true) {
    char* row = nullptr;
    const int size = PQgetCopyData(connection_, &row, /*async=*/1);
    if (size > 0) {
      if (taken.ok())
        taken = take({row, static_cast<std::size_t>(size)});
      PQfreemem(row);
      continue;
    }
    if (size < 0)
      break;
    // The rows of one COPY may take any time, a pause between two of them may not.
    RETURN_IF_ERROR(WaitReadable(absl::Now() + kAnswerMargin + statement_timeout_));
    if (PQconsumeInput(connection_) == 0)
      return Broken("the server closed it");
  }
  RETURN_IF_ERROR(Collect().status());
  return taken;
}

absl::StatusOr<std::vector<Notification>> Connection::WaitNotifications(absl::Duration timeout,
                                                                        int wake_fd) {
  std::vector<Notification> notes;
  const auto drain = [&] {
    while (PGnotify* note = PQnotifies(connection_)) {
      notes.push_back({note->relname, note->extra});
      PQfreemem(note);
    }
  };
  drain();
  if (!notes.empty())
    return notes;
  pollfd wait[] = {{PQsocket(connection_), POLLIN, 0}, {wake_fd, POLLIN, 0}};
  const int ready = poll(wait, wake_fd >= 0 ? 2 : 1, PollMilliseconds(timeout));
  if (ready > 0 && wait[0].revents != 0 && PQconsumeInput(connection_) == 0)
    return Broken("the server closed it");
  drain();
  return notes;
}

absl::Status Connection::SetStatementTimeout(absl::Duration timeout) {
  const int64_t milliseconds =
      timeout == absl::InfiniteDuration() ? 0 : absl::ToInt64Milliseconds(timeout);
  statement_timeout_ = timeout;
  return ExecScript("SET statement_timeout = " + std::to_string(milliseconds));
}

absl::StatusOr<std::string> Connection::EncryptPassword(const std::string& user,
                                                        const std::string& password) {
  char* verifier =
      PQencryptPasswordConn(connection_, password.c_str(), user.c_str(), "scram-sha-256");
  if (verifier == nullptr)
    return SqlStatus("XX000", Trimmed(PQerrorMessage(connection_)));
  std::string out = verifier;
  PQfreemem(verifier);
  return out;
}

bool Connection::ok() const {
  return !broken_ && PQstatus(connection_) == CONNECTION_OK;
}

int Connection::backend_pid() const {
  return PQbackendPID(connection_);
}

int Connection::server_version() const {
  return PQserverVersion(connection_);
}

bool Connection::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(connection_);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool Connection::failed_transaction() const {
  return PQtransactionStatus(connection_) == PQTRANS_INERROR;
}

absl::StatusOr<std::string> WithDatabase(const std::string& dsn, std::string_view database) {
  char* error = nullptr;
  PQconninfoOption* options = PQconninfoParse(dsn.c_str(), &error);
  if (options == nullptr) {
    const std::string message = Trimmed(error);
    PQfreemem(error);
    return SqlStatus("22023", "not a connection string", message);
  }
  std::string out;
  const auto append = [&out](std::string_view keyword, std::string_view value) {
    out += out.empty() ? "" : " ";
    out += keyword;
    out += "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\')
        out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('\'');
  };
  for (const PQconninfoOption* option = options; option->keyword != nullptr; option++) {
    if (option->val != nullptr && std::strcmp(option->keyword, "dbname") != 0)
      append(option->keyword, option->val);
  }
  PQconninfoFree(options);
  append("dbname", database);
  return out;
}

std::string QuoteLiteral(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out.push_back(c);
    if (c == '\'')
      out.push_back(c);
  }
  out.push_back('\'');
  return out;
}

std::string QuoteIdentifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out.push_back(c);
    if (c == '"')
      out.push_back(c);
  }
  out.push_back('"');
  return out;
}

std::string ArrayLiteral(std::span<const std::string> elements) {
  std::string out = "{";
  for (const std::string& element : elements) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (const char c : element) {
      if (c == '"' || c == '\\')
        out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  out.push_back('}');
  return out;
}

}  // namespace pgreeve::pqlink
