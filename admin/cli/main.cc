// pgreevectl: parses the command line, runs one command, tells how it ended.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "admin/cli/commands.h"
#include "admin/cli/invocation.h"

int main(int argc, char** argv) {
  using namespace pgreeve;
  CLI::App app("", "pgreevectl");
  cli::Invocation invocation;
  cli::Commands commands(app);
  cli::BuildCommands(commands, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kExitOk : cli::kExitUsage;
  }
  absl::Status status = invocation.Prepare();
  int code = cli::kExitOk;
  if (status.ok()) {
    absl::StatusOr<int> ended = commands.chosen()(invocation);
    status = ended.status();
    code = ended.value_or(cli::ExitCodeOf(status));
  } else {
    code = cli::kExitUsage;
  }
  std::fflush(stdout);
  if (!status.ok())
    std::fputs(cli::ErrorText(status).c_str(), stderr);
  return code;
}
