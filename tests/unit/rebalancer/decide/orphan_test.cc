#include "rebalancer/decide/orphan.h"

#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

TEST(Orphan, ReadsOurGids) {
  const auto gid = ParseGid("pgreeve:r1:7:12");
  ASSERT_TRUE(gid);
  EXPECT_EQ(gid->router, "r1");
  EXPECT_EQ(gid->incarnation, 7);
  EXPECT_EQ(gid->number, 12);
  EXPECT_EQ(ParseGid("pgreeve:a:b:7:12")->router, "a:b") << "a router's name may hold a colon";
  EXPECT_EQ(ParseGid("pgreeve:r1:7:12@3")->number, 12);
  EXPECT_EQ(DecisionGid("pgreeve:r1:7:12@3"), "pgreeve:r1:7:12") << "one decision for all shards";
  EXPECT_EQ(DecisionGid("pgreeve:r1:7:12"), "pgreeve:r1:7:12");
  EXPECT_FALSE(ParseGid("pgreeve:r1:7:12@x"));
}

TEST(Orphan, LeavesForeignGidsAlone) {
  for (const char* gid : {"",
                          "x",
                          "pgreeve",
                          "pgreeve:",
                          "pgreeve:r1",
                          "pgreeve:r1:7",
                          "pgreeve::7:12",
                          "pgreeve:r1:7:",
                          "pgreeve:r1::12",
                          "pgreeve:r1:x:12",
                          "pgreeve:r1:7:12x",
                          "pgreeve:r1:-7:12",
                          "Pgreeve:r1:7:12",
                          "pgreeve:r1:7:99999999999999999999"})
    EXPECT_FALSE(ParseGid(gid)) << gid;
}

TEST(Orphan, OnlyOldOnes) {
  const absl::Duration limit = absl::Seconds(10);
  EXPECT_FALSE(IsOrphan({"pgreeve:r1:7:12", absl::Seconds(9), "", ""}, limit));
  EXPECT_TRUE(IsOrphan({"pgreeve:r1:7:12", absl::Seconds(10), "", ""}, limit));
  EXPECT_FALSE(IsOrphan({"bank:77", absl::Hours(10), "", ""}, limit));
}

TEST(Orphan, QuotesTheGid) {
  EXPECT_EQ(ResolveSql(Verdict::kCommit, "pgreeve:r1:7:12"), "COMMIT PREPARED 'pgreeve:r1:7:12'");
  EXPECT_EQ(ResolveSql(Verdict::kAbort, "pgreeve:o'b:7:1"), "ROLLBACK PREPARED 'pgreeve:o''b:7:1'");
}

}  // namespace
}  // namespace pgreeve::rebalancer
