#include "router/log/log.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::log {
namespace {

using testing::HasSubstr;

const absl::Time kAt = absl::FromUnixMicros(1700000000123456);

std::string Line(Format format, std::string_view message, Fields fields, uint64_t left_out = 0) {
  Options options;
  options.format = format;
  options.id = "r1";
  return FormatLine(options, kAt, Level::kWarning, "login_failed", message, fields, left_out);
}

TEST(Log, JsonLine) {
  EXPECT_EQ(Line(Format::kJson,
                 "no such login",
                 {{"user", "ann"}, {"conn_id", 7}, {"duration_s", absl::Milliseconds(1500)}}),
            "{\"ts\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"warning\",\"event\":"
            "\"login_failed\",\"msg\":\"no such login\",\"component\":\"router\",\"router_id\":"
            "\"r1\",\"user\":\"ann\",\"conn_id\":7,\"duration_s\":1.5}");
}

TEST(Log, LogfmtLine) {
  EXPECT_EQ(Line(Format::kLogfmt, "a b", {{"user", ""}, {"ok", true}, {"n", uint64_t{1} << 63}}, 3),
            "ts=2023-11-14T22:13:20.123456Z level=warning event=login_failed msg=\"a b\" "
            "component=router router_id=r1 user=\"\" ok=true n=9223372036854775808 suppressed=3");
}

// What a client sends must not be able to forge a line or a field.
TEST(Log, HostileTextIsEscaped) {
  const std::string evil = "x\"} \n{\"level\":\"error\" \\ \t\r" + std::string(1, '\0') + "\x7f";
  EXPECT_THAT(Line(Format::kJson, evil, {}),
              HasSubstr("\"msg\":\"x\\\"} \\n{\\\"level\\\":\\\"error\\\" \\\\ "
                        "\\t\\r\\u0000\\u007f\""));
  EXPECT_THAT(Line(Format::kLogfmt, "m", {{"user", "a level=error"}}),
              HasSubstr("user=\"a level=error\""));
  EXPECT_THAT(Line(Format::kLogfmt, "m", {{"user", "a\nb"}}), HasSubstr("user=\"a\\nb\""));
  for (const Format format : {Format::kJson, Format::kLogfmt})
    EXPECT_EQ(Line(format, evil, {{"f", evil}}).find('\n'), std::string::npos);
}

TEST(Log, BadUtf8IsReplacedAndGoodIsKept) {
  EXPECT_THAT(Line(Format::kJson, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98", {}),
              HasSubstr("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98"));
  // a lone lead, a lone follower, an overlong slash, a surrogate, beyond the last plane
  for (const char* bad :
       {"\xc3", "\xbf", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_THAT(Line(Format::kJson, std::string("a") + bad, {}), HasSubstr("\"a\\ufffd"));
}

TEST(Log, NumbersOfEveryKind) {
  EXPECT_THAT(Line(Format::kJson,
                   "m",
                   {{"a", -1},
                    {"b", int64_t{-9223372036854775807}},
                    {"c", 0.25},
                    {"d", std::numeric_limits<double>::infinity()},
                    {"e", absl::InfiniteDuration()}}),
              HasSubstr("\"a\":-1,\"b\":-9223372036854775807,\"c\":0.25,\"d\":null,\"e\":null"));
}

TEST(Log, LevelsLimitAndThreads) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  Options options;
  options.level = Level::kInfo;
  options.burst = 50;
  Configure(options);
  WriteTo(pipe_fds[1]);
  EXPECT_FALSE(Enabled(Level::kDebug));
  Debug("quiet", "not written");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 10; ++i)
        Info("from_thread", "hello", {{"thread", t}, {"i", i}});
      for (int i = 0; i < 100; ++i)
        Warning("flood", "again");
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  WriteTo(2);
  ::close(pipe_fds[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(pipe_fds[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe_fds[0]);
  Configure({});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 40 + 50);
  EXPECT_THAT(text, testing::Not(HasSubstr("quiet")));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_EQ(text[at], '{');
    EXPECT_EQ(text[end - 1], '}');
    at = end + 1;
  }
}

TEST(Log, AClosedDescriptorLosesLinesOnly) {
  WriteTo(-1);
  Error("lost", "nobody reads this");
  WriteTo(2);
}

}  // namespace
}  // namespace pgreeve::log
