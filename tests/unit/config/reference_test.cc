#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/settings_table.h"

namespace pgreeve::config {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Reference, PageNamesEverySetting) {
  const std::string page = ReferencePage();
  for (const auto& row : RouterTable())
    EXPECT_THAT(page, HasSubstr("| `" + std::string(row.setting.name) + "` |"));
  for (const auto& row : RebalancerTable())
    EXPECT_THAT(page, HasSubstr("| `" + std::string(row.setting.name) + "` |"));
}

// The defaults file, uncommented, is the default settings.
TEST(Reference, DefaultsFileLoads) {
  std::string file;
  const std::string commented = DefaultsFile("router");
  for (std::size_t at = 0; at < commented.size();) {
    const std::size_t end = commented.find('\n', at);
    std::string line = commented.substr(at, end - at);
    at = end + 1;
    if (line.starts_with('#') && !line.starts_with("# "))
      line = line.substr(1);
    file += line + "\n";
  }
  const auto loaded = ParseRouter(file);
  ASSERT_EQ(loaded.problems.size(), 1u) << file;
  EXPECT_EQ(loaded.problems[0].text, "[catalog].dsn is required");
  EXPECT_TRUE(Diff(ParseRouter("").settings, loaded.settings).empty());
}

TEST(Reference, EffectiveLoadsBackWithoutSecrets) {
  const RouterSettings s =
      ParseRouter("[catalog]\ndsn = \"password=hunter2\"\n[pool]\nsize = 9\n").settings;
  const std::string text = Effective(s);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  const auto again = ParseRouter(text);
  const std::vector<Change> changes = Diff(s, again.settings);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].setting, "catalog.dsn");
}

}  // namespace
}  // namespace pgreeve::config
