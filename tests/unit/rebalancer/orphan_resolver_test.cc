#include "rebalancer/orphan_resolver.h"

#include <gtest/gtest.h>

#include "tests/unit/rebalancer/fixture.h"

namespace pgreeve::rebalancer {
namespace {

class OrphanResolverTest : public RebalancerTest {
 protected:
  void Prepare(int row, const std::string& gid) const {
    OnShard("BEGIN; INSERT INTO t VALUES (1, " + std::to_string(row) + "); PREPARE TRANSACTION '" +
            gid + "'");
  }

  std::string Ask(std::string_view sql) const {
    auto link = *pqlink::Connection::Open(ShardDsn());
    const auto answer = link->Exec(sql);
    return answer.ok() && answer->rows() > 0 ? std::string(answer->Text(0, 0)) : "";
  }
};

TEST_F(OrphanResolverTest, DoesWhatStandsAndAbortsWhatNobodyDecided) {
  MakeShard();
  const std::string stamp = std::to_string(absl::ToUnixMicros(absl::Now()));
  Prepare(1, "pgreeve:r1:" + stamp + ":1");
  Prepare(2, "pgreeve:r1:" + stamp + ":2");
  Prepare(3, "foreign:" + stamp);
  ASSERT_TRUE(*catalog_->RecordDecision("pgreeve:r1:" + stamp + ":1", true));
  const auto leader = Lead();
  OrphanResolver young(*leader, meters_);
  ASSERT_TRUE(young.Round(*catalog_, leader->Token()).ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"), "3")
      << "young ones belong to their router";
  OrphanResolver resolver(*leader, meters_, absl::ZeroDuration());
  ASSERT_TRUE(resolver.Round(*catalog_, leader->Token()).ok());
  EXPECT_EQ(Ask("SELECT string_agg(gid, ' ') FROM pg_prepared_xacts"
                " WHERE database = current_database()"),
            "foreign:" + stamp);
  EXPECT_EQ(Ask("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"), "1");
  // The router that comes late finds the abort and cannot commit behind it.
  EXPECT_FALSE(*catalog_->RecordDecision("pgreeve:r1:" + stamp + ":2", true));
  OnShard("ROLLBACK PREPARED 'foreign:" + stamp + "'");
}

}  // namespace
}  // namespace pgreeve::rebalancer
