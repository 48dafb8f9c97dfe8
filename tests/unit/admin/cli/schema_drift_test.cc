#include "admin/cli/schema_drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::cli {
namespace {

ShardSchema Shard(const std::string& name) {
  TableShape events;
  events.columns = {{"id", "uuid not null"}, {"payload", "jsonb"}};
  events.keys = {{"events_pkey", "PRIMARY KEY (customer_id, id)"}};
  events.partitions = {{"events_2015_09", "FROM ('2015-09-01') TO ('2015-10-01')"}};
  return {name, {{"public.events", events}}};
}

std::vector<std::string> Texts(const std::vector<ShardSchema>& shards) {
  std::vector<std::string> texts;
  for (const Drift& drift : FindDrift(shards, {"public.events"}))
    texts.push_back(drift.shard + ": " + drift.text);
  return texts;
}

TEST(SchemaDrift, AlikeIsSilent) {
  EXPECT_TRUE(Texts({Shard("s1"), Shard("s2"), Shard("s3")}).empty());
  EXPECT_TRUE(Texts({}).empty());
}

TEST(SchemaDrift, TheMajorityIsRight) {
  ShardSchema odd = Shard("s1");
  odd.tables["public.events"].columns["payload"] = "text";
  EXPECT_THAT(Texts({odd, Shard("s2"), Shard("s3")}),
              testing::ElementsAre("s1: column payload is text (jsonb elsewhere)"));
}

TEST(SchemaDrift, EachKindOfDifference) {
  ShardSchema odd = Shard("s3");
  TableShape& events = odd.tables["public.events"];
  events.columns.erase("payload");
  events.columns["note"] = "text";
  events.keys.clear();
  events.partitions["events_2015_10"] = "DEFAULT";
  EXPECT_THAT(Texts({Shard("s1"), Shard("s2"), odd}),
              testing::ElementsAre(
                  "s3: column payload is missing (jsonb elsewhere)",
                  "s3: column note is here only (text)",
                  "s3: key events_pkey is missing (PRIMARY KEY (customer_id, id) elsewhere)",
                  "s3: partition events_2015_10 is here only (DEFAULT)"));
}

TEST(SchemaDrift, AMissingTable) {
  EXPECT_THAT(Texts({Shard("s1"), {"s2", {}}}), testing::ElementsAre("s2: the table is missing"));
  EXPECT_THAT(Texts({{"s1", {}}, {"s2", {}}}),
              testing::ElementsAre("s1: the table is missing", "s2: the table is missing"));
}

}  // namespace
}  // namespace pgreeve::cli
