#include "rebalancer/meters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::rebalancer {
namespace {

using testing::HasSubstr;

TEST(Meters, PageHoldsWhatHappened) {
  Meters meters("rb1");
  meters.Leading(true);
  meters.Leading(true);
  meters.CatalogUp(true);
  meters.DutyRound("measure", absl::Seconds(2), true);
  meters.DutyRound("measure", absl::Seconds(3), false);
  meters.OrphanResolved(true);
  meters.TenantsMeasured(7, 1000, 2);
  const std::string page = meters.Page();
  for (const char* line : {"rebalancer_leader 1\n",
                           "rebalancer_leads_total 1\n",
                           "rebalancer_catalog_up 1\n",
                           "rebalancer_duty_rounds_total{duty=\"measure\",outcome=\"ok\"} 1\n",
                           "rebalancer_duty_rounds_total{duty=\"measure\",outcome=\"error\"} 1\n",
                           "rebalancer_duty_last_round_seconds{duty=\"measure\"} 3\n",
                           "rebalancer_two_phase_resolved_total{outcome=\"commit\"} 1\n",
                           "rebalancer_tenants_measured 7\n"})
    EXPECT_THAT(page, HasSubstr(line));
  meters.Leading(false);
  EXPECT_THAT(meters.Page(), HasSubstr("rebalancer_leader 0\n"));
}

}  // namespace
}  // namespace pgreeve::rebalancer
