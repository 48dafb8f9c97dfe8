#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace pgreeve::config {
namespace {

RouterSettings Parse(const std::string& toml) {
  return ParseRouter(toml).settings;
}

TEST(Reload, EqualSettingsHaveNoDifference) {
  const RouterSettings s = Parse("[catalog]\ndsn = \"a\"\n");
  EXPECT_TRUE(Diff(s, s).empty());
}

TEST(Reload, TellsOldNewAndWhen) {
  const RouterSettings before = Parse("[catalog]\ndsn = \"secret-a\"\n");
  const RouterSettings after = Parse(
      "[catalog]\ndsn = \"secret-b\"\n[pool]\nsize = 7\nqueue_timeout = \"1500ms\"\n"
      "[router]\nworkers = 2\n");
  const std::vector<Change> changes = Diff(before, after);
  ASSERT_EQ(changes.size(), 4u);
  EXPECT_EQ(changes[0].setting, "router.workers");
  EXPECT_FALSE(changes[0].applied_now);
  EXPECT_EQ(changes[1].setting, "catalog.dsn");
  EXPECT_EQ(changes[1].before, "(set)");
  EXPECT_EQ(changes[1].after, "(changed)");
  EXPECT_EQ(changes[2].setting, "pool.size");
  EXPECT_EQ(changes[2].before, "20");
  EXPECT_EQ(changes[2].after, "7");
  EXPECT_TRUE(changes[2].applied_now);
  EXPECT_EQ(changes[3].after, "\"1500ms\"");
}

TEST(Reload, AppliedKeepsWhatNeedsARestart) {
  const RouterSettings before = Parse("[catalog]\ndsn = \"a\"\n");
  const RouterSettings after = Parse("[catalog]\ndsn = \"b\"\n[pool]\nsize = 7\n");
  const RouterSettings now = Applied(before, after);
  EXPECT_EQ(now.catalog.dsn, "a");
  EXPECT_EQ(now.pool.size, 7);
}

}  // namespace
}  // namespace pgreeve::config
