#include "admin/cli/tenant_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

std::vector<std::string> Read(std::string_view text) {
  metastore::TenantSpec defaults;
  defaults.tier = "starter";
  const auto specs = ParseTenantList(text, TenantType::kText, defaults);
  if (!specs.ok())
    return {ToSqlError(specs.status()).message};
  std::vector<std::string> shown;
  for (const metastore::TenantSpec& spec : *specs)
    shown.push_back(spec.id.Text() + "/" + spec.tier + "/" + spec.region);
  return shown;
}

TEST(TenantList, LinesAndDefaults) {
  EXPECT_THAT(Read("# id,tier,region\nacme\nbig,enterprise\r\n\neu1,,eu\nus1,business,us"),
              testing::ElementsAre(
                  "acme/starter/", "big/enterprise/", "eu1/starter/eu", "us1/business/us"));
  EXPECT_TRUE(Read("").empty());
}

TEST(TenantList, QuotedIds) {
  EXPECT_THAT(Read("\"a,b\",business\n\"#1\"\n\"say \"\"hi\"\"\""),
              testing::ElementsAre("a,b/business/", "#1/starter/", "say \"hi\"/starter/"));
}

TEST(TenantList, ErrorsNameTheLine) {
  EXPECT_THAT(Read("a\nb,c,d,e"), testing::ElementsAre("line 2 is no tenant"));
  EXPECT_THAT(Read("\"open"), testing::ElementsAre("line 1 is no tenant"));
  EXPECT_THAT(Read("a\n,business")[0], testing::StartsWith("line 2: "));
}

}  // namespace
}  // namespace pgreeve::cli
