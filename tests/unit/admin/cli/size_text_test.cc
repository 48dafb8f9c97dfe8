#include "admin/cli/size_text.h"

#include <gtest/gtest.h>

namespace pgreeve::cli {
namespace {

TEST(SizeText, ReadsWhatPostgresConfReads) {
  EXPECT_EQ(*ParseSize("0"), 0);
  EXPECT_EQ(*ParseSize("512"), 512);
  EXPECT_EQ(*ParseSize("64kB"), 65536);
  EXPECT_EQ(*ParseSize("1.5 GB"), int64_t{3} << 29);
  EXPECT_EQ(*ParseSize("10tb"), int64_t{10} << 40);
}

TEST(SizeText, RefusesTheRest) {
  for (const char* text :
       {"", "GB", "-1", "1 KiB", "1e9", "ten", "1GBx", "nan", "inf", "99999999999999999999TB"})
    EXPECT_FALSE(ParseSize(text).ok()) << text;
}

}  // namespace
}  // namespace pgreeve::cli
