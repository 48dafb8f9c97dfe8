#include "router/sql/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/sql/analyze.h"
#include "router/sql/pg_tree.h"

namespace pgreeve::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LexedText LexOf(std::string_view sql, bool conforming = true) {
  LexedText lexed;
  Lex(sql, conforming, 7, lexed);
  return lexed;
}

std::string Key(std::string_view sql, bool conforming = true) {
  return std::string(LexOf(sql, conforming).key());
}

std::vector<std::string> Literals(std::string_view sql, bool conforming = true) {
  std::vector<std::string> texts;
  for (const Literal& literal : LexOf(sql, conforming).literals)
    texts.emplace_back(sql.substr(literal.offset, literal.length));
  return texts;
}

TEST(Lexer, SameShapesHaveOneKey) {
  const std::pair<std::string_view, std::string_view> kSame[] = {
      {"select * from t where a = 1", "SELECT  *\nFROM t WHERE a=2"},
      {"select 'a'", "select 'it''s; longer -- no comment'"},
      {"select 1 -- x", "select /* y /* z */ */ 2"},
      {"select $$a$$", "select $q$ $$ 'b' $q$"},
      {"select E'\\'' , 1", "select E'' , 1"},
      {"select a.b", "select a . b"},
      {"select 'a'\n 'b'", "select 'a'"}};
  for (const auto& [a, b] : kSame)
    EXPECT_EQ(Key(a), Key(b)) << a << " | " << b;
}

TEST(Lexer, DifferentShapesHaveDifferentKeys) {
  const std::pair<std::string_view, std::string_view> kDifferent[] = {
      {"select 1", "select '1'"},
      {"select 1", "select 1.0"},
      {"select 'a'", "select E'a'"},
      {"select 'a'", "select N'a'"},
      {"select 'a'", "select B'1'"},
      {"select 'a'", "select $$a$$"},
      {"select 'a' 'b'", "select 'a''b'"},
      {"select \"a\" \"b\"", "select \"a\"\"b\""},
      {"select \"A\"", "select a"},
      {"select \"A\"", "select \"a\""},
      {"select ab", "select a b"},
      {"select a + -1", "select a +-1"},
      {"select a < = b", "select a <= b"},
      {"select $1 1", "select $11"},
      {"select 1 order by 1", "select 1 order by 2"},
      {"select 1 order by a, 1", "select 1 order by a, 2"},
      {"select 1 group by 1", "select 1 group by 2"},
      {"select 1 limit 5", "select 1 limit 6"},
      {"select nextval('a')", "select nextval('b')"},
      {"select set_config('a', 'b', true)", "select set_config('c', 'b', true)"},
      {"select 'a'::regclass", "select 'b'::regclass"},
      {"select 'a' :: regtype", "select 'b' :: regtype"},
      {"set a = 'b'", "set a = 'c'"},
      {"/* pgreeve: tenant=1 */ select 1", "select 1"},
      {"select U&'a'", "select u & 'a'"},
      {"select 1; select 1", "select 1 select 1"}};
  for (const auto& [a, b] : kDifferent)
    EXPECT_NE(Key(a), Key(b)) << a << " | " << b;
  EXPECT_NE(Key("select 'a\\', 'b'", true), Key("select 'a\\', 'b'", false));
}

TEST(Lexer, LiteralsStandWhereTheyStand) {
  EXPECT_THAT(Literals("select 1, 'a''b', E'\\'', 1.5e-3, .5, x'1F', $1, $t$q$t$, a1"),
              ElementsAre("1", "'a''b'", "E'\\''", "1.5e-3", ".5", "x'1F'", "$t$q$t$"));
  EXPECT_THAT(Literals("select a[1..2], 1e, 2.e1, 3."), ElementsAre("1", "2", "1", "2.e1", "3."));
  EXPECT_THAT(Literals("select 'a' -- x\n  'b', 'c' 'd'"),
              ElementsAre("'a' -- x\n  'b'", "'c'", "'d'"));
  EXPECT_THAT(Literals("select 'a\\' , 'b'"), ElementsAre("'a\\'", "'b'"));
  EXPECT_THAT(Literals("select 'a\\' , 'c'", false), ElementsAre("'a\\' , '", "'"));
  EXPECT_THAT(Literals("select \"a'b\", u&\"d'\" -- 'c'\n/* 'd' */"), IsEmpty());
  EXPECT_THAT(Literals("select a$b$c$d$, $1"), IsEmpty());
}

TEST(Lexer, CountsStatements) {
  EXPECT_EQ(LexOf("").statements, 0);
  EXPECT_EQ(LexOf(" ; -- x\n;").statements, 0);
  EXPECT_EQ(LexOf("select 1").statements, 1);
  EXPECT_EQ(LexOf("select ';' ; select \";\" ;; select $$;$$").statements, 3);
}

TEST(Lexer, KnowsQueriesByTheirFirstWord) {
  EXPECT_TRUE(LexOf("select 1; with x as (select 1) table x; (values (1))").only_queries);
  EXPECT_FALSE(LexOf("select 1; set a = 1").only_queries);
  EXPECT_FALSE(LexOf("begin").only_queries);
  EXPECT_FALSE(LexOf("begin").literal_utility);
  EXPECT_TRUE(LexOf("set a = 1").literal_utility);
}

TEST(Lexer, FindsHints) {
  EXPECT_EQ(LexOf("/* pgreeve: tenant=5 */ select 1").hint, " tenant=5 ");
  EXPECT_EQ(LexOf("-- a\n/* b */ /*pgreeve:x*/ select 1").hint, "x");
  EXPECT_TRUE(LexOf("/* other */ select 1").hint.empty());
  EXPECT_FALSE(LexOf("select 1 /* other */").hint_misplaced);
  EXPECT_TRUE(LexOf("select 1 /* pgreeve: tenant=5 */").hint_misplaced);
  EXPECT_TRUE(LexOf("/* pgreeve: a *//* pgreeve: b */ select 1").hint_misplaced);
  EXPECT_TRUE(LexOf("select '/* pgreeve: a */'").hint.empty());
}

TEST(Lexer, UnterminatedThingsEndWithTheText) {
  for (const std::string_view sql : {"select 'a",
                                     "select \"a",
                                     "select $a$b",
                                     "/* a /* b */",
                                     "e'",
                                     "select E'\\",
                                     "$",
                                     "u&",
                                     "u&'",
                                     "--",
                                     "/",
                                     "/*",
                                     "'",
                                     "\""})
    EXPECT_LE(Key(sql).size(), sql.size() * 2 + 64) << sql;
}

TEST(Lexer, ValuesAreWhatPostgresReads) {
  const auto value = [](std::string_view sql) {
    const LexedText lexed = LexOf(sql);
    return lexed.literals.empty() ? std::nullopt : LiteralValue(sql, lexed.literals[0]);
  };
  EXPECT_EQ(value("select 'a''b'"), "a'b");
  EXPECT_EQ(value("select ''"), "");
  EXPECT_EQ(value("select 'a'\n'b'"), "ab");
  EXPECT_EQ(value("select E'ab'"), "ab");
  EXPECT_EQ(value("select E'a\\nb'"), std::nullopt);
  EXPECT_EQ(value("select $x$a'b$x$"), "a'b");
  EXPECT_EQ(value("select 0042"), "0042");
  EXPECT_EQ(value("select U&'a'"), std::nullopt);
  EXPECT_EQ(value("select x'1f'"), std::nullopt);
  EXPECT_EQ(value("select 'a"), std::nullopt);
  EXPECT_EQ(value("select $a$b"), std::nullopt);
  EXPECT_EQ(value("select 'a' -- x\n'b'"), std::nullopt);
}

TEST(Lexer, LongTextsOfEveryByteAreRead) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string sql(1000, static_cast<char>(byte));
    EXPECT_LE(Key(sql).size(), sql.size() * 2 + 64);
  }
}

TEST(RawTree, LibraryMatchesTheHeaders) {
  EXPECT_EQ(SelfTest(), absl::OkStatus());
}

TEST(RawTree, ErrorsHaveAPosition) {
  const RawTree tree("select * frm t");
  EXPECT_FALSE(tree.ok());
  EXPECT_EQ(tree.error().sqlstate, "42601");
  EXPECT_GT(tree.error().position, 0);
  EXPECT_FALSE(RawTree(std::string_view("select\0 1", 9)).ok());
}

TEST(RawTree, NestsOnOneThread) {
  const RawTree outer("select 1");
  {
    const RawTree inner("select * frm");
    EXPECT_FALSE(inner.ok());
  }
  const RawTree second("select 2; select 3");
  EXPECT_TRUE(outer.ok());
  EXPECT_TRUE(second.ok());
}

// The analysis trusts the lexer's offsets: both must call the same things literals.
TEST(Analyze, EveryTenantLiteralIsFound) {
  TableSet tables;
  tables.Add({"public", "t", TableKind::kSharded, "k", {}});
  AnalyzeOptions options;
  options.tables = &tables;
  for (const std::string_view literal : {"1",
                                         "-1",
                                         "- 1",
                                         "1.5",
                                         ".5",
                                         "1.",
                                         "12345678901234567890",
                                         "'a'",
                                         "'a''b'",
                                         "E'a'",
                                         "$$a$$",
                                         "$x$a$x$",
                                         "uuid 'a'",
                                         "bigint '1'",
                                         "text 'a'",
                                         "cast('a' as uuid)",
                                         "'a'::uuid",
                                         "('a')",
                                         "'a'\n'b'",
                                         "/* c */ 'a'",
                                         "-- c\n'a'"}) {
    const std::string sql =
        "select * from t where 'x' = 'y' and k = " + std::string(literal) + " and 'z' = 'w'";
    const LexedText lexed = LexOf(sql);
    const TextFacts facts = Analyze(sql, lexed, options);
    ASSERT_TRUE(facts.parsed) << sql;
    ASSERT_EQ(facts.statements[0].bindings.size(), 1u) << sql;
    EXPECT_EQ(facts.statements[0].bindings[0].source.kind, ValueSource::Kind::kLiteral) << sql;
    EXPECT_EQ(facts.statements[0].bindings[0].source.index, 2u) << sql;
  }
}

}  // namespace
}  // namespace pgreeve::sql
