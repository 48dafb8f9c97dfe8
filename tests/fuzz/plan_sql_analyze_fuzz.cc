// Any text, as every kind of session: lexer, grammar, walk and plan. The first byte picks the
// session. What must hold beside memory safety: a plan for the same text is the same, cached or
// not, and a free session is only ever sent to a tenant that the text names.
#include <algorithm>

#include "router/plan/planner.h"
#include "router/sql/lexer.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace pgreeve;  // NOLINT

std::shared_ptr<const catalog::Placement> MakePlacement() {
  auto placement = std::make_shared<catalog::Placement>();
  placement->schema_epoch = 1;
  placement->tenant_type = TenantType::kBigint;
  for (int64_t id = 1; id <= 3; ++id) {
    catalog::TenantInfo tenant;
    tenant.id = TenantId::FromBigint(id);
    tenant.shard = {1};
    placement->PutTenant(std::move(tenant));
  }
  auto tables = std::make_shared<TableSet>();
  tables->Add({"public",
               "events",
               TableKind::kSharded,
               "customer_id",
               {{"id", "bigint", true}, {"customer_id", "bigint", true}, {"kind", "text", false}}});
  tables->Add({"public", "orders", TableKind::kSharded, "customer_id", {}});
  tables->Add({"public", "countries", TableKind::kReference, "", {{"code", "text", true}}});
  placement->tables = std::move(tables);
  return placement;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const auto placement = MakePlacement();
  if (size == 0)
    return 0;
  const uint8_t mode = data[0];
  const std::string_view sql(reinterpret_cast<const char*>(data) + 1, size - 1);
  plan::SessionView session;
  session.standard_conforming_strings = (mode & 1) == 0;
  session.scope = (mode & 2) != 0 ? catalog::LoginScope::kOperator : catalog::LoginScope::kApp;
  session.isolated = (mode & 2) == 0;
  if ((mode & 4) != 0)
    session.tenant = placement->FindTenant(TenantId::FromBigint(2));
  plan::Planner planner;
  planner.SetPlacement(placement);
  const plan::Plans first = planner.Plan(sql, nullptr, {}, session);
  const plan::Plans again = planner.Plan(sql, nullptr, {}, session);
  fuzz::Require(first.size() == again.size() && !first.empty(), "same number of plans");
  for (std::size_t i = 0; i < first.size(); ++i) {
    fuzz::Require(first[i].route == again[i].route && first[i].tenant == again[i].tenant &&
                      first[i].reject.code == again[i].reject.code,
                  "the cached plan is the fresh one");
    fuzz::Require(first[i].begin + first[i].length <= sql.size(), "the slice is inside");
  }
  const bool plain = planner.IsPlain(sql, session);
  fuzz::Require(!plain || session.tenant != nullptr, "plain needs a tenant");
  for (const plan::StatementPlan& plan : first)
    fuzz::Require(!plain || plan.tenant == session.tenant, "plain goes to the bound tenant");
  return 0;
}
