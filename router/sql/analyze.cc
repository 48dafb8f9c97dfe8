#include "router/sql/analyze.h"

#include <array>

#include "router/sql/pg_headers.h"
#include "router/sql/pg_tree.h"
#include "router/sql/query_walker.h"
#include "router/sql/token_scanner.h"
#include "router/sql/utility_reader.h"

namespace pgreeve::sql {
namespace {

// Findings after which a bound session must not simply send the text.
constexpr uint32_t kNotPlain = kFindsTenantColumnUpdate | kFindsTooDeep | kFindsUnknownSyntax |
                               kFindsRelationsMax | kFindsNotify | kFindsOwnSetting |
                               kFindsReservedCall | kFindsMixedLocalCall;

// PostgreSQL's scanner reads a run of operator characters again from each of its tokens (comments
// that nest, signs): a run costs the square of its length, in steps of some nanoseconds.
constexpr std::size_t kScanStepsMax = 10'000'000;

bool ScansSlowly(std::string_view sql) {
  constexpr std::string_view kOperators = "~!@#^&|`?+-*/%<>=";
  std::array<bool, 256> is_operator{};
  for (const char c : kOperators)
    is_operator[static_cast<unsigned char>(c)] = true;
  std::size_t steps = 0;
  std::size_t run = 0;
  for (const char c : sql) {
    if (is_operator[static_cast<unsigned char>(c)]) {
      steps += ++run;
    } else {
      run = 0;
    }
  }
  return steps > kScanStepsMax;
}

bool IsPlain(const StatementFacts& facts) {
  switch (facts.kind) {
    case StatementKind::kSelect:
    case StatementKind::kInsert:
    case StatementKind::kUpdate:
    case StatementKind::kDelete:
      break;
    default:
      return false;
  }
  if (facts.effects != 0 || (facts.findings & kNotPlain) != 0)
    return false;
  for (const RelationUse& use : facts.relations) {
    if (use.written && use.kind == RelationClass::kReference)
      return false;
  }
  return true;
}

}  // namespace

TextFacts Analyze(std::string_view sql, const LexedText& lexed, const AnalyzeOptions& options) {
  TextFacts facts;
  if (ScansSlowly(sql)) {
    facts.too_complex = true;
    return facts;
  }
  const RawTree tree(sql);
  if (!tree.ok()) {
    facts.syntax_error = tree.error();
    return facts;
  }
  facts.parsed = true;
  const TextContext context{sql, &lexed, &options};
  for (const RawStmt* raw : Items<RawStmt>(tree.statements())) {
    StatementFacts& statement = facts.statements.emplace_back();
    const Slice slice = Trim(sql, raw->stmt_location, raw->stmt_len);
    statement.begin = slice.begin;
    statement.length = slice.length;
    UtilityReader reader(context, statement);
    reader.Read(raw->stmt);
    if (statement.is_temp && statement.kind == StatementKind::kDdl)
      statement.effects |= kEffectTempTable;
  }
  facts.plain = !facts.statements.empty();
  for (const StatementFacts& statement : facts.statements) {
    facts.plain = facts.plain && IsPlain(statement);
    facts.writes = facts.writes || statement.writes;
  }
  return facts;
}

}  // namespace pgreeve::sql
