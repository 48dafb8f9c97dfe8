// explain: what a router would do with a statement, from EXPLAIN (ROUTE).
#include <memory>
#include <string>

#include <fmt/format.h>

#include "admin/cli/commands.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

struct ExplainOptions {
  std::string sql;
  std::string tenant;
};

absl::StatusOr<int> Explain(Invocation& invocation, const ExplainOptions& options) {
  ASSIGN_OR_RETURN(const auto router, invocation.Operator());
  if (!options.tenant.empty())
    RETURN_IF_ERROR(router->ExecScript(
        fmt::format("SET pgreeve.tenant = {}", pqlink::QuoteLiteral(options.tenant))));
  ASSIGN_OR_RETURN(const auto answer, router->Exec("EXPLAIN (ROUTE) " + options.sql));
  if (invocation.people()) {
    for (int i = 0; i < answer.rows(); ++i)
      Invocation::Write(fmt::format("{}\n", answer.Text(i, 0)));
    return kExitOk;
  }
  std::vector<Column> columns;
  for (int c = 0; c < answer.columns(); ++c)
    columns.push_back({std::string(answer.ColumnName(c))});
  Table table(std::move(columns));
  for (int i = 0; i < answer.rows(); ++i) {
    std::vector<Cell> cells;
    for (int c = 0; c < answer.columns(); ++c)
      cells.push_back(answer.IsNull(i, c) ? Cell() : Cell(answer.Text(i, c)));
    table.Add(std::move(cells));
  }
  invocation.Print(table);
  return kExitOk;
}

}  // namespace

void AddExplainCommand(Commands& commands) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* explain = commands.Add(
      &commands.app(),
      {"explain",
       "Which tenant, which shards, which SQL: how a router would run a statement (it does not)",
       "PGREEVE_OPERATOR_DSN=postgresql://ops@router1:6432/app \\\n"
       "    pgreevectl explain 'SELECT count(*) FROM events'"},
      [options](Invocation& invocation) { return Explain(invocation, *options); });
  explain->add_option("sql", options->sql, "The statement")->required()->type_name("SQL");
  explain->add_option("--tenant", options->tenant, "As a session bound to this tenant")
      ->type_name("ID");
}

}  // namespace pgreeve::cli
