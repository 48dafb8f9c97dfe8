#include "admin/cli/finding.h"

#include <algorithm>

#include <fmt/format.h>

namespace pgreeve::cli {
namespace {

std::string_view ColorOf(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "\x1b[32m";
    case Severity::kNote:
      return "\x1b[36m";
    case Severity::kWarning:
      return "\x1b[33m";
    case Severity::kError:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "unknown";
}

void Diagnosis::Passed(std::string check, std::string subject, std::string text) {
  ++checks_;
  last_.clear();
  findings_.push_back(
      {Severity::kOk, std::move(check), std::move(subject), std::move(text), std::string()});
}

void Diagnosis::Found(Finding finding) {
  std::string key = finding.check + '\n' + finding.subject;
  if (key != last_)
    ++checks_;
  last_ = std::move(key);
  findings_.push_back(std::move(finding));
}

std::size_t Diagnosis::problems() const {
  return static_cast<std::size_t>(
      std::count_if(findings_.begin(), findings_.end(), [](const Finding& f) {
        return f.severity >= Severity::kWarning;
      }));
}

bool Diagnosis::has_errors() const {
  return std::any_of(findings_.begin(), findings_.end(), [](const Finding& f) {
    return f.severity == Severity::kError;
  });
}

std::string Diagnosis::ForPeople(bool all, bool color) const {
  std::string text;
  for (const Severity severity :
       {Severity::kError, Severity::kWarning, Severity::kNote, Severity::kOk}) {
    if (severity == Severity::kOk && !all)
      continue;
    for (const Finding& f : findings_) {
      if (f.severity != severity)
        continue;
      text += fmt::format("{}{:<7}{}  {:<10} {}: {}\n",
                          color ? ColorOf(severity) : "",
                          ToString(severity),
                          color ? "\x1b[0m" : "",
                          f.check,
                          Printable(f.subject),
                          Printable(f.text));
      if (!f.fix.empty())
        text += fmt::format("{:<9}fix: {}\n", "", Printable(f.fix));
    }
  }
  return text + fmt::format("doctor: {} checks, {} problems\n", checks_, problems());
}

Table Diagnosis::AsTable() const {
  Table table({{"severity"}, {"check"}, {"subject"}, {"text"}, {"fix"}});
  for (const Finding& f : findings_) {
    table.Add({std::string(ToString(f.severity)),
               f.check,
               f.subject,
               f.text,
               f.fix.empty() ? Cell() : Cell(f.fix)});
  }
  return table;
}

}  // namespace pgreeve::cli
