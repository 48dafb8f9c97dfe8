// What routing a text costs: the lexer alone, a plan from the cache, a plan that must parse.
// Compare with a whole query through a bare forwarder: about 10 µs of CPU.
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "router/plan/planner.h"
#include "router/sql/lexer.h"

namespace {

using namespace pgreeve;  // NOLINT

// 57 bytes, as pgbench -S sends it.
constexpr std::string_view kPoint = "SELECT abalance FROM pgbench_accounts WHERE aid = 912345;";
constexpr std::string_view kKeyed =
    "SELECT id, kind, created_at FROM events WHERE customer_id = 2 AND id = 912345";

std::string OrmQuery() {
  std::string sql = "SELECT ";
  for (int i = 0; i < 30; ++i)
    sql += (i > 0 ? ", " : "") + std::string("\"events\".\"column_number_") + std::to_string(i) +
           "\" AS \"t0_c" + std::to_string(i) + "\"";
  return sql +
         " FROM \"events\" INNER JOIN \"orders\" ON \"orders\".\"customer_id\" = "
         "\"events\".\"customer_id\" WHERE \"events\".\"customer_id\" = 2 AND "
         "\"events\".\"kind\" = 'push' AND \"orders\".\"state\" IN ('a', 'b', 'c') ORDER BY "
         "\"events\".\"id\" DESC LIMIT 20";
}

std::string InsertRows(int rows) {
  std::string sql = "INSERT INTO events (id, customer_id, kind) VALUES ";
  for (int i = 0; i < rows; ++i)
    sql += (i > 0 ? ", (" : "(") + std::to_string(1000 + i) + ", 2, 'some kind of event')";
  return sql;
}

std::string TextOf(int number) {
  switch (number) {
    case 0:
      return std::string(kPoint);
    case 1:
      return std::string(kKeyed);
    case 2:
      return OrmQuery();
    default:
      return InsertRows(100);
  }
}

std::shared_ptr<const catalog::Placement> MakePlacement() {
  auto placement = std::make_shared<catalog::Placement>();
  placement->schema_epoch = 1;
  placement->tenant_type = TenantType::kBigint;
  catalog::TenantInfo tenant;
  tenant.id = TenantId::FromBigint(2);
  tenant.shard = {1};
  placement->PutTenant(std::move(tenant));
  auto tables = std::make_shared<TableSet>();
  for (const char* name : {"events", "orders"})
    tables->Add({"public", name, TableKind::kSharded, "customer_id", {}});
  tables->Add({"public", "pgbench_accounts", TableKind::kReference, "", {}});
  placement->tables = std::move(tables);
  return placement;
}

void Lexer(benchmark::State& state) {
  const std::string sql = TextOf(static_cast<int>(state.range(0)));
  sql::LexedText lexed;
  for (auto _ : state) {
    sql::Lex(sql, true, 1, lexed);
    benchmark::DoNotOptimize(lexed.hash);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(sql.size()));
}

void BoundSessionHit(benchmark::State& state) {
  const auto placement = MakePlacement();
  plan::Planner planner;
  planner.SetPlacement(placement);
  plan::SessionView session;
  session.tenant = placement->FindTenant(TenantId::FromBigint(2));
  const std::string sql = TextOf(static_cast<int>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(planner.IsPlain(sql, session));
}

void FreeSessionHit(benchmark::State& state) {
  plan::Planner planner;
  planner.SetPlacement(MakePlacement());
  const plan::SessionView session;
  const std::string sql = TextOf(static_cast<int>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(planner.Plan(sql, nullptr, {}, session));
}

void FreeSessionMiss(benchmark::State& state) {
  plan::PlanCacheOptions options;
  options.entries_max = 0;
  plan::Planner planner(options);
  planner.SetPlacement(MakePlacement());
  const plan::SessionView session;
  const std::string sql = TextOf(static_cast<int>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(planner.Plan(sql, nullptr, {}, session));
}

// 0: point select, 1: select by tenant, 2: ORM query with 30 columns, 3: INSERT of 100 rows.
BENCHMARK(Lexer)->DenseRange(0, 3);
BENCHMARK(BoundSessionHit)->DenseRange(0, 3);
BENCHMARK(FreeSessionHit)->DenseRange(0, 3);
BENCHMARK(FreeSessionMiss)->DenseRange(0, 3);

}  // namespace
