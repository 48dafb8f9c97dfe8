#include "admin/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::vector<CompletionNode> Sample() {
  CLI::App app("test", "pgreevectl");
  CLI::App* tenant = app.add_subcommand("tenant", "");
  std::string tier;
  tenant->add_subcommand("create", "")->add_option("--tier,-t", tier);
  app.add_subcommand("status", "");
  return CollectCompletions(app);
}

TEST(Completion, WalksTheTree) {
  const auto nodes = Sample();
  ASSERT_EQ(nodes.size(), 4U);
  EXPECT_THAT(nodes[0].words, Contains("tenant"));
  EXPECT_THAT(nodes[0].words, Contains("status"));
  EXPECT_EQ(nodes[2].path, "tenant create");
  EXPECT_THAT(nodes[2].words, Contains("--tier"));
  EXPECT_THAT(nodes[2].words, Contains("-t"));
  EXPECT_THAT(nodes[2].words, Contains("--catalog"));
}

TEST(Completion, ScriptsNameEveryCommand) {
  for (const std::string& script : {BashCompletion(Sample()), ZshCompletion(Sample())}) {
    EXPECT_THAT(script, HasSubstr("'tenant create')"));
    EXPECT_THAT(script, HasSubstr("|tenant|tenant create|status|"));
  }
}

}  // namespace
}  // namespace pgreeve::cli
