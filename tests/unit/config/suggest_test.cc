#include "config/suggest.h"

#include <gtest/gtest.h>

namespace pgreeve::config {
namespace {

TEST(Suggest, NearestOrNothing) {
  const std::vector<std::string_view> known = {"size", "queue_timeout", "server_lifetime"};
  EXPECT_EQ(Nearest("sise", known), "size");
  EXPECT_EQ(Nearest("queue_time", known), "queue_timeout");
  EXPECT_EQ(Nearest("colour", known), "");
  EXPECT_EQ(Nearest("", known), "");
  EXPECT_EQ(Nearest("x", {}), "");
}

}  // namespace
}  // namespace pgreeve::config
