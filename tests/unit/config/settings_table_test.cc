#include "config/settings_table.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/value.h"

namespace pgreeve::config {
namespace {

template <class S>
void CheckTable(const std::vector<Row<S>>& table) {
  std::set<std::string_view> names;
  std::set<const void*> places;
  S settings;
  for (const Row<S>& row : table) {
    const Setting& setting = row.setting;
    SCOPED_TRACE(std::string(setting.name));
    EXPECT_TRUE(names.insert(setting.name).second) << "twice";
    EXPECT_EQ(std::count(setting.name.begin(), setting.name.end(), '.'), 1);
    EXPECT_TRUE(setting.help.ends_with('.')) << "help is a sentence";
    EXPECT_LE(setting.min, setting.max);
    const Place place = row.place(settings);
    const void* at = std::visit([](auto* p) -> const void* { return p; }, place);
    EXPECT_TRUE(places.insert(at).second) << "two settings in one place";

    const absl::StatusOr<Value> value = ParseText(setting, setting.default_value);
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_TRUE(Check(setting, *value).ok()) << Check(setting, *value);
    Store(setting, *value, place);
    EXPECT_EQ(Fetch(setting, place), *value) << "the place has the type of the row";
    if (setting.type == Type::kInteger) {
      EXPECT_NE(setting.unit, "");
    }
  }
}

TEST(SettingsTable, RouterRowsAreSound) {
  CheckTable(RouterTable());
}

TEST(SettingsTable, RebalancerRowsAreSound) {
  CheckTable(RebalancerTable());
}

// Whoever adds a member to the structs and forgets its row is reminded by counting both.
TEST(SettingsTable, EveryMemberHasARow) {
  EXPECT_EQ(RouterTable().size(), 44u);
  EXPECT_EQ(RebalancerTable().size(), 10u);
}

}  // namespace
}  // namespace pgreeve::config
