#include "config/load.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kLeast[] = "[catalog]\ndsn = \"host=/tmp\"\n";

std::string Problems(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems)
    out += ToString(problem, "f") + "\n";
  return out;
}

std::string ProblemsOf(const std::string& toml) {
  return Problems(ParseRouter(toml).problems);
}

TEST(Load, DefaultsAreTheTablesAndValid) {
  const auto loaded = ParseRouter(kLeast);
  EXPECT_EQ(Problems(loaded.problems), "");
  EXPECT_THAT(loaded.settings.listen.pg, ElementsAre("127.0.0.1:6432"));
  EXPECT_EQ(loaded.settings.pool.size, 20);
  EXPECT_EQ(loaded.settings.pool.queue_timeout, absl::Seconds(5));
  EXPECT_EQ(loaded.settings.limits.batch_bytes_max, 64 << 20);
  EXPECT_EQ(loaded.settings.log.format, LogFormat::kJson);
  EXPECT_EQ(loaded.settings.log.redact, LogRedact::kLiterals);
}

TEST(Load, ReadsEveryType) {
  const auto loaded = ParseRouter(R"(
[router]
id = "r7"
workers = 3
[listen]
pg = ["0.0.0.0:5000", "/run/pgreeve", "[::1]:5000"]
reuseport = true
[catalog]
dsn = "dbname=x"
poll = "200ms"
[pool]
unbind_idle = 0
[limits]
message_bytes_max = 1048576
batch_bytes_max = "64kB"
[combine]
engine = "postgres"
[log]
level = "warning"
format = "logfmt"
)");
  ASSERT_EQ(Problems(loaded.problems), "");
  const RouterSettings& s = loaded.settings;
  EXPECT_EQ(s.router_id, "r7");
  EXPECT_EQ(s.workers, 3);
  EXPECT_THAT(s.listen.pg, ElementsAre("0.0.0.0:5000", "/run/pgreeve", "[::1]:5000"));
  EXPECT_TRUE(s.listen.reuseport);
  EXPECT_EQ(s.catalog.poll, absl::Milliseconds(200));
  EXPECT_EQ(s.pool.unbind_idle, absl::ZeroDuration());
  EXPECT_EQ(s.limits.message_bytes_max, 1 << 20);
  EXPECT_EQ(s.limits.batch_bytes_max, 64 << 10);
  EXPECT_EQ(s.combine.engine, CombineEngine::kPostgres);
  EXPECT_EQ(s.log.level, LogLevel::kWarning);
  EXPECT_EQ(s.log.format, LogFormat::kLogfmt);
}

TEST(Load, NamesFileLineAndColumnOfAValue) {
  EXPECT_EQ(ProblemsOf("[catalog]\ndsn = \"x\"\n\n[pool]\nsize    = 0\n"),
            "f:5:11: error: [pool].size must be 1..10000 (got 0)\n");
}

TEST(Load, SuggestsTheNearestName) {
  EXPECT_EQ(ProblemsOf("[catalog]\ndsn = \"x\"\n[pool]\nqueue_timout = \"1s\"\n"),
            "f:4:1: error: unknown setting [pool].queue_timout; did you mean queue_timeout?\n");
  EXPECT_EQ(ProblemsOf("[catalog]\ndsn = \"x\"\n[pol]\nsize = 3\n"),
            "f:3:2: error: unknown section [pol]; did you mean [pool]?\n");
  EXPECT_EQ(ProblemsOf("zzzzzz = 1\n[catalog]\ndsn = \"x\"\n"),
            "f:1:1: error: unknown setting zzzzzz\n");
}

TEST(Load, AnotherProgramsSectionIsNoError) {
  EXPECT_THAT(ParseRouter(std::string(kLeast) + "[rebalancer]\nlease = \"9s\"\n").problems,
              IsEmpty());
  const auto loaded = ParseRebalancer(std::string(kLeast) + "[pool]\nsize = 5\n");
  EXPECT_EQ(Problems(loaded.problems), "");
  EXPECT_EQ(loaded.settings.catalog_dsn, "host=/tmp");
  EXPECT_EQ(loaded.settings.measure_interval, absl::Minutes(1));
}

TEST(Load, WrongTypesAreToldApart) {
  const std::string text = ProblemsOf(R"([catalog]
dsn = 5
poll = 3
[pool]
size = "many"
queue_timeout = "5 fortnights"
[listen]
reuseport = "yes"
pg = [1, 2]
http = 1979-05-27
[log]
level = "loud"
[limits]
message_bytes_max = 1.5
)");
  EXPECT_THAT(text, HasSubstr("f:2:7: error: [catalog].dsn must be a text in quotes, "));
  EXPECT_THAT(text,
              HasSubstr("f:3:8: error: [catalog].poll must be a duration like \"5s\" (got a "));
  EXPECT_THAT(text, HasSubstr("f:5:8: error: [pool].size must be a whole number (got a text)"));
  EXPECT_THAT(text, HasSubstr("f:6:17: error: [pool].queue_timeout must be a number with a unit"));
  EXPECT_THAT(text, HasSubstr("f:8:13: error: [listen].reuseport must be true or false"));
  EXPECT_THAT(text, HasSubstr("f:9:6: error: [listen].pg must be a list of texts"));
  EXPECT_THAT(text, HasSubstr("f:10:8: error: [listen].http must be a text in quotes"));
  EXPECT_THAT(
      text,
      HasSubstr("f:12:9: error: [log].level must be debug|info|warning|error (got \"loud\")"));
  EXPECT_THAT(text, HasSubstr("f:14:21: error: [limits].message_bytes_max must be a size"));
}

TEST(Load, SyntaxErrorsHaveAPlace) {
  EXPECT_THAT(ProblemsOf("[catalog]\ndsn = \n"), HasSubstr("f:2:7: error: "));
  EXPECT_THAT(ProblemsOf(std::string("\0\xff\xfe[", 4)), HasSubstr("error: "));
  EXPECT_THAT(ProblemsOf("[pool]\nsize = 1\nsize = 2\n"), HasSubstr("f:3:"));
}

TEST(Load, DeepNestingDoesNotCrash) {
  EXPECT_THAT(ProblemsOf("a = " + std::string(100000, '[')), HasSubstr("error: "));
}

TEST(Load, SecretsComeFromEnvironmentAndFiles) {
  setenv("PGREEVE_TEST_DSN", "host=secret", 1);
  EXPECT_EQ(ParseRouter("[catalog]\ndsn = \"env:PGREEVE_TEST_DSN\"\n").settings.catalog.dsn,
            "host=secret");
  unsetenv("PGREEVE_TEST_DSN");
  EXPECT_EQ(ProblemsOf("[catalog]\ndsn = \"env:PGREEVE_TEST_DSN\"\n"),
            "f:2:7: error: [catalog].dsn environment variable PGREEVE_TEST_DSN is not set\n");

  const std::string path = testing::TempDir() + "/secret";
  std::ofstream(path) << "host=file\r\nsecond line\n";
  EXPECT_EQ(ParseRouter("[catalog]\ndsn = \"file:" + path + "\"\n").settings.catalog.dsn,
            "host=file");
  std::remove(path.c_str());
  EXPECT_THAT(ProblemsOf("[catalog]\ndsn = \"file:" + path + "\"\n"), HasSubstr("cannot read "));
}

TEST(Load, MissingFile) {
  EXPECT_EQ(LoadRouter("/nowhere/x.toml").status().code(), absl::StatusCode::kNotFound);
}

TEST(Load, FileWithMistakesTellsThemAll) {
  const std::string path = testing::TempDir() + "/pgreeve.toml";
  std::ofstream(path) << "[pool]\nsize = 0\nbogus = 1\n";
  const absl::Status status = LoadRouter(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + ":2:8: error: [pool].size"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + ":3:1: error: unknown setting"));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace pgreeve::config
