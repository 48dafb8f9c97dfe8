// pgreeve-rebalancer: reads the command line and the settings file, runs until SIGTERM.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "config/load.h"
#include "config/validate.h"
#include "rebalancer/process.h"
#include "router/base/status.h"
#include "router/log/log.h"

namespace {

using namespace pgreeve;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfig = 78;

constexpr std::pair<std::string_view, config::LogLevel> kLevels[] = {
    {"debug", config::LogLevel::kDebug},
    {"info", config::LogLevel::kInfo},
    {"warning", config::LogLevel::kWarning},
    {"error", config::LogLevel::kError}};

struct Flags {
  std::string config;
  std::string catalog;
  std::string http;
  std::string id;
  std::string log_level;
  std::string log_format;
  bool check_config = false;
  bool print_defaults = false;
};

void Declare(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version,-V", "pgreeve-rebalancer " PGREEVE_VERSION);
  app.add_option("--config", flags.config, "Settings file; the flags below win over it")
      ->type_name("FILE");
  app.add_option("--catalog", flags.catalog, "The catalog database, as a libpq DSN")
      ->type_name("DSN");
  app.add_option("--http", flags.http, "Where metrics and probes are served; \"none\": nowhere")
      ->type_name("HOST:PORT");
  app.add_option("--id", flags.id, "Name of this rebalancer, unique in the fleet")
      ->type_name("NAME");
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--log-format", flags.log_format, "json or logfmt")
      ->check(CLI::IsMember({"json", "logfmt"}));
  app.add_flag("--check-config", flags.check_config, "Check the settings file and end");
  app.add_flag("--print-defaults", flags.print_defaults, "Print a settings file to start from");
  app.footer(
      "\nExample:\n  pgreeve-rebalancer --catalog postgresql://pgreeve@cat1/pgreeve --id rb1 "
      "--http 127.0.0.1:9091\n"
      "Any number may run; one leads, the others take over when it goes.");
}

// The file, or the defaults without one, under the flags; all checked by the file's rules.
config::Loaded<config::RebalancerSettings> Settle(const Flags& flags, const std::string& toml) {
  auto loaded = config::ParseRebalancer(toml);
  // Findings without a line are about the whole, to which the flags belong.
  std::erase_if(loaded.problems, [](const config::Problem& problem) { return problem.line == 0; });
  config::RebalancerSettings& settings = loaded.settings;
  if (!flags.catalog.empty())
    settings.catalog_dsn = flags.catalog;
  if (!flags.http.empty())
    settings.listen_http = flags.http == "none" ? "" : flags.http;
  if (!flags.id.empty())
    settings.rebalancer_id = flags.id;
  if (!flags.log_format.empty())
    settings.log.format =
        flags.log_format == "logfmt" ? config::LogFormat::kLogfmt : config::LogFormat::kJson;
  for (const auto& [name, level] : kLevels) {
    if (flags.log_level == name)
      settings.log.level = level;
  }
  if (loaded.ok())
    loaded.problems = config::Validate(settings);
  return loaded;
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr)
    return std::nullopt;
  std::string text;
  char chunk[4096];
  while (const std::size_t n = std::fread(chunk, 1, sizeof chunk, file))
    text.append(chunk, n);
  std::fclose(file);
  return text;
}

void ConfigureLog(const config::RebalancerSettings& settings) {
  log::Options options;
  options.component = "rebalancer";
  options.id = settings.rebalancer_id;
  options.level = static_cast<log::Level>(settings.log.level);
  options.format =
      settings.log.format == config::LogFormat::kLogfmt ? log::Format::kLogfmt : log::Format::kJson;
  log::Configure(options);
}

rebalancer::ProcessOptions ToOptions(const config::RebalancerSettings& settings) {
  rebalancer::ProcessOptions options;
  options.id = settings.rebalancer_id;
  options.catalog_dsn = settings.catalog_dsn;
  options.lease = settings.lease;
  options.poll = settings.poll;
  options.measure_interval = settings.measure_interval;
  options.shard_creations_max = settings.shard_creations_max;
  options.http = !settings.listen_http.empty();
  if (options.http) {
    const auto endpoint = config::ParseEndpoint(settings.listen_http);  // validated before
    options.http_address = endpoint.ok() ? endpoint->host : "";
    options.http_port = endpoint.ok() ? endpoint->port : uint16_t{0};
  }
  return options;
}

int Run(const config::RebalancerSettings& settings) {
  ConfigureLog(settings);
  // Before the first thread, so that all inherit the mask and only sigwait sees these.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto process = rebalancer::Process::Start(ToOptions(settings));
  if (!process.ok()) {
    log::Error("start_failed", ToSqlError(process.status()).message);
    return kExitFailed;
  }
  log::Info("started",
            "rebalancer runs",
            {{"version", PGREEVE_VERSION}, {"http_port", (*process)->http_port()}});
  int signal = 0;
  do {
    sigwait(&signals, &signal);
    if (signal == SIGHUP)
      log::Info("reload", "nothing to reload: restart to change settings");
  } while (signal == SIGHUP);
  log::Info("stopping", "ends after what it is doing", {{"signal", signal}});
  // A second signal ends the process at once: every step can be repeated by the next leader.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  process->reset();
  log::Info("stopped", "rebalancer ended");
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures tenants, makes shards, resolves transactions of dead routers.",
               "pgreeve-rebalancer");
  Flags flags;
  Declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  if (flags.print_defaults) {
    std::fputs(config::DefaultsFile("rebalancer").c_str(), stdout);
    return EXIT_SUCCESS;
  }
  std::string toml;
  if (!flags.config.empty()) {
    auto text = ReadFile(flags.config);
    if (!text) {
      std::fprintf(stderr, "pgreeve-rebalancer: cannot read %s\n", flags.config.c_str());
      return kExitConfig;
    }
    toml = *std::move(text);
  }
  const auto loaded = Settle(flags, toml);
  const std::string file = flags.config.empty() ? "(command line)" : flags.config;
  for (const config::Problem& problem : loaded.problems)
    std::fprintf(stderr, "%s\n", config::ToString(problem, file).c_str());
  if (!loaded.ok())
    return kExitConfig;
  if (flags.check_config)
    return EXIT_SUCCESS;
  return Run(loaded.settings);
}
