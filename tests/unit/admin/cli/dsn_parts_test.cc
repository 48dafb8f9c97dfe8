#include "admin/cli/dsn_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

TEST(DsnParts, UrlAndKeyValue) {
  const auto url = ReadDsn("postgresql://postgres:secret@10.0.0.7:5433/app");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "10.0.0.7");
  EXPECT_EQ(url->port, 5433);
  EXPECT_EQ(url->database, "app");
  const auto words = ReadDsn("host=/run/pg port=5434 dbname=x");
  EXPECT_EQ(words->host, "/run/pg");
  EXPECT_EQ(words->port, 5434);
}

TEST(DsnParts, FirstOfSeveralAndDefaults) {
  const auto several = ReadDsn("postgresql://a:1111,b:2222/app");
  EXPECT_EQ(several->host, "a");
  EXPECT_EQ(several->port, 1111);
  EXPECT_EQ(ReadDsn("host=name hostaddr=10.0.0.9")->host, "10.0.0.9");
  EXPECT_EQ(ReadDsn("")->port, 5432);
}

TEST(DsnParts, ABadOneIsRefusedWithoutItsSecret) {
  const auto bad = ReadDsn("postgresql://u:hunter2@[::1/app");
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(ToSqlError(bad.status()).message, testing::Not(testing::HasSubstr("hunter2")));
  EXPECT_FALSE(ReadDsn("host=a port=99999").ok());
  EXPECT_FALSE(ReadDsn("host=a port=x").ok());
}

}  // namespace
}  // namespace pgreeve::cli
