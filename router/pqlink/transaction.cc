#include "router/pqlink/transaction.h"

#include <string>
#include <utility>

#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::pqlink {

absl::StatusOr<Transaction> Transaction::Begin(Connection& connection, std::string_view mode) {
  RETURN_IF_ERROR(connection.ExecScript("BEGIN " + std::string(mode)));
  return Transaction(&connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ != nullptr && connection_->ok())
    connection_->ExecScript("ROLLBACK").IgnoreError();
}

absl::Status Transaction::Commit() {
  // COMMIT of a failed transaction succeeds, as a ROLLBACK.
  if (connection_->failed_transaction())
    return SqlStatus("25P02", "the transaction has failed and cannot be committed");
  Connection& connection = *std::exchange(connection_, nullptr);
  absl::Status status = connection.ExecScript("COMMIT");
  if (!status.ok() && !connection.ok())
    return SqlStatus("08007",
                     "the connection broke while committing: outcome unknown",
                     ToSqlError(status).message);
  return status;
}

}  // namespace pgreeve::pqlink
