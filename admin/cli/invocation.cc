#include "admin/cli/invocation.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

constexpr char kConfigError[] = "F0000";  // config_file_error of Postgres

pqlink::ConnectOptions LinkOptions() {
  pqlink::ConnectOptions options;
  options.connect_timeout = absl::Seconds(5);
  options.statement_timeout = absl::Seconds(60);
  options.application_name = "pgreevectl";
  return options;
}

}  // namespace

absl::Status Invocation::Prepare() {
  ASSIGN_OR_RETURN(format_, ParseFormat(format_name));
  const char* no_color = std::getenv("NO_COLOR");
  color_ = people() && isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
  return absl::OkStatus();
}

absl::StatusOr<metastore::CatalogClient*> Invocation::Catalog() {
  if (catalog_ == nullptr) {
    if (catalog_dsn.empty())
      return SqlStatus(kConfigError,
                       "no catalog was named",
                       "",
                       "Give --catalog DSN, or set PGREEVE_CATALOG_DSN "
                       "(postgresql://user@host:port/database).");
    ASSIGN_OR_RETURN(catalog_, metastore::CatalogClient::Open(catalog_dsn, LinkOptions()));
  }
  return catalog_.get();
}

absl::StatusOr<std::unique_ptr<pqlink::Connection>> Invocation::Operator() {
  const char* dsn = std::getenv("PGREEVE_OPERATOR_DSN");
  if (dsn == nullptr || *dsn == '\0')
    return SqlStatus(kConfigError,
                     "no router was named",
                     "",
                     "Set PGREEVE_OPERATOR_DSN to a router's address with a login of scope "
                     "operator (postgresql://ops:…@host:6432/app).");
  return pqlink::Connection::Open(dsn, LinkOptions());
}

absl::StatusOr<TenantId> Invocation::ReadTenant(std::string_view text) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, Catalog());
  ASSIGN_OR_RETURN(const TenantType type, catalog->GetTenantType());
  return TenantId::FromText(type, text);
}

std::string Invocation::Actor() {
  const passwd* user = getpwuid(getuid());
  return fmt::format("pgreevectl:{}", user != nullptr ? user->pw_name : std::to_string(getuid()));
}

void Invocation::Print(const Table& table) const {
  Write(table.Render(format_, color_));
}

void Invocation::Done(std::string_view sentence, const Table& row) const {
  if (people())
    Write(fmt::format("{}\n", sentence));
  else
    Print(row);
}

void Invocation::Write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Invocation::Remark(std::string_view text) {
  std::fflush(stdout);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

std::string ErrorText(const absl::Status& status) {
  const SqlError error = ToSqlError(status);
  std::string text = fmt::format("pgreevectl: error: {}\n", Printable(error.message));
  if (!error.detail.empty())
    text += fmt::format("DETAIL:  {}\n", Printable(error.detail));
  if (!error.hint.empty())
    text += fmt::format("HINT:  {}\n", Printable(error.hint));
  return text;
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok())
    return kExitOk;
  return ToSqlError(status).sqlstate == kConfigError ? kExitConfig : kExitFailed;
}

}  // namespace pgreeve::cli
