#include "router/session/refusals.h"

#include <set>
#include <string>

namespace pgreeve::session {
namespace {

TEST(Refusals, EachRowStandsAtItsPlaceWithANumberOfItsOwn) {
  std::set<int> codes;
  for (int i = 0; i < static_cast<int>(Refusal::kCount_); i++) {
    const auto refusal = static_cast<Refusal>(i);
    const RefusalRow& row = RowOf(refusal);
    EXPECT_EQ(row.refusal, refusal) << i;
    EXPECT_GE(row.code, 300);
    EXPECT_LT(row.code, 400);
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_EQ(row.sqlstate.size(), 5U) << row.code;
    EXPECT_FALSE(row.message.empty()) << row.code;
    EXPECT_FALSE(row.hint.empty()) << row.code;
    EXPECT_TRUE(row.doc.ends_with('.')) << row.code;
    EXPECT_EQ(Code(refusal), row.code);
  }
}

TEST(Refusals, DetailBeginsWithTheNumber) {
  EXPECT_EQ(RefusalError(Refusal::kFunctionCall).detail,
            "PR-300: The FunctionCall message names a function by oid.");
  EXPECT_EQ(RefusalError(Refusal::kCopyFormat, "Format binary.").detail, "PR-314: Format binary.");
  EXPECT_EQ(AbortedTransactionError().sqlstate, "25P02");
}

}  // namespace
}  // namespace pgreeve::session
