// Comparing two versions of the settings.
#include <fmt/format.h>

#include "config/load.h"
#include "config/settings_table.h"
#include "config/value.h"

namespace pgreeve::config {
namespace {

template <class S>
std::vector<Change> Compare(const std::vector<Row<S>>& table, S before, S after) {
  std::vector<Change> changes;
  for (const Row<S>& row : table) {
    const Value old_value = Fetch(row.setting, row.place(before));
    const Value new_value = Fetch(row.setting, row.place(after));
    if (old_value == new_value)
      continue;
    Change change;
    change.setting = row.setting.name;
    change.before = Print(row.setting, old_value);
    change.after = Print(row.setting, new_value);
    if (row.setting.type == Type::kSecret && change.before == change.after)
      change.after = "(changed)";
    change.applied_now = row.setting.reload == Reload::kNow;
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

std::vector<Change> Diff(const RouterSettings& before, const RouterSettings& after) {
  return Compare(RouterTable(), before, after);
}

std::vector<Change> Diff(const RebalancerSettings& before, const RebalancerSettings& after) {
  return Compare(RebalancerTable(), before, after);
}

RouterSettings Applied(const RouterSettings& before, RouterSettings after) {
  RouterSettings kept = before;
  for (const Row<RouterSettings>& row : RouterTable()) {
    if (row.setting.reload == Reload::kRestart)
      Store(row.setting, Fetch(row.setting, row.place(kept)), row.place(after));
  }
  return after;
}

}  // namespace pgreeve::config
