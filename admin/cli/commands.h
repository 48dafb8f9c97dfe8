// The command tree: each group of commands adds itself from a file of its own. Parsing only notes
// which command was meant; running it comes after. Main thread only.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>
#include <absl/status/statusor.h>

#include "admin/cli/invocation.h"

namespace pgreeve::cli {

// Returns the exit code.
using Action = std::function<absl::StatusOr<int>(Invocation&)>;

struct CommandText {
  std::string name;
  std::string summary;  // one line, for the list of commands
  std::string example;  // one line or more, shown below the help
};

class Commands {
 public:
  explicit Commands(CLI::App& app) : app_(app) {}

  CLI::App& app() { return app_; }

  // "pgreevectl <name> …" with commands inside, one of which must be given.
  CLI::App* Group(const CommandText& text);

  // A command below `parent`; `action` runs when it was typed.
  CLI::App* Add(CLI::App* parent, const CommandText& text, Action action);

  // Null: none was typed.
  const Action& chosen() const { return chosen_; }

 private:
  CLI::App& app_;
  Action chosen_;
};

void AddCatalogCommands(Commands& commands);
void AddNodeCommands(Commands& commands);
void AddShardCommands(Commands& commands);
void AddPolicyCommands(Commands& commands);
void AddTenantCommands(Commands& commands);
void AddLoginCommands(Commands& commands);
void AddTableCommands(Commands& commands);
void AddStatusCommand(Commands& commands);
void AddExplainCommand(Commands& commands);
void AddDoctorCommand(Commands& commands);
void AddCompletionCommand(Commands& commands);

// The whole tree with the options that hold everywhere, which fill `invocation`.
void BuildCommands(Commands& commands, Invocation& invocation);

}  // namespace pgreeve::cli
