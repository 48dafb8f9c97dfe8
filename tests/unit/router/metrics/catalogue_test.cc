#include "router/metrics/catalogue.h"

#include <algorithm>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::metrics {
namespace {

// The rules of `promtool check metrics`, and ours.
TEST(Catalogue, RowsAreSound) {
  const auto& all = Catalogue();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(Metric::kCount_));
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Declaration& row = all[i];
    SCOPED_TRACE(std::string(row.name));
    EXPECT_EQ(static_cast<std::size_t>(row.metric), i) << "in the order of the enum";
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_THAT(std::string(row.name),
                testing::MatchesRegex("(pgreeve|process)_[a-z][a-z_]*[a-z]"));
    EXPECT_EQ(row.name.ends_with("_total"), row.kind == MetricKind::kCounter);
    EXPECT_TRUE(row.help.ends_with('.'));
    EXPECT_EQ(row.bounds.empty(), row.kind != MetricKind::kHistogram);
    EXPECT_TRUE(std::is_sorted(row.bounds.begin(), row.bounds.end()));
  }
}

TEST(Catalogue, PageNamesEveryMetric) {
  const std::string page = ReferencePage();
  for (const Declaration& row : Catalogue())
    EXPECT_NE(page.find("| `" + std::string(row.name) + "` |"), std::string::npos);
}

}  // namespace
}  // namespace pgreeve::metrics
