// The doctor's report: what was checked, what was found, what mends it. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "admin/cli/output.h"

namespace pgreeve::cli {

enum class Severity : uint8_t {
  kOk,       // the check passed
  kNote,     // worth knowing, nothing to mend
  kWarning,  // will hurt one day
  kError,    // wrong now
};

std::string_view ToString(Severity severity);

struct Finding {
  Severity severity = Severity::kOk;
  std::string check;    // stable name: "rows", "schema", "isolation", …
  std::string subject;  // a shard, a table, a router
  std::string text;
  std::string fix;  // what to type or do; empty for kOk and kNote
};

class Diagnosis {
 public:
  // One check of one subject that found nothing.
  void Passed(std::string check, std::string subject, std::string text);

  // A finding; counts as one check with however many problems are added for the same check and
  // subject.
  void Found(Finding finding);

  std::size_t checks() const { return checks_; }

  // Errors and warnings.
  std::size_t problems() const;

  bool has_errors() const;

  const std::vector<Finding>& findings() const { return findings_; }

  // For people: problems with their fixes, worst first; passed checks only with `all`. Ends with
  // "doctor: N checks, M problems".
  std::string ForPeople(bool all, bool color) const;

  // Every finding as a row, for JSON and CSV.
  Table AsTable() const;

 private:
  std::vector<Finding> findings_;
  std::size_t checks_ = 0;
  std::string last_;  // check and subject of the last finding counted
};

}  // namespace pgreeve::cli
