// pgreeve-router: reads its settings, runs the server.
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "config/load.h"
#include "router/server.h"
#include "router/sql/pg_tree.h"

namespace {

constexpr int kExitRuntime = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;  // EX_CONFIG

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "pgreeve-router: a PostgreSQL wire-protocol router for multi-tenant fleets.\n"
      "Example: pgreeve-router --config /etc/pgreeve/pgreeve.toml"};
  std::string path;
  bool check = false;
  bool effective = false;
  bool defaults = false;
  bool page = false;
  app.add_option("-c,--config", path, "Settings file (TOML)");
  app.add_flag("--check-config", check, "Check the settings file and end");
  app.add_flag("--print-effective", effective, "Print the settings in force and end");
  app.add_flag("--print-defaults", defaults, "Print a settings file with every setting and end");
  app.add_flag("--settings-doc", page, "Print the reference page of all settings and end");
  app.set_version_flag("--version", std::string("pgreeve-router ") + PGREEVE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kExitUsage;
  }
  if (defaults || page) {
    std::cout << (page ? pgreeve::config::ReferencePage()
                       : pgreeve::config::DefaultsFile("router"));
    return 0;
  }
  if (path.empty()) {
    std::cerr << "pgreeve-router: --config is missing\nHint: --print-defaults prints a file to "
                 "start from.\n";
    return kExitUsage;
  }
  const auto settings = pgreeve::config::LoadRouter(path);
  if (!settings.ok()) {
    std::cerr << settings.status().message() << "\n";
    return kExitConfig;
  }
  if (effective)
    std::cout << pgreeve::config::Effective(*settings);
  if (check || effective) {
    if (check)
      std::cout << path << ": ok\n";
    return 0;
  }
  if (const absl::Status test = pgreeve::sql::SelfTest(); !test.ok()) {
    std::cerr << "pgreeve-router: " << test.message() << "\n";
    return kExitRuntime;
  }
  pgreeve::server::Server server(*settings, path);
  if (const absl::Status run = server.Run(); !run.ok()) {
    std::cerr << "pgreeve-router: " << run.message() << "\n";
    return kExitRuntime;
  }
  return 0;
}
