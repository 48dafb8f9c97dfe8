// One run of pgreevectl: the options that hold for every command, where output goes, and the
// connections that a command asks for. Main thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "admin/cli/output.h"
#include "router/base/tenant_id.h"
#include "router/metastore/catalog_client.h"
#include "router/pqlink/connection.h"

namespace pgreeve::cli {

// What a process says to its caller. Part of the interface.
constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;   // the command ran and failed, or the doctor found errors
constexpr int kExitUsage = 2;    // the command line cannot be understood
constexpr int kExitConfig = 78;  // EX_CONFIG: a setting is missing or wrong

class Invocation {
 public:
  // Filled by the command line parser.
  std::string catalog_dsn;
  std::string format_name = "table";

  // Checks the options that hold for every command. Errors: 22023.
  absl::Status Prepare();

  // Connects on first use. Errors: F0000 without a DSN, 08xxx.
  absl::StatusOr<metastore::CatalogClient*> Catalog();

  // A router, as an operator. Errors: F0000 when PGREEVE_OPERATOR_DSN is not set, 08xxx.
  absl::StatusOr<std::unique_ptr<pqlink::Connection>> Operator();

  // Reads a tenant id as the fleet's type. Errors: 22P02, 22003, 22023.
  absl::StatusOr<TenantId> ReadTenant(std::string_view text);

  // For the audit: "pgreevectl:" and the name of the user who runs it.
  static std::string Actor();

  Format format() const { return format_; }

  bool people() const { return format_ == Format::kTable; }

  bool color() const { return color_; }

  void Print(const Table& table) const;

  // A sentence for people; programs get the row instead.
  void Done(std::string_view sentence, const Table& row) const;

  // To standard output, as it is.
  static void Write(std::string_view text);

  // A remark for people on standard error, which does not disturb what is piped on.
  static void Remark(std::string_view text);

 private:
  Format format_ = Format::kTable;
  bool color_ = false;
  std::unique_ptr<metastore::CatalogClient> catalog_;
};

// "pgreevectl: error: …" with DETAIL and HINT lines, and the exit code that goes with it.
std::string ErrorText(const absl::Status& status);
int ExitCodeOf(const absl::Status& status);

}  // namespace pgreeve::cli
