#include "admin/cli/http_probe.h"

#include <gtest/gtest.h>

namespace pgreeve::cli {
namespace {

TEST(HttpProbe, TakesTheBodyOfAGoodAnswer) {
  EXPECT_EQ(HttpBody("HTTP/1.1 200 OK\r\nA: b\r\n\r\nx 1\n"), "x 1\n");
  EXPECT_EQ(HttpBody("HTTP/1.0 200 OK\r\n\r\n"), "");
}

TEST(HttpProbe, RefusesEverythingElse) {
  for (const char* answer : {"",
                             "HTTP/1.1",
                             "HTTP/1.1 503 Away\r\n\r\nx",
                             "HTTP/1.1 200 OK\r\nA: b",
                             "SSH-2.0-OpenSSH\r\n\r\n",
                             "\r\n\r\n"})
    EXPECT_FALSE(HttpBody(answer)) << answer;
}

TEST(HttpProbe, FindsAMetric) {
  const char page[] = "# HELP age x\n# TYPE age gauge\nage_other 7\nage{a=\"b\"} 3\nage 0.25\nz 1";
  EXPECT_EQ(MetricValue(page, "age"), 0.25);
  EXPECT_EQ(MetricValue(page, "z"), 1);
  EXPECT_FALSE(MetricValue(page, "nothing"));
  EXPECT_FALSE(MetricValue("age nonsense\n", "age"));
  EXPECT_FALSE(MetricValue("age", "age"));
}

}  // namespace
}  // namespace pgreeve::cli
