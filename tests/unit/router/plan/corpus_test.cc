// Runs corpus.txt, and holds the promise of the cache over it.
#include <fstream>
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "router/sql/lexer.h"
#include "tests/unit/router/plan/plan_fixture.h"

namespace pgreeve::plan {
namespace {

std::string_view VerbName(Verb verb) {
  static const std::pair<Verb, std::string_view> kNames[] = {
      {Verb::kEmpty, "empty"},
      {Verb::kBegin, "begin"},
      {Verb::kCommit, "commit"},
      {Verb::kRollback, "rollback"},
      {Verb::kSavepoint, "savepoint"},
      {Verb::kReleaseSavepoint, "release"},
      {Verb::kRollbackToSavepoint, "rollback_to"},
      {Verb::kSetTransaction, "set_transaction"},
      {Verb::kSet, "set"},
      {Verb::kSetLocal, "set_local"},
      {Verb::kReset, "reset"},
      {Verb::kDiscard, "discard"},
      {Verb::kPrepare, "prepare"},
      {Verb::kExecute, "execute"},
      {Verb::kDeallocate, "deallocate"},
      {Verb::kFetchCursor, "fetch"},
      {Verb::kCloseCursor, "close"},
      {Verb::kListen, "listen"},
      {Verb::kUnlisten, "unlisten"},
      {Verb::kSetPgreeve, "set"},
      {Verb::kResetPgreeve, "reset"},
      {Verb::kShowPgreeve, "show"},
      {Verb::kFunction, "function"},
      {Verb::kExplainRoute, "explain"}};
  for (const auto& [known, name] : kNames) {
    if (known == verb)
      return name;
  }
  return "?";
}

bool HasName(Verb verb) {
  switch (verb) {
    case Verb::kSet:
    case Verb::kSetLocal:
    case Verb::kReset:
    case Verb::kDiscard:
    case Verb::kPrepare:
    case Verb::kExecute:
    case Verb::kDeallocate:
    case Verb::kFetchCursor:
    case Verb::kCloseCursor:
    case Verb::kListen:
    case Verb::kUnlisten:
    case Verb::kSetPgreeve:
    case Verb::kResetPgreeve:
    case Verb::kShowPgreeve:
      return true;
    default:
      return false;
  }
}

std::string Summary(const StatementPlan& plan) {
  std::string text;
  switch (plan.route) {
    case Route::kSingle:
      text = plan.tenant != nullptr ? "single " + plan.tenant->id.Text()
                                    : "provision " + plan.provision.Text();
      break;
    case Route::kAnyShard:
      text = plan.parse_only ? "parse_only PR-" + std::to_string(plan.reject.code) : "any";
      break;
    case Route::kScatter:
      text = "scatter";
      break;
    case Route::kBroadcast:
      text = plan.broadcast_role == catalog::RoleClass::kOwner ? "broadcast owner"
                                                               : "broadcast operator";
      break;
    case Route::kSession:
    case Route::kLocal:
      text = plan.route == Route::kSession ? "session " : "local ";
      text += VerbName(plan.verb);
      if (HasName(plan.verb))
        text += " " + plan.name + (plan.verb == Verb::kSavepoint ? "" : "=" + plan.value);
      if (plan.verb == Verb::kFunction) {
        text += " " + plan.name + "(";
        for (std::size_t i = 0; i < plan.arguments.size(); ++i)
          text += (i > 0 ? "," : "") + plan.arguments[i];
        text += plan.columns_star ? ")*" : ")";
      }
      break;
    case Route::kReject:
      text = "PR-" + std::to_string(plan.reject.code);
      break;
  }
  return text;
}

}  // namespace

std::string Summary(const Plans& plans) {
  std::string text;
  for (const StatementPlan& plan : plans)
    text += (text.empty() ? "" : " ; ") + Summary(plan);
  return text;
}

namespace {

struct Case {
  int line = 0;
  std::string session;
  std::string sql;
  std::vector<std::string> parameters;
  std::string expected;
};

std::vector<Case> ReadCorpus() {
  std::ifstream file(std::string(PGREEVE_SOURCE_DIR) + "/tests/unit/router/plan/corpus.txt");
  std::vector<Case> cases;
  Case at;
  std::string line;
  int number = 0;
  bool started = false;
  while (std::getline(file, line)) {
    ++number;
    if (line.starts_with("[")) {
      at.session = line.substr(1, line.size() - 2);
    } else if (line.starts_with("# ") || (line.empty() && !started && at.session != "app")) {
      continue;
    } else if (line.starts_with("<- ")) {
      std::stringstream list(line.substr(3));
      std::string one;
      while (std::getline(list, one, ';')) {
        one.erase(0, one.find_first_not_of(' '));
        at.parameters.push_back(one);
      }
    } else if (line.starts_with("=> ")) {
      at.expected = line.substr(3);
      at.line = number;
      cases.push_back(at);
      at.sql.clear();
      at.parameters.clear();
      started = false;
    } else {
      at.sql += (started ? "\n" : "") + line;
      started = true;
    }
  }
  return cases;
}

uint32_t OidOf(std::string_view name) {
  static const std::pair<std::string_view, uint32_t> kOids[] = {{"none", 0},
                                                                {"unknown", 705},
                                                                {"int2", 21},
                                                                {"int4", 23},
                                                                {"int8", 20},
                                                                {"text", 25},
                                                                {"varchar", 1043},
                                                                {"bpchar", 1042},
                                                                {"numeric", 1700},
                                                                {"uuid", 2950},
                                                                {"float8", 701},
                                                                {"int8[]", 1016}};
  for (const auto& [known, oid] : kOids) {
    if (known == name)
      return oid;
  }
  ADD_FAILURE() << "no type " << name;
  return 0;
}

std::string Binary(std::string_view type, const std::string& value) {
  std::string bytes;
  if (type == "int2")
    AppendUint16(bytes, static_cast<uint16_t>(std::stoi(value)));
  else if (type == "int4")
    AppendUint32(bytes, static_cast<uint32_t>(std::stoi(value)));
  else if (type == "int8" || type == "none")
    AppendUint64(bytes, static_cast<uint64_t>(std::stoll(value)));
  else if (type == "uuid")
    bytes = TenantId::FromText(TenantType::kUuid, value)->canonical();
  else if (type == "int8[]") {
    std::stringstream list(value);
    std::string one;
    std::string elements;
    uint32_t count = 0;
    while (std::getline(list, one, ',')) {
      AppendUint32(elements, 8);
      AppendUint64(elements, static_cast<uint64_t>(std::stoll(one)));
      ++count;
    }
    for (const uint32_t word : {1u, 0u, 20u, count, 1u})
      AppendUint32(bytes, word);
    bytes += elements;
  } else {
    bytes = value;
  }
  return bytes;
}

// Keeps the bytes that Parameter points into.
struct Parameters {
  std::vector<std::string> bytes;
  std::vector<Parameter> list;

  explicit Parameters(const std::vector<std::string>& specs) {
    bytes.reserve(specs.size());
    for (const std::string& spec : specs) {
      const std::size_t first = spec.find(':');
      const std::string type = spec.substr(0, first);
      const bool binary = spec[first + 1] == 'b';
      const std::string value = spec.substr(first + 3);
      Parameter& parameter = list.emplace_back();
      parameter.type_oid = OidOf(type);
      parameter.format = binary ? 1 : 0;
      bytes.push_back(binary ? Binary(type, value) : value);
      if (value != "null")
        parameter.value = bytes.back();
    }
  }
};

struct Session {
  SessionView view;
  bool executing = true;
  TenantType type = TenantType::kBigint;

  explicit Session(std::string_view name) {
    if (name == "uuid")
      type = TenantType::kUuid;
    else if (name == "text")
      type = TenantType::kText;
    placement = TestPlacement(type);
    if (name == "bound" || name == "locked" || name == "tenant" || name == "bound-open")
      view.tenant = placement->FindTenant(TenantId::FromBigint(2));
    view.may_provision = name == "app-provision";
    view.locked = name == "locked" || name == "tenant";
    view.isolated = name != "bound-open";
    if (name == "tenant")
      view.scope = catalog::LoginScope::kTenant;
    if (name == "operator") {
      view.scope = catalog::LoginScope::kOperator;
      view.isolated = false;
    }
    executing = name != "described";
    planner.SetPlacement(placement);
  }

  std::shared_ptr<const catalog::Placement> placement;
  Planner planner;
};

void Check(Session& session, const Case& one, const Plans& plans) {
  std::string expected = one.expected;
  const auto take = [&](std::string_view word) {
    const std::size_t at = expected.find(word);
    if (at == std::string::npos)
      return std::string();
    std::string rest = expected.substr(at + word.size());
    expected.erase(at > 0 ? at - 1 : 0);
    return rest.empty() ? std::string("yes") : rest;
  };
  const std::string rewritten = take("rewritten=");
  const std::string pins = take("pins=");
  const bool writes = !take("writes").empty();
  const bool plain = expected.starts_with("plain ");
  if (plain)
    expected.erase(0, 6);
  EXPECT_EQ(Summary(plans), expected)
      << plans[0].reject.error.message << " / " << plans[0].reject.error.detail;
  if (plans[0].route == Route::kReject)
    return;
  EXPECT_EQ(plans[0].pins, pins.empty() ? 0u : static_cast<uint32_t>(std::stoi(pins)));
  EXPECT_EQ(plans[0].rewritten, rewritten);
  EXPECT_TRUE(plans[0].writes || !writes);
  EXPECT_EQ(session.planner.IsPlain(one.sql, session.view), plain);
}

TEST(Corpus, EveryStatementBecomesItsPlan) {
  const std::vector<Case> cases = ReadCorpus();
  ASSERT_GE(cases.size(), 400u);
  std::unique_ptr<Session> session;
  std::string name;
  for (const Case& one : cases) {
    SCOPED_TRACE("corpus.txt:" + std::to_string(one.line) + " [" + one.session + "] " + one.sql);
    if (one.session != name || session == nullptr)
      session = std::make_unique<Session>(name = one.session);
    const Parameters parameters(one.parameters);
    // The second time from the cache, the third time as a prepared statement.
    for (int round = 0; round < 2; ++round) {
      const Plans plans = session->planner.Plan(
          one.sql, nullptr, parameters.list, session->view, session->executing);
      ASSERT_FALSE(plans.empty());
      Check(*session, one, plans);
    }
    const auto prepared = session->planner.Analyze(one.sql, session->view);
    session->planner.Plan("select 'another text'", nullptr, {}, session->view);
    Check(*session,
          one,
          session->planner.Plan(
              one.sql, prepared.get(), parameters.list, session->view, session->executing));
  }
}

// A rejection that can be run otherwise says how, and a plan never carries both.
TEST(Corpus, RefusalsAreComplete) {
  for (const Case& one : ReadCorpus()) {
    SCOPED_TRACE(one.sql);
    Session session(one.session);
    const Parameters parameters(one.parameters);
    for (const StatementPlan& plan :
         session.planner.Plan(one.sql, nullptr, parameters.list, session.view, session.executing)) {
      if (plan.route == Route::kReject) {
        EXPECT_EQ(plan.reject.error.sqlstate.size(), 5u);
        EXPECT_THAT(plan.reject.error.detail,
                    testing::StartsWith("PR-" + std::to_string(plan.reject.code) + ": "));
        EXPECT_EQ(plan.tenant, nullptr);
      } else if (!plan.parse_only) {
        EXPECT_EQ(plan.reject.code, 0);
      }
      EXPECT_LE(plan.begin + plan.length, one.sql.size());
    }
  }
}

// Replaces literals by others of their kind: texts of one shape, other values.
std::string Substitute(const std::string& sql, std::mt19937& random) {
  sql::LexedText lexed;
  sql::Lex(sql, true, 0, lexed);
  std::string out;
  std::size_t at = 0;
  for (const sql::Literal& literal : lexed.literals) {
    out += sql.substr(at, literal.offset - at);
    at = literal.offset + literal.length;
    // Of other lengths too: offsets of one text must never be used on another.
    const std::string value = random() % 2 == 0 ? std::to_string(random() % 4)
                                                : std::to_string(1000 + random() % 100'000);
    if (literal.kind == sql::LiteralKind::kInteger)
      out += value;
    else if (literal.kind == sql::LiteralKind::kString)
      out += "'" + value + "'";
    else
      out += sql.substr(literal.offset, literal.length);
  }
  return out + sql.substr(at);
}

TEST(Corpus, CachedPlansEqualFreshOnes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::unique_ptr<Session> warm;
  std::string name;
  for (const Case& one : ReadCorpus()) {
    if (one.session != name || warm == nullptr)
      warm = std::make_unique<Session>(name = one.session);
    const Parameters parameters(one.parameters);
    for (int round = 0; round < 3; ++round) {
      const std::string sql = Substitute(one.sql, random);
      SCOPED_TRACE(sql);
      Session fresh(one.session);
      const auto cached =
          warm->planner.Plan(sql, nullptr, parameters.list, warm->view, warm->executing);
      const auto first =
          fresh.planner.Plan(sql, nullptr, parameters.list, fresh.view, fresh.executing);
      EXPECT_EQ(Summary(cached), Summary(first));
      ASSERT_EQ(cached.size(), first.size());
      for (std::size_t i = 0; i < cached.size(); ++i) {
        // One statement may be given as the whole text, with the comments around it.
        EXPECT_LE(cached[i].begin, first[i].begin);
        EXPECT_GE(cached[i].begin + cached[i].length, first[i].begin + first[i].length);
        EXPECT_TRUE(cached.size() == 1 || cached[i].length == first[i].length);
        EXPECT_EQ(cached[i].value, first[i].value);
        EXPECT_EQ(cached[i].rewritten, first[i].rewritten);
        EXPECT_EQ(sql.substr(cached[i].argument_begin, cached[i].argument_length),
                  sql.substr(first[i].argument_begin, first[i].argument_length));
      }
      EXPECT_EQ(cached[0].pins, first[0].pins);
      EXPECT_EQ(cached[0].reject.error.position, first[0].reject.error.position);
      EXPECT_EQ(cached[0].reject.error.detail, first[0].reject.error.detail);
      EXPECT_EQ(warm->planner.IsPlain(sql, warm->view), fresh.planner.IsPlain(sql, fresh.view));
    }
  }
}

}  // namespace
}  // namespace pgreeve::plan
