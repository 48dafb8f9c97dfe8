// Prints a reference page from the tables in the code: `reference_doc settings|metrics|refusals`.
#include <iostream>
#include <string>
#include <string_view>

#include "config/load.h"
#include "router/metrics/catalogue.h"
#include "router/plan/reject.h"
#include "router/session/refusals.h"
#include "router/sql/scatter_refusal.h"

namespace {

// `|` would end a cell of the table.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|')
      out += '\\';
    out += c;
  }
  return out;
}

struct Refusal {
  int code;
  std::string_view sqlstate;
  std::string_view message;
  std::string_view why;
  std::string_view hint;
};

std::string RefusalRow(const Refusal& refusal) {
  return "| PR-" + std::to_string(refusal.code) + " | " + std::string(refusal.sqlstate) + " | " +
         Cell(refusal.message) + " | " + Cell(refusal.why) + " | " + Cell(refusal.hint) + " |\n";
}

constexpr std::string_view kTableHead =
    "| Code | SQLSTATE | Message | Why | Instead |\n| --- | --- | --- | --- | --- |\n";

std::string RefusalsPage() {
  std::string page =
      "<!-- Written by `reference_doc refusals` from router/plan/reject.cc,\n"
      "     router/sql/scatter_refusal.h and router/session/refusals.cc; do not edit. -->\n"
      "# Refusals\n\n"
      "A statement that the router cannot prove right is refused before any shard sees it. The\n"
      "number is stable and stands in DETAIL (`PR-101: …`); `%` stands for what was found in the\n"
      "statement. `EXPLAIN (ROUTE)` tells the same without running anything.\n\n"
      "## Finding the tenant\n\n";
  page += kTableHead;
  for (std::size_t i = 0; i < pgreeve::plan::kRejectCount; ++i) {
    const pgreeve::plan::RejectText& text = pgreeve::plan::kRejects[i];
    page +=
        RefusalRow({static_cast<int>(text.code), text.sqlstate, text.message, text.doc, text.hint});
  }
  page += "\n## Asking all shards\n\n";
  page += kTableHead;
  for (const pgreeve::sql::ScatterRefusalText& text : pgreeve::sql::kScatterRefusals)
    page += RefusalRow({static_cast<int>(text.code), "0A000", text.message, text.doc, text.hint});
  page += "\n## In a session\n\n";
  page += kTableHead;
  for (std::size_t i = 0; i < static_cast<std::size_t>(pgreeve::session::Refusal::kCount_); ++i) {
    const auto& row = pgreeve::session::RowOf(static_cast<pgreeve::session::Refusal>(i));
    page += RefusalRow({row.code, row.sqlstate, row.message, row.doc, row.hint});
  }
  return page;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view page = argc == 2 ? argv[1] : "";
  if (page == "settings") {
    std::cout << pgreeve::config::ReferencePage();
  } else if (page == "metrics") {
    std::cout << pgreeve::metrics::ReferencePage();
  } else if (page == "refusals") {
    std::cout << RefusalsPage();
  } else {
    std::cerr << "usage: reference_doc settings|metrics|refusals\n";
    return 2;
  }
  return 0;
}
