// login create, alter, drop, list; hash-password.
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "admin/cli/lookup.h"
#include "admin/cli/password.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

struct LoginOptions {
  std::string name;
  std::string scope;
  std::string tenant;
  PasswordSource password;
  bool ask_password = false;  // alter only
  std::optional<bool> provision;
  std::optional<std::string> provision_tier;
  std::optional<std::string> provision_region;
  std::optional<bool> isolated;
  std::optional<bool> superadmin;
  std::optional<int32_t> connections_max;
};

Table LoginTable() {
  return Table({{"name"},
                {"scope"},
                {"tenant"},
                {"isolated", ColumnKind::kBool},
                {"provision", ColumnKind::kBool},
                {"provision_tier"},
                {"provision_region"},
                {"connections_max", ColumnKind::kNumber},
                {"superadmin", ColumnKind::kBool}});
}

void AddRow(Table& table, const catalog::LoginInfo& login) {
  const auto text = [](const std::string& value) { return value.empty() ? Cell() : Cell(value); };
  table.Add({login.name,
             std::string(ToString(login.scope)),
             login.tenant.empty() ? Cell() : Cell(login.tenant.Text()),
             login.isolated ? "t" : "f",
             login.provision ? "t" : "f",
             text(login.provision_tier),
             text(login.provision_region),
             login.connections_max == 0 ? Cell() : Cell(std::to_string(login.connections_max)),
             login.superadmin ? "t" : "f"});
}

catalog::LoginScope ScopeOf(const std::string& name) {
  if (name == "tenant")
    return catalog::LoginScope::kTenant;
  return name == "operator" ? catalog::LoginScope::kOperator : catalog::LoginScope::kApp;
}

// What was given on the command line replaces what `login` says.
absl::Status Merge(Invocation& invocation, const LoginOptions& options, catalog::LoginInfo& login) {
  if (!options.scope.empty())
    login.scope = ScopeOf(options.scope);
  if (!options.tenant.empty()) {
    ASSIGN_OR_RETURN(login.tenant, invocation.ReadTenant(options.tenant));
  }
  if (login.scope == catalog::LoginScope::kTenant && login.tenant.empty())
    return SqlStatus("22023",
                     "a login of scope tenant names its tenant",
                     "",
                     "Add --tenant ID, or choose --scope app or operator.");
  if (login.scope != catalog::LoginScope::kTenant && !options.tenant.empty())
    return SqlStatus(
        "22023",
        fmt::format("a login of scope {} has no tenant of its own", ToString(login.scope)),
        "",
        "Leave --tenant out, or choose --scope tenant.");
  if (login.scope != catalog::LoginScope::kTenant)
    login.tenant = TenantId();
  login.provision = options.provision.value_or(login.provision);
  login.provision_tier = options.provision_tier.value_or(login.provision_tier);
  login.provision_region = options.provision_region.value_or(login.provision_region);
  login.isolated = options.isolated.value_or(login.isolated);
  login.superadmin = options.superadmin.value_or(login.superadmin);
  login.connections_max = options.connections_max.value_or(login.connections_max);
  return absl::OkStatus();
}

absl::StatusOr<int> CreateLogin(Invocation& invocation, const LoginOptions& options) {
  catalog::LoginInfo login;
  login.name = options.name;
  login.superadmin = options.scope == "operator";
  RETURN_IF_ERROR(Merge(invocation, options, login));
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(login.verifier, ReadVerifier(options.password));
  RETURN_IF_ERROR(catalog->CreateLogin(login, Invocation::Actor()));
  Table row = LoginTable();
  AddRow(row, login);
  invocation.Done(fmt::format("Login {} created, scope {}.", login.name, ToString(login.scope)),
                  row);
  return kExitOk;
}

absl::StatusOr<int> AlterLogin(Invocation& invocation, const LoginOptions& options) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(catalog::LoginInfo login, FindLogin(*catalog, options.name));
  RETURN_IF_ERROR(Merge(invocation, options, login));
  const bool new_password = options.ask_password || !options.password.file.empty() ||
                            options.password.from_stdin || !options.password.verifier.empty();
  if (new_password) {
    ASSIGN_OR_RETURN(login.verifier, ReadVerifier(options.password));
  }
  RETURN_IF_ERROR(catalog->AlterLogin(login, Invocation::Actor()));
  Table row = LoginTable();
  AddRow(row, login);
  invocation.Done(
      fmt::format("Login {} changed{}.", login.name, new_password ? ", with a new password" : ""),
      row);
  return kExitOk;
}

absl::StatusOr<int> DropLogin(Invocation& invocation, const std::string& name) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  RETURN_IF_ERROR(catalog->DropLogin(name, Invocation::Actor()));
  Table row({{"dropped"}});
  row.Add({name});
  invocation.Done(fmt::format("Login {} dropped.", name), row);
  return kExitOk;
}

absl::StatusOr<int> ListLogins(Invocation& invocation) {
  ASSIGN_OR_RETURN(metastore::CatalogClient * catalog, invocation.Catalog());
  ASSIGN_OR_RETURN(const auto logins, catalog->ListLogins());
  Table table = LoginTable();
  for (const catalog::LoginInfo& login : logins)
    AddRow(table, login);
  invocation.Print(table);
  return kExitOk;
}

absl::StatusOr<int> HashPassword(Invocation& invocation, const PasswordSource& source) {
  ASSIGN_OR_RETURN(const std::string verifier, ReadVerifier(source));
  Table row({{"verifier"}});
  row.Add({verifier});
  invocation.Done(verifier, row);
  return kExitOk;
}

void AddPasswordOptions(CLI::App* command, PasswordSource& source) {
  CLI::Option* file = command->add_option(
      "--password-file", source.file, "Read the password from the first line of a file");
  file->type_name("FILE");
  CLI::Option* in = command->add_flag(
      "--password-stdin", source.from_stdin, "Read the password from standard input");
  in->excludes(file);
}

// --name and --no-name; without either `value` stays empty, which a flag of CLI11 bound to an
// optional does not promise.
void AddSwitch(CLI::App* command,
               const std::string& name,
               std::optional<bool>& value,
               const std::string& help) {
  CLI::Option* on = command->add_flag_callback(
      "--" + name, [&value] { value = true; }, help);
  command
      ->add_flag_callback(
          "--no-" + name, [&value] { value = false; }, "The opposite")
      ->excludes(on);
}

void AddLoginOptions(CLI::App* command, LoginOptions& options) {
  command->add_option("name", options.name, "The login")->required()->type_name("NAME");
  command
      ->add_option("--scope",
                   options.scope,
                   "tenant: one tenant only; app: one tenant a statement; operator: all of them")
      ->type_name("tenant|app|operator")
      ->check(CLI::IsMember({"tenant", "app", "operator"}));
  command->add_option("--tenant", options.tenant, "The tenant of a login of scope tenant")
      ->type_name("ID");
  AddPasswordOptions(command, options.password);
  command->add_option("--verifier", options.password.verifier, "A SCRAM verifier (hash-password)")
      ->type_name("SCRAM-SHA-256$…");
  AddSwitch(command, "provision", options.provision, "An INSERT of an unknown tenant creates it");
  command->add_option("--provision-tier", options.provision_tier, "… in this tier")
      ->type_name("TIER");
  command->add_option("--provision-region", options.provision_region, "… in this region")
      ->type_name("REGION");
  AddSwitch(command,
            "isolation",
            options.isolated,
            "Statements run under row security of the tenant (default)");
  AddSwitch(command,
            "superadmin",
            options.superadmin,
            "May use the console's verbs (default for operators)");
  command->add_option("--connections-max", options.connections_max, "Its connections to one router")
      ->type_name("N")
      ->check(CLI::Range(0, 1000000));
}

}  // namespace

void AddLoginCommands(Commands& commands) {
  CLI::App* group = commands.Group(
      {"login", "Who may connect to routers, and for whom", "pgreevectl login list"});
  auto create = std::make_shared<LoginOptions>();
  CLI::App* command = commands.Add(
      group,
      {"create",
       "Let somebody in; the password comes from a file, stdin, PGREEVE_PASSWORD or the terminal",
       "pgreevectl login create acme --scope tenant --tenant 42 --password-file acme.secret\n  "
       "pgreevectl login create shop --scope app --provision --provision-tier starter"},
      [create](Invocation& invocation) { return CreateLogin(invocation, *create); });
  AddLoginOptions(command, *create);
  command->get_option("--scope")->required();
  auto alter = std::make_shared<LoginOptions>();
  CLI::App* altered =
      commands.Add(group,
                   {"alter",
                    "Change a login; what is not given stays",
                    "pgreevectl login alter shop --no-provision --connections-max 200"},
                   [alter](Invocation& invocation) { return AlterLogin(invocation, *alter); });
  AddLoginOptions(altered, *alter);
  altered->add_flag("--password", alter->ask_password, "Ask for a new password");
  auto name = std::make_shared<std::string>();
  commands
      .Add(group,
           {"drop", "Forget a login", "pgreevectl login drop acme"},
           [name](Invocation& invocation) { return DropLogin(invocation, *name); })
      ->add_option("name", *name, "The login")
      ->required()
      ->type_name("NAME");
  commands.Add(group, {"list", "All logins", "pgreevectl login list"}, ListLogins);
  auto source = std::make_shared<PasswordSource>();
  CLI::App* hash =
      commands.Add(&commands.app(),
                   {"hash-password",
                    "Print the SCRAM verifier of a password, as the catalog stores it",
                    "pgreevectl hash-password --password-file acme.secret"},
                   [source](Invocation& invocation) { return HashPassword(invocation, *source); });
  AddPasswordOptions(hash, *source);
}

}  // namespace pgreeve::cli
