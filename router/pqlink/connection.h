// A blocking connection to Postgres over libpq, for control threads only: catalog, provisioning,
// movers. Never on a worker thread. Every wait has a deadline. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "router/pqlink/result.h"

struct pg_conn;

namespace pgreeve::pqlink {

struct ConnectOptions {
  absl::Duration connect_timeout = absl::Seconds(3);  // per host of the DSN; whole seconds, ≥ 2
  absl::Duration statement_timeout = absl::Seconds(10);  // at the server; Infinite: none
  std::string application_name = "pgreeve";
};

// A statement's parameter in text format. Strings are UTF-8 without zero bytes.
class Param {
 public:
  Param(std::nullopt_t) {}  // NOLINT(google-explicit-constructor)

  Param(std::string_view text) : text_(text) {}  // NOLINT(google-explicit-constructor)

  Param(const std::string& text) : text_(text) {}  // NOLINT(google-explicit-constructor)

  Param(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor)

  Param(bool value) : text_(value ? "true" : "false") {}  // NOLINT(google-explicit-constructor)

  Param(int32_t value) : text_(std::to_string(value)) {}  // NOLINT(google-explicit-constructor)

  Param(uint32_t value) : text_(std::to_string(value)) {}  // NOLINT(google-explicit-constructor)

  Param(int64_t value) : text_(std::to_string(value)) {}  // NOLINT(google-explicit-constructor)

  Param(uint64_t value) : text_(std::to_string(value)) {}  // NOLINT(google-explicit-constructor)

  static Param Bytes(std::string_view bytes);  // for a bytea parameter

  const char* data() const { return text_ ? text_->c_str() : nullptr; }

 private:
  std::optional<std::string> text_;
};

struct Notification {
  std::string channel;
  std::string payload;
};

class Connection {
 public:
  // `dsn` is a libpq URL or key=value string; several hosts are tried in order.
  // Errors: 08001, or the SQLSTATE of the refusal.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& dsn,
                                                          const ConnectOptions& options = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // One statement with $1… parameters. Errors carry the server's SQLSTATE, DETAIL and HINT; 08006
  // when the connection broke or the answer did not come within statement_timeout and a margin
  // (the connection is then closed).
  absl::StatusOr<Result> Exec(std::string_view sql, std::span<const Param> params);
  absl::StatusOr<Result> Exec(std::string_view sql, std::initializer_list<Param> params = {});
  // Several statements without parameters, as one simple Query (one implicit transaction).
  absl::Status ExecScript(std::string_view sql);

  // COPY … FROM STDIN: `next` appends one chunk to its argument and returns false at the end.
  absl::StatusOr<int64_t> CopyIn(std::string_view sql,
                                 const std::function<bool(std::string&)>& next);
  // COPY … TO STDOUT: `take` gets each row as it came; a status other than OK stops it.
  absl::Status CopyOut(std::string_view sql,
                       const std::function<absl::Status(std::string_view)>& take);

  // Waits until a notification came, `wake_fd` (if ≥ 0) became readable, or `timeout` passed.
  absl::StatusOr<std::vector<Notification>> WaitNotifications(absl::Duration timeout,
                                                              int wake_fd = -1);

  // Server-side limit for the statements that follow.
  absl::Status SetStatementTimeout(absl::Duration timeout);

  // When `fd` becomes readable, whatever waits for an answer gives up (08006, connection closed).
  void SetInterrupt(int fd) { interrupt_fd_ = fd; }

  // The SCRAM-SHA-256 verifier of a password, so that it does not travel or get logged in clear.
  absl::StatusOr<std::string> EncryptPassword(const std::string& user, const std::string& password);

  bool ok() const;  // false once broken; open a new one
  int backend_pid() const;
  int server_version() const;  // 150018
  bool in_transaction() const;
  bool failed_transaction() const;  // in one that only ROLLBACK ends

  pg_conn* raw() { return connection_; }

 private:
  explicit Connection(pg_conn* connection) : connection_(connection) {}

  absl::StatusOr<Result> Collect();
  absl::Status WaitReadable(absl::Time deadline);
  absl::Status Broken(std::string_view what);

  pg_conn* connection_;
  bool broken_ = false;
  int interrupt_fd_ = -1;
  absl::Duration statement_timeout_ = absl::InfiniteDuration();
};

// `dsn` (a libpq URL or key=value string) with another database name. Errors: 22023 when it is
// none.
absl::StatusOr<std::string> WithDatabase(const std::string& dsn, std::string_view database);

// 'text' quoted as an SQL literal, and "name" as an identifier (standard_conforming_strings on).
std::string QuoteLiteral(std::string_view text);
std::string QuoteIdentifier(std::string_view name);
// {"a","b"} for a parameter of an array type.
std::string ArrayLiteral(std::span<const std::string> elements);

}  // namespace pgreeve::pqlink
