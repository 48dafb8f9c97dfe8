#include "admin/cli/finding.h"

#include <gtest/gtest.h>

namespace pgreeve::cli {
namespace {

TEST(Finding, AHealthyFleet) {
  Diagnosis diagnosis;
  diagnosis.Passed("rows", "s1", "25 rows at home");
  diagnosis.Passed("schema", "s1", "2 tables");
  EXPECT_EQ(diagnosis.ForPeople(false, false), "doctor: 2 checks, 0 problems\n");
  EXPECT_FALSE(diagnosis.has_errors());
}

TEST(Finding, WorstFirstWithFixAndSummaryLast) {
  Diagnosis diagnosis;
  diagnosis.Found({Severity::kWarning, "lease", "router r2", "silent for 40 s", "restart it"});
  diagnosis.Found({Severity::kNote, "settings", "s1", "fsync is off", ""});
  diagnosis.Found({Severity::kError, "rows", "s1", "3 rows of tenant 7\n", "move them"});
  EXPECT_EQ(diagnosis.ForPeople(false, false),
            "error    rows       s1: 3 rows of tenant 7\\n\n"
            "         fix: move them\n"
            "warning  lease      router r2: silent for 40 s\n"
            "         fix: restart it\n"
            "note     settings   s1: fsync is off\n"
            "doctor: 3 checks, 2 problems\n");
  EXPECT_TRUE(diagnosis.has_errors());
}

TEST(Finding, ManyProblemsOfOneCheckAreOneCheck) {
  Diagnosis diagnosis;
  diagnosis.Found({Severity::kError, "rows", "s1", "a", "fix"});
  diagnosis.Found({Severity::kError, "rows", "s1", "b", "fix"});
  diagnosis.Found({Severity::kError, "rows", "s2", "c", "fix"});
  EXPECT_EQ(diagnosis.checks(), 2U);
  EXPECT_EQ(diagnosis.problems(), 3U);
}

TEST(Finding, AsRows) {
  Diagnosis diagnosis;
  diagnosis.Passed("rows", "s1", "fine");
  EXPECT_EQ(diagnosis.AsTable().Render(Format::kCsv),
            "severity,check,subject,text,fix\nok,rows,s1,fine,\n");
}

}  // namespace
}  // namespace pgreeve::cli
