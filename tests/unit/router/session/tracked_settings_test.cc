#include "router/session/tracked_settings.h"

namespace pgreeve::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string SqlOf(const TrackedSettings& settings) {
  return settings.current() == nullptr ? "" : settings.current()->sql;
}

TEST(TrackedSettings, NothingSetIsNothingToReplay) {
  TrackedSettings settings;
  EXPECT_EQ(settings.current(), nullptr);
  EXPECT_EQ(settings.id(), 0U);
  settings.Begin();
  settings.Reset("a");
  settings.ResetAll();
  settings.Savepoint("s");
  settings.RollbackTo("s");
  settings.Release("s");
  settings.Rollback();
  settings.Commit();
  EXPECT_EQ(settings.current(), nullptr);
  EXPECT_THAT(settings.changed(), IsEmpty());
}

TEST(TrackedSettings, EqualContentsShareAnId) {
  TrackedSettings a;
  TrackedSettings b;
  a.Set("x", "SET x = 1");
  a.Set("y", "SET y = 2");
  b.Set("y", "SET y = 2");
  EXPECT_NE(a.id(), b.id());
  b.Set("x", "SET x = 1");
  EXPECT_EQ(a.id(), b.id());
  EXPECT_NE(a.id(), 0U);
  EXPECT_EQ(SqlOf(a), "SET x = 1;SET y = 2;");
}

TEST(TrackedSettings, ResetGoesBackToTheStartupPacket) {
  TrackedSettings settings;
  settings.SetStartup("timezone", "it's");
  EXPECT_EQ(SqlOf(settings), "SET \"timezone\" TO 'it''s';");
  settings.Set("timezone", "SET timezone = 'UTC'");
  settings.Set("x", "SET x = 1");
  EXPECT_THAT(settings.changed(), ElementsAre("timezone", "x"));
  settings.Reset("timezone");
  EXPECT_EQ(settings.Find("timezone"), "SET \"timezone\" TO 'it''s'");
  settings.Reset("x");
  EXPECT_EQ(settings.Find("x"), "");
  settings.Set("x", "SET x = 1");
  settings.ResetAll();
  EXPECT_THAT(settings.changed(), IsEmpty());
}

TEST(TrackedSettings, AStartupSearchPathIsAList) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a", "\"a\""},
      {"a, Public", "\"a\", \"public\""},
      {"\"$user\",\"Big, one\"", "\"$user\", \"Big, one\""},
      {"\"a\"\"b\"", "\"a\"\"b\""},
      {"", "''"},
      {"a'; DROP TABLE t; --", "\"a';droptablet;--\""}};
  for (const auto& [value, quoted] : cases) {
    TrackedSettings settings;
    settings.SetStartup("search_path", value);
    EXPECT_EQ(SqlOf(settings), "SET \"search_path\" TO " + quoted + ";");
  }
}

TEST(TrackedSettings, RollbackUndoesTheFirstSetOfASession) {
  TrackedSettings settings;
  settings.Begin();
  settings.Set("x", "SET x = 1");
  settings.Rollback();
  EXPECT_EQ(settings.current(), nullptr);
  settings.Set("x", "SET x = 2");
  settings.Rollback();  // autocommit: it holds at once
  EXPECT_EQ(settings.Find("x"), "SET x = 2");
}

TEST(TrackedSettings, CommitKeepsAndRollbackUndoes) {
  TrackedSettings settings;
  settings.Set("x", "SET x = 1");
  settings.Begin();
  settings.Set("x", "SET x = 2");
  settings.Commit();
  EXPECT_EQ(settings.Find("x"), "SET x = 2");
  settings.Begin();
  settings.Begin();  // again at the first SET inside
  settings.Set("x", "SET x = 3");
  settings.Begin();
  settings.Set("y", "SET y = 1");
  settings.Reset("x");
  settings.Rollback();
  EXPECT_EQ(SqlOf(settings), "SET x = 2;");
}

TEST(TrackedSettings, Savepoints) {
  TrackedSettings settings;
  settings.Set("x", "SET x = 0");
  settings.Begin();
  settings.Savepoint("a");
  settings.Set("x", "SET x = 1");
  settings.Savepoint("b");
  settings.Set("x", "SET x = 2");
  settings.Savepoint("a");  // hides the first
  settings.Set("x", "SET x = 3");
  settings.RollbackTo("a");
  EXPECT_EQ(settings.Find("x"), "SET x = 2");
  settings.Release("a");
  EXPECT_EQ(settings.Find("x"), "SET x = 2");
  settings.RollbackTo("b");
  EXPECT_EQ(settings.Find("x"), "SET x = 1");
  settings.RollbackTo("a");
  EXPECT_EQ(settings.Find("x"), "SET x = 0");
  settings.Commit();
  EXPECT_EQ(settings.Find("x"), "SET x = 0");
}

TEST(TrackedSettings, ASavepointFromBeforeTheFirstSet) {
  TrackedSettings settings;
  settings.Begin();
  settings.Savepoint("a");
  settings.Set("x", "SET x = 1");
  settings.RollbackTo("a");
  EXPECT_EQ(settings.current(), nullptr);
}

TEST(TrackedSettings, RollbackToOutsideOfATransactionChangesNothing) {
  TrackedSettings settings;
  settings.Set("x", "SET x = 1");
  settings.RollbackTo("a");
  EXPECT_EQ(settings.Find("x"), "SET x = 1");
}

TEST(Quote, LiteralsAndIdentifiers) {
  EXPECT_EQ(QuoteLiteral("a'b\\\""), "'a''b\\\"'");
  EXPECT_EQ(QuoteIdentifier("a'b\"c"), "\"a'b\"\"c\"");
}

}  // namespace
}  // namespace pgreeve::session
