// Load generator: a number of clients, each with one query on its way, in one protocol mode.
//
// With --control it obeys lines on its standard input, so that a script measures between them:
//   run N     sends N queries; one line of JSON is the answer
//   open K    opens more connections until there are K
// and ends with the input. It says "ready" when all clients are logged in.
#include <cstdint>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include "bench/load/load_run.h"

namespace pgreeve::bench {
namespace {

void Print(const LoadResult& result) {
  std::cout << "{\"queries\": " << result.queries << ", \"seconds\": " << result.seconds
            << ", \"qps\": "
            << static_cast<uint64_t>(static_cast<double>(result.queries) / result.seconds)
            << ", \"received_bytes\": " << result.received_bytes << "}" << std::endl;
}

void Obey(LoadRun& run) {
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    uint64_t number = 0;
    words >> verb >> number;
    if (verb == "run" && number > 0) {
      Print(run.Run(number));
    } else if (verb == "open") {
      run.Open(number);
      std::cout << "ready" << std::endl;
    } else {
      std::cerr << "load: not understood: " << line << "\n";
      std::exit(2);
    }
  }
}

}  // namespace
}  // namespace pgreeve::bench

int main(int argc, char** argv) {
  using pgreeve::bench::Mode;
  CLI::App app{"load: many clients, each with one query on its way"};
  pgreeve::bench::LoadLogin login;
  pgreeve::bench::RequestOptions request;
  std::size_t clients = 1;
  uint64_t queries = 10'000;
  std::size_t idle = 0;
  bool control = false;
  const std::map<std::string, Mode> modes = {
      {"simple", Mode::kSimple}, {"extended", Mode::kExtended}, {"prepared", Mode::kPrepared}};
  app.add_option("--host", login.host, "IPv4 address");
  app.add_option("--port", login.port, "Port")->required();
  app.add_option("--user", login.user, "Login");
  app.add_option("--password", login.password, "Its password")->envname("PGPASSWORD");
  app.add_option("--database", login.database, "Database");
  app.add_option("--options", login.options, "As PGOPTIONS: -c name=value");
  app.add_option("--mode", request.mode, "simple, extended or prepared")
      ->transform(CLI::CheckedTransformer(modes));
  app.add_option("--query", request.sql, "SQL; {} becomes a number that changes")
      ->default_str("as pgbench -S");
  app.add_option("--param", request.parameters, "Parameters $1, $2, …");
  app.add_option("--clients", clients, "Connections");
  app.add_option("--queries", queries, "How many in all");
  app.add_option("--idle", idle, "Open so many connections, hold them until the input ends");
  app.add_flag("--control", control, "Obey lines on standard input");
  CLI11_PARSE(app, argc, argv);
  if (request.sql.empty()) {
    const bool simple = request.mode == Mode::kSimple;
    request.sql = std::string("SELECT abalance FROM pgbench_accounts WHERE aid = ") +
                  (simple ? "1234;" : "$1;");
    if (!simple && request.parameters.empty())
      request.parameters = {"1234"};
  }
  pgreeve::bench::RaiseDescriptorLimit();
  pgreeve::bench::LoadRun run(login, request);
  run.Open(idle > 0 ? idle : clients);
  if (idle == 0)
    run.Prepare();
  if (control || idle > 0)
    pgreeve::bench::Obey(run);
  else
    pgreeve::bench::Print(run.Run(queries));
  return 0;
}
