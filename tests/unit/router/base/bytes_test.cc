#include "router/base/bytes.h"

#include <string>

#include <gtest/gtest.h>

#include "router/base/ids.h"

namespace pgreeve {
namespace {

TEST(Bytes, NumbersAreBigEndian) {
  std::string out;
  AppendUint16(out, 0xfedc);
  AppendUint32(out, 0x89abcdef);
  AppendUint64(out, 0xfedcba9876543210U);
  EXPECT_EQ(ToHex(out), "fedc89abcdeffedcba9876543210");
  EXPECT_EQ(ReadUint16(out.data()), 0xfedc);
  EXPECT_EQ(ReadUint32(out.data() + 2), 0x89abcdefU);
  EXPECT_EQ(ReadUint64(out.data() + 6), 0xfedcba9876543210U);
}

TEST(Bytes, HexOfNothing) {
  EXPECT_EQ(ToHex(""), "");
}

TEST(Epoch, ComparesTheTimelineFirst) {
  EXPECT_LT((Epoch{1, 900}), (Epoch{2, 1}));
  EXPECT_LT((Epoch{2, 1}), (Epoch{2, 2}));
  EXPECT_EQ(ToString(Epoch{3, 118}), "3.118");
}

TEST(ShardId, ZeroIsNone) {
  EXPECT_FALSE(ShardId());
  EXPECT_TRUE(ShardId{1});
}

}  // namespace
}  // namespace pgreeve
