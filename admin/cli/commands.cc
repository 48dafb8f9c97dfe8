#include "admin/cli/commands.h"

#include <utility>

#include "admin/cli/completion.h"

namespace pgreeve::cli {

CLI::App* Commands::Group(const CommandText& text) {
  CLI::App* group = app_.add_subcommand(text.name, text.summary);
  group->require_subcommand(1);
  if (!text.example.empty())
    group->footer("\nExample:\n  " + text.example);
  return group;
}

CLI::App* Commands::Add(CLI::App* parent, const CommandText& text, Action action) {
  CLI::App* command = parent->add_subcommand(text.name, text.summary);
  command->footer("\nExample:\n  " + text.example);
  command->callback([this, action = std::move(action)] { chosen_ = action; });
  return command;
}

void AddCompletionCommand(Commands& commands) {
  CLI::App* group = commands.Group({"completion",
                                    "Print a completion script for your shell",
                                    "source <(pgreevectl completion bash)"});
  CLI::App* app = &commands.app();
  commands.Add(
      group,
      {"bash", "For bash", "pgreevectl completion bash > /etc/bash_completion.d/pgreevectl"},
      [app](Invocation&) {
        Invocation::Write(BashCompletion(CollectCompletions(*app)));
        return kExitOk;
      });
  commands.Add(group,
               {"zsh", "For zsh", "pgreevectl completion zsh > ~/.zfunc/_pgreevectl"},
               [app](Invocation&) {
                 Invocation::Write(ZshCompletion(CollectCompletions(*app)));
                 return kExitOk;
               });
}

void BuildCommands(Commands& commands, Invocation& invocation) {
  CLI::App& app = commands.app();
  app.description(
      "pgreevectl looks after a pgreeve fleet: its catalog, shards, tenants and logins.");
  app.footer(
      "\nStart with:  pgreevectl status\n"
      "Each command has its own help with an example:  pgreevectl tenant create --help\n"
      "Exit codes:  0 done, 1 failed or problems found, 2 usage, 78 a setting is missing or wrong");
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version,-V", "pgreevectl " PGREEVE_VERSION);
  app.add_option("--catalog",
                 invocation.catalog_dsn,
                 "The catalog database, as a libpq URL or key=value string")
      ->envname("PGREEVE_CATALOG_DSN")
      ->type_name("DSN");
  app.add_option("-o,--output", invocation.format_name, "How to print: table, json or csv")
      ->type_name("FORMAT")
      ->default_str("table")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  AddStatusCommand(commands);
  AddDoctorCommand(commands);
  AddTenantCommands(commands);
  AddExplainCommand(commands);
  AddLoginCommands(commands);
  AddTableCommands(commands);
  AddShardCommands(commands);
  AddNodeCommands(commands);
  AddPolicyCommands(commands);
  AddCatalogCommands(commands);
  AddCompletionCommand(commands);
}

}  // namespace pgreeve::cli
