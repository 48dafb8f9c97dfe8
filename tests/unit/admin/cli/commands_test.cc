// The command line itself: what parses, what is refused, and that every command explains itself.
#include "admin/cli/commands.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

// Parses; returns whether a command was chosen without error.
bool Parses(std::vector<std::string> words) {
  CLI::App app("", "pgreevectl");
  Invocation invocation;
  Commands commands(app);
  BuildCommands(commands, invocation);
  std::reverse(words.begin(), words.end());  // as CLI11 wants it
  try {
    app.parse(words);
  } catch (const CLI::ParseError&) {
    return false;
  }
  return commands.chosen() != nullptr;
}

TEST(Commands, WhatPeopleType) {
  EXPECT_TRUE(Parses({"status"}));
  EXPECT_TRUE(Parses({"status", "-o", "json"}));
  EXPECT_TRUE(Parses({"-o", "csv", "--catalog", "host=a", "tenant", "list", "--tier", "x"}));
  EXPECT_TRUE(Parses({"catalog", "init", "--tenant-type", "uuid"}));
  EXPECT_TRUE(Parses({"node", "add", "n1", "--dsn", "postgresql://h/d"}));
  EXPECT_TRUE(Parses({"shard", "add", "s1", "--node", "n1", "--database", "d", "--tier", "t"}));
  EXPECT_TRUE(Parses({"shard", "add", "--node", "n1", "--tier", "t", "--region", "r"}));
  EXPECT_TRUE(Parses({"tier", "set", "business", "--capacity", "10", "--size-min", "1GB"}));
  EXPECT_TRUE(Parses({"tier", "set", "enterprise", "--dedicated"}));
  EXPECT_TRUE(Parses({"tenant", "create", "7", "8", "--wait"}));
  EXPECT_TRUE(Parses({"login",
                      "create",
                      "a",
                      "--scope",
                      "app",
                      "--password-stdin",
                      "--provision",
                      "--provision-tier",
                      "starter",
                      "--no-isolation"}));
  EXPECT_TRUE(Parses({"login", "alter", "a", "--no-provision"}));
  EXPECT_TRUE(Parses({"explain", "SELECT 1"}));
  EXPECT_TRUE(Parses({"doctor", "--rows", "--all"}));
}

TEST(Commands, WhatIsRefused) {
  EXPECT_FALSE(Parses({}));
  EXPECT_FALSE(Parses({"tenant"}));
  EXPECT_FALSE(Parses({"frobnicate"}));
  EXPECT_FALSE(Parses({"status", "-o", "yaml"}));
  EXPECT_FALSE(Parses({"catalog", "init", "--tenant-type", "int4"}));
  EXPECT_FALSE(Parses({"login", "create", "a"})) << "scope is required";
  EXPECT_FALSE(Parses({"login", "create", "a", "--scope", "root"}));
  EXPECT_FALSE(Parses({"shard", "add", "--tier", "t"})) << "node is required";
  EXPECT_FALSE(Parses({"hash-password", "--password-stdin", "--password-file", "x"}));
}

TEST(Commands, EveryCommandHasASummaryAndAnExample) {
  CLI::App app("", "pgreevectl");
  Invocation invocation;
  Commands commands(app);
  BuildCommands(commands, invocation);
  int seen = 0;
  const std::function<void(CLI::App*)> walk = [&](CLI::App* parent) {
    for (CLI::App* command : parent->get_subcommands([](CLI::App*) { return true; })) {
      ++seen;
      EXPECT_FALSE(command->get_description().empty()) << command->get_name();
      EXPECT_THAT(command->get_footer(), testing::HasSubstr("pgreevectl ")) << command->get_name();
      walk(command);
    }
  };
  walk(&app);
  EXPECT_GT(seen, 30);
}

TEST(Commands, ErrorsForPeopleAndForScripts) {
  const absl::Status failed = SqlStatus("42704", "no \x1b[2J", "why", "how");
  EXPECT_EQ(ErrorText(failed), "pgreevectl: error: no \\x1b[2J\nDETAIL:  why\nHINT:  how\n");
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(failed), 1);
  Invocation invocation;
  EXPECT_EQ(ExitCodeOf(invocation.Catalog().status()), 78) << "no DSN";
  invocation.format_name = "yaml";
  EXPECT_FALSE(invocation.Prepare().ok());
}

}  // namespace
}  // namespace pgreeve::cli
