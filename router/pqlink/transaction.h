// BEGIN … COMMIT as a scope: what leaves it without Commit() is rolled back.
#pragma once

#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/pqlink/connection.h"

namespace pgreeve::pqlink {

class Transaction {
 public:
  // `mode` is what follows BEGIN, e.g. "ISOLATION LEVEL REPEATABLE READ READ ONLY".
  static absl::StatusOr<Transaction> Begin(Connection& connection, std::string_view mode = "");
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // Errors: the server's; 08007 when the connection broke while committing (outcome unknown).
  absl::Status Commit();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}

  Connection* connection_;
};

}  // namespace pgreeve::pqlink
