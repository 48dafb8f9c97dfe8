#include "config/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::config {
namespace {

using testing::HasSubstr;

std::string First(const RouterSettings& settings) {
  const std::vector<Problem> problems = Validate(settings);
  return problems.empty() ? "" : problems.front().text;
}

RouterSettings Good() {
  return ParseRouter("[catalog]\ndsn = \"dbname=x\"\n").settings;
}

TEST(Validate, Endpoints) {
  EXPECT_EQ(ParseEndpoint("127.0.0.1:6432")->port, 6432);
  EXPECT_EQ(ParseEndpoint("[::1]:6432")->host, "::1");
  EXPECT_EQ(ParseEndpoint("/run/x")->socket_folder, "/run/x");
  for (const char* bad :
       {"", ":6432", "host", "host:", "host:70000", "host:-1", "::1:6432", "h:1x"})
    EXPECT_FALSE(ParseEndpoint(bad).ok()) << bad;
  EXPECT_FALSE(ParseEndpoint("/" + std::string(120, 'a')).ok());
}

TEST(Validate, RouterRules) {
  EXPECT_EQ(First(Good()), "");
  RouterSettings s = Good();
  s.catalog.dsn.clear();
  EXPECT_THAT(First(s), HasSubstr("[catalog].dsn is required"));
  s = Good();
  s.router_id = "a'b";
  EXPECT_THAT(First(s), HasSubstr("[router].id"));
  s = Good();
  s.listen.pg = {"/run/pgreeve"};
  EXPECT_THAT(First(s), HasSubstr("address:port beside the folder"));
  s = Good();
  s.listen.pg.clear();
  EXPECT_THAT(First(s), HasSubstr("at least one"));
  s = Good();
  s.listen.http = "/run/x";
  EXPECT_THAT(First(s), HasSubstr("[listen].http must be address:port"));
  s = Good();
  s.catalog.snapshot_file = "/x";
  EXPECT_THAT(First(s), HasSubstr("snapshot_key is required"));
  s = Good();
  s.catalog.lease = s.catalog.poll;
  EXPECT_THAT(First(s), HasSubstr("[catalog].lease"));
  s = Good();
  s.pool.unbind_idle = s.pool.token_lifetime;
  EXPECT_THAT(First(s), HasSubstr("token_lifetime"));
  s = Good();
  s.limits.batch_bytes_max = s.limits.message_bytes_max + 1;
  EXPECT_THAT(First(s), HasSubstr("batch_bytes_max"));
  for (const char* bad : {"", ".", "a.", ".a", "a.b.c"}) {
    s = Good();
    s.routing.tenant_columns = {bad};
    EXPECT_THAT(First(s), HasSubstr("tenant_columns")) << bad;
  }
}

TEST(Validate, RebalancerRules) {
  RebalancerSettings s = ParseRebalancer("[catalog]\ndsn = \"dbname=x\"\n").settings;
  EXPECT_TRUE(Validate(s).empty());
  s.lease = s.poll;
  s.listen_http = "nonsense";
  s.catalog_dsn.clear();
  s.rebalancer_id.clear();
  EXPECT_EQ(Validate(s).size(), 4u);
}

}  // namespace
}  // namespace pgreeve::config
