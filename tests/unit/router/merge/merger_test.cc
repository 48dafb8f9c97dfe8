#include "router/merge/merger.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/merge/type_name.h"
#include "router/plan/scatter.h"

namespace pgreeve::merge {

namespace {

using plan::MergeEngine;
using plan::ScatterPlan;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::FieldDescription;
using wire::Value;

constexpr uint32_t kNumeric = 1700;
constexpr uint32_t kTextArray = 1009;
constexpr uint32_t kUserType = 16999;
constexpr uint32_t kUserTypeElsewhere = 17001;

using Row = std::vector<std::optional<std::string>>;

std::shared_ptr<const ScatterPlan> PlanOf(std::string_view sql) {
  TableSet tables;
  tables.Add({"public", "t", TableKind::kSharded, "k", {}});
  auto plan = plan::PlanScatter(sql, tables, {"public"}, {ShardId{1}, ShardId{2}});
  EXPECT_TRUE(plan.ok()) << sql << "\n" << plan.status();
  return *plan;
}

std::vector<FieldDescription> Fields(const std::vector<uint32_t>& types) {
  std::vector<FieldDescription> fields;
  for (const uint32_t type : types) {
    fields.emplace_back();
    fields.back().name = "f" + std::to_string(fields.size());
    fields.back().type_oid = type;
  }
  return fields;
}

std::string Body(const Row& row) {
  std::vector<Value> values;
  for (const auto& value : row)
    values.push_back(value ? Value(*value) : Value());
  std::string message;
  wire::AppendDataRow(message, values);
  return message.substr(5);
}

std::vector<std::string> Shown(const std::vector<std::string>& chunks) {
  std::vector<std::string> rows;
  std::vector<Value> values;
  for (const std::string& chunk : chunks) {
    std::string_view rest = chunk;
    while (!rest.empty()) {
      const std::size_t length = ReadUint32(rest.data() + 1) + 1;
      EXPECT_EQ(rest[0], 'D');
      EXPECT_TRUE(wire::DecodeDataRow(rest.substr(5, length - 5), values).ok());
      rest.remove_prefix(length);
      rows.emplace_back();
      for (const Value& value : values)
        rows.back() += (rows.back().empty() ? "" : " ") + std::string(value.value_or("null"));
    }
  }
  return rows;
}

// A statement's partial rows on two shards, merged.
struct Case {
  std::string sql;
  std::vector<uint32_t> partial;
  std::vector<uint32_t> expected;
  std::vector<Row> first;
  std::vector<Row> second;
  MergeOptions options = {};
};

absl::StatusOr<std::unique_ptr<Merger>> Filled(const Case& test) {
  auto merger = Merger::Create(PlanOf(test.sql), 2, Fields(test.expected), test.options);
  if (!merger.ok())
    return merger;
  const std::vector<Row>* shards[] = {&test.first, &test.second};
  for (std::size_t shard = 0; shard < 2; ++shard) {
    absl::Status status = (*merger)->SetColumns(shard, Fields(test.partial));
    for (const Row& row : *shards[shard]) {
      if (status.ok())
        status = (*merger)->AddRow(shard, Body(row));
    }
    if (!status.ok())
      return status;
  }
  return merger;
}

absl::StatusOr<MergeOutcome> Merged(const Case& test) {
  auto merger = Filled(test);
  if (!merger.ok())
    return merger.status();
  return (*merger)->Finish();
}

std::vector<std::string> NativeOf(const Case& test) {
  const auto outcome = Merged(test);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  if (!outcome.ok() || !outcome->native)
    return {"not native"};
  std::vector<std::string> rows = Shown(outcome->native->chunks);
  EXPECT_EQ(rows.size(), outcome->native->rows);
  return rows;
}

CombineQuery CombineOf(const Case& test) {
  const auto outcome = Merged(test);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  if (!outcome.ok() || !outcome->combine)
    return {};
  return *outcome->combine;
}

std::string ErrorOf(const Case& test) {
  const auto outcome = Merged(test);
  if (outcome.ok())
    return "ok";
  const SqlError error = ToSqlError(outcome.status());
  return error.sqlstate + " " + error.detail.substr(0, 6);
}

TEST(MergerTest, AddsCountsAndSums) {
  EXPECT_THAT(NativeOf({"SELECT count(*), sum(a), min(a), max(a) FROM t",
                        {oid::kInt8, oid::kInt8, oid::kInt4, oid::kInt4},
                        {oid::kInt8, oid::kInt8, oid::kInt4, oid::kInt4},
                        {{"3", "-5", "-7", "2"}},
                        {{"0", std::nullopt, std::nullopt, std::nullopt}}}),
              ElementsAre("3 -5 -7 2"));
}

TEST(MergerTest, GroupsByKeysAndNulls) {
  EXPECT_THAT(NativeOf({"SELECT a, count(*) FROM t GROUP BY a ORDER BY 2 DESC, 1 NULLS FIRST",
                        {oid::kInt4, oid::kInt8},
                        {oid::kInt4, oid::kInt8},
                        {{"1", "5"}, {std::nullopt, "2"}, {"10", "1"}},
                        {{"1", "1"}, {std::nullopt, "4"}, {"9", "1"}}}),
              ElementsAre("null 6", "1 6", "9 1", "10 1"));
}

TEST(MergerTest, LimitAndOffsetCountGroups) {
  EXPECT_THAT(NativeOf({"SELECT a, count(*) FROM t GROUP BY a ORDER BY a LIMIT 2 OFFSET 1",
                        {oid::kInt4, oid::kInt8},
                        {oid::kInt4, oid::kInt8},
                        {{"3", "1"}, {"1", "1"}},
                        {{"2", "1"}, {"4", "1"}, {"3", "8"}}}),
              ElementsAre("2 1", "3 9"));
}

TEST(MergerTest, SumsAreWideUntilTheyAreWritten) {
  const std::string most = "9223372036854775807";
  const std::vector<uint32_t> type = {oid::kInt8};
  EXPECT_THAT(NativeOf({"SELECT sum(a) FROM t", type, type, {{most}}, {{"-" + most}}}),
              ElementsAre("0"));
  EXPECT_EQ(ErrorOf({"SELECT sum(a) FROM t", type, type, {{most}}, {{"1"}}}), "22003 ");
}

TEST(MergerTest, OrdersMomentsAcrossOffsetsAndEras) {
  EXPECT_THAT(NativeOf({"SELECT a FROM t ORDER BY b",
                        {oid::kTimestamptz, oid::kInt4},
                        {oid::kInt4},
                        {{"2015-09-12 12:00:00+02", "2"}, {"infinity", "9"}},
                        {{"0044-03-15 00:00:00+00 BC", "0"},
                         {"2015-09-12 09:59:59.9+00", "1"},
                         {"12015-01-01 00:00:00-05:30", "3"}}}),
              ElementsAre("0", "1", "2", "3", "9"));
}

TEST(MergerTest, MergesListingsByHiddenKeys) {
  EXPECT_THAT(NativeOf({"SELECT a FROM t ORDER BY b DESC, c LIMIT 3",
                        {oid::kDate, oid::kUuid, oid::kText},
                        {oid::kText},
                        {{"2015-01-02", "bb", "x"}, {"2015-01-01", "aa", "late"}},
                        {{std::nullopt, "cc", "null first"}, {"2015-01-02", "aa", "w"}}}),
              ElementsAre("null first", "w", "x"));
}

TEST(MergerTest, TextIsOrderedNativelyUnderCOnly) {
  Case test = {"SELECT a FROM t ORDER BY a COLLATE \"C\"",
               {oid::kText, oid::kText},
               {oid::kText},
               {{"b", "b"}, {"ä", "ä"}},
               {{"B", "B"}}};
  EXPECT_THAT(NativeOf(test), ElementsAre("B", "b", "ä"));
  test.sql = "SELECT a FROM t ORDER BY a";
  const CombineQuery combine = CombineOf(test);
  EXPECT_EQ(combine.sql,
            "SELECT pgreeve_c1 AS \"f1\" FROM unnest($1::pg_catalog.text[], "
            "$2::pg_catalog.text[]) AS pgreeve_partial(pgreeve_c0, pgreeve_c1) "
            "ORDER BY pgreeve_c0");
  EXPECT_THAT(combine.arrays, ElementsAre("{\"b\",\"ä\",\"B\"}", "{\"b\",\"ä\",\"B\"}"));
}

TEST(MergerTest, ConcatStreamsAndStops) {
  MergeOptions options;
  options.rows_max = 1;  // what has streamed is not held
  auto merger =
      Merger::Create(PlanOf("SELECT a FROM t LIMIT 2 OFFSET 1"), 2, Fields({kUserType}), options);
  ASSERT_TRUE(merger.ok());
  ASSERT_TRUE((*merger)->SetColumns(0, Fields({kUserType})).ok());
  ASSERT_TRUE((*merger)->SetColumns(1, Fields({kUserTypeElsewhere})).ok());
  ASSERT_TRUE((*merger)->AddRow(0, Body({"skipped"})).ok());
  EXPECT_THAT((*merger)->TakeOutput(), IsEmpty());
  ASSERT_TRUE((*merger)->AddRow(1, Body({"one"})).ok());
  EXPECT_THAT(Shown({(*merger)->TakeOutput()}), ElementsAre("one"));
  EXPECT_FALSE((*merger)->satisfied());
  ASSERT_TRUE((*merger)->AddRow(0, Body({"two"})).ok());
  EXPECT_TRUE((*merger)->satisfied());
  ASSERT_TRUE((*merger)->AddRow(0, Body({"three"})).ok());
  const auto outcome = (*merger)->Finish();
  ASSERT_TRUE(outcome.ok());
  EXPECT_THAT(Shown(outcome->native->chunks), ElementsAre("two"));
  EXPECT_EQ(outcome->native->rows, 2U);
}

TEST(MergerTest, ConcatTakesTheClientsFormats) {
  MergeOptions options;
  options.result_formats = {1};
  const auto concat = Merger::Create(PlanOf("SELECT a FROM t"), 2, Fields({20}), options);
  const auto group = Merger::Create(PlanOf("SELECT count(*) FROM t"), 2, Fields({20}), options);
  EXPECT_THAT((*concat)->partial_formats(), ElementsAre(1));
  EXPECT_THAT((*group)->partial_formats(), IsEmpty());
}

TEST(MergerTest, BinaryResultsGoToPostgres) {
  Case test = {"SELECT count(*) FROM t", {oid::kInt8}, {oid::kInt8}, {{"1"}}, {{"2"}}};
  test.options.result_formats = {1};
  EXPECT_THAT(CombineOf(test).sql, HasSubstr("unnest($1::pg_catalog.int8[])"));
  test.options.engine = MergeEngine::kNative;
  EXPECT_EQ(ErrorOf(test), "0A000 PR-243");
}

TEST(MergerTest, FillsTheMarks) {
  Case test = {"SELECT sum(a), avg(a), now() > 'x' FROM t WHERE b = $1",
               {kNumeric, oid::kInt8},
               {kNumeric, kNumeric, oid::kBool},
               {{"1.50", "2"}},
               {{std::nullopt, "0"}}};
  test.options.parameters = 3;
  test.options.now = "2026-01-01 00:00:00+00";
  const CombineQuery combine = CombineOf(test);
  EXPECT_EQ(combine.sql,
            "SELECT sum(pgreeve_c0)::pg_catalog.numeric AS sum, sum(pgreeve_c0) / "
            "(NULLIF(sum(pgreeve_c1), 0)) AS avg, '2026-01-01 00:00:00+00'::timestamp with time "
            "zone > 'x' AS \"?column?\" FROM unnest($4::pg_catalog.numeric[], "
            "$5::pg_catalog.int8[]) AS pgreeve_partial(pgreeve_c0, pgreeve_c1)");
  EXPECT_THAT(combine.arrays, ElementsAre("{\"1.50\",NULL}", "{\"2\",\"0\"}"));
  EXPECT_THAT(combine.array_types, ElementsAre("pg_catalog.numeric[]", "pg_catalog.int8[]"));
  EXPECT_FALSE(combine.staged());
}

TEST(MergerTest, ArraysTravelAsText) {
  const CombineQuery combine = CombineOf({"SELECT max(a) FROM t",
                                          {kTextArray},
                                          {kTextArray},
                                          {{"{a,\"b \\\" c\"}"}},
                                          {{std::nullopt}}});
  EXPECT_EQ(combine.sql,
            "SELECT max(pgreeve_c0) AS max FROM (SELECT pgreeve_c0::pg_catalog.text[] AS "
            "pgreeve_c0 FROM unnest($1::pg_catalog.text[]) AS pgreeve_rows(pgreeve_c0)) AS "
            "pgreeve_partial");
  EXPECT_THAT(combine.arrays, ElementsAre("{\"{a,\\\"b \\\\\\\" c\\\"}\",NULL}"));
}

TEST(MergerTest, LargeResultsAreStaged) {
  Case test = {"SELECT a, avg(b) FROM t GROUP BY a",
               {oid::kText, kNumeric, oid::kInt8},
               {oid::kText, kNumeric},
               {{"tab\tnew\nline\\ \\.", "1", "1"}},
               {{std::nullopt, "2", "1"}}};
  test.options.inline_rows_max = 1;
  const CombineQuery combine = CombineOf(test);
  ASSERT_TRUE(combine.staged());
  EXPECT_EQ(combine.create_sql,
            "CREATE TEMPORARY TABLE pgreeve_partial (pgreeve_c0 pg_catalog.text, pgreeve_c1 "
            "pg_catalog.numeric, pgreeve_c2 pg_catalog.int8) ON COMMIT DROP");
  EXPECT_EQ(combine.copy_sql, "COPY pg_temp.pgreeve_partial FROM STDIN");
  EXPECT_THAT(combine.copy_chunks, ElementsAre("tab\\tnew\\nline\\\\ \\\\.\t1\t1\n\\N\t2\t1\n"));
  EXPECT_THAT(combine.sql, HasSubstr(" FROM pg_temp.pgreeve_partial AS pgreeve_partial GROUP BY"));
  EXPECT_THAT(combine.arrays, IsEmpty());
}

TEST(MergerTest, RefusesTypesThatCannotBeCombined) {
  EXPECT_EQ(ErrorOf({"SELECT sum(a) FROM t", {oid::kFloat4}, {oid::kFloat4}, {}, {}}),
            "0A000 PR-241");
  EXPECT_EQ(ErrorOf({"SELECT a, count(*) FROM t GROUP BY a",
                     {kUserType, oid::kInt8},
                     {kUserType, oid::kInt8},
                     {},
                     {}}),
            "0A000 PR-242");
  Case forced = {"SELECT a, count(*) FROM t GROUP BY a",
                 {oid::kText, oid::kInt8},
                 {oid::kText, oid::kInt8},
                 {},
                 {}};
  forced.options.engine = MergeEngine::kNative;
  EXPECT_EQ(ErrorOf(forced), "0A000 PR-243");
  forced.sql = "SELECT a, avg(b) FROM t GROUP BY a";
  EXPECT_EQ(ErrorOf(forced), "0A000 PR-243");
}

TEST(MergerTest, UserTypesAreCarriedThroughListings) {
  Case test = {"SELECT a FROM t ORDER BY b", {oid::kText, kUserTypeElsewhere}, {kUserType}, {}, {}};
  EXPECT_THAT(CombineOf(test).sql, HasSubstr("$2::pg_catalog.text[]"));
  test.options.result_formats = {1};
  EXPECT_EQ(ErrorOf(test), "0A000 PR-242");
  test.options.result_formats = {};
  test.partial[0] = kUserType;
  EXPECT_EQ(ErrorOf(test), "0A000 PR-242");
}

TEST(MergerTest, ValuesThatAreNotReadGoToPostgres) {
  Case test = {"SELECT a FROM t ORDER BY b",
               {oid::kTimestamp, oid::kInt4},
               {oid::kInt4},
               {{"12/09/2015 10:00:00", "1"}},
               {}};
  EXPECT_FALSE(CombineOf(test).sql.empty());
  test.options.engine = MergeEngine::kNative;
  EXPECT_EQ(ErrorOf(test), "0A000 PR-243");
}

TEST(MergerTest, EngineCanBeForced) {
  Case test = {"SELECT count(*) FROM t", {oid::kInt8}, {oid::kInt8}, {{"1"}}, {{"2"}}};
  EXPECT_THAT(NativeOf(test), ElementsAre("3"));
  test.options.engine = MergeEngine::kPostgres;
  EXPECT_THAT(CombineOf(test).arrays, ElementsAre("{\"1\",\"2\"}"));
}

TEST(MergerTest, LimitsRowsAndBytes) {
  Case test = {"SELECT a, count(*) FROM t GROUP BY a",
               {oid::kInt4, oid::kInt8},
               {oid::kInt4, oid::kInt8},
               {{"1", "1"}, {"2", "1"}},
               {{"3", "1"}}};
  test.options.rows_max = 2;
  EXPECT_EQ(ErrorOf(test), "54000 The li");
  test.options.rows_max = 3;
  EXPECT_EQ(ErrorOf(test), "ok");
  test.options.bytes_max = 20;
  EXPECT_EQ(ErrorOf(test), "54000 The li");
}

TEST(MergerTest, ShardsAreNotTrusted) {
  Case test = {"SELECT a, count(*) FROM t GROUP BY a",
               {oid::kInt4, oid::kInt8},
               {oid::kInt4, oid::kInt8},
               {},
               {}};
  auto merger = Filled(test);
  ASSERT_TRUE(merger.ok());
  const std::string good = Body({"1", "2"});
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE((*merger)->AddRow(0, good.substr(0, length)).ok()) << length;
  EXPECT_FALSE((*merger)->AddRow(0, Body({"1"})).ok());
  EXPECT_FALSE((*merger)->AddRow(0, Body({"1", "2", "3"})).ok());
  EXPECT_FALSE((*merger)->AddRow(7, good).ok());
  EXPECT_FALSE((*merger)->SetColumns(7, Fields(test.partial)).ok());
  EXPECT_FALSE((*merger)->SetColumns(1, Fields({oid::kInt4, oid::kInt4})).ok());
  EXPECT_FALSE((*merger)->SetColumns(1, Fields({oid::kInt4})).ok());
  test.partial = {oid::kInt4};
  EXPECT_FALSE(Filled(test).ok());
  test.partial = {};
  EXPECT_FALSE(Filled(test).ok());
  test = {"SELECT a FROM t ORDER BY b", {oid::kInt4, oid::kInt4}, {oid::kInt8}, {}, {}};
  EXPECT_EQ(ErrorOf(test).substr(0, 5), "08P01");
  const auto early = Merger::Create(PlanOf("SELECT a FROM t"), 2, Fields({20}), {});
  EXPECT_FALSE((*early)->AddRow(0, Body({"1"})).ok());
}

TEST(MergerTest, NoColumnsIsAnError) {
  const auto merger = Merger::Create(PlanOf("SELECT count(*) FROM t"), 1, Fields({20}), {});
  EXPECT_FALSE((*merger)->Finish().ok());
}

TEST(MergerTest, ChecksTheCombinedTypes) {
  const auto merger = Filled({"SELECT avg(a) FROM t", {20, 20}, {kNumeric}, {}, {}});
  ASSERT_TRUE(merger.ok());
  EXPECT_TRUE((*merger)->CheckCombined(Fields({kNumeric})).ok());
  EXPECT_FALSE((*merger)->CheckCombined(Fields({20})).ok());
  EXPECT_FALSE((*merger)->CheckCombined(Fields({})).ok());
}

TEST(MergerTest, VerifiesBothEngines) {
  const auto merger = Filled({"SELECT a, count(*) FROM t GROUP BY a",
                              {oid::kInt4, oid::kInt8},
                              {oid::kInt4, oid::kInt8},
                              {{"1", "1"}, {"2", "1"}},
                              {{"1", "1"}}});
  ASSERT_TRUE(merger.ok());
  const auto native = (*merger)->CombineNative();
  ASSERT_TRUE(native.ok());
  EXPECT_TRUE((*merger)->CombineInPostgres().ok());
  EXPECT_TRUE(VerifySameRows(*native, {Body({"2", "1"}), Body({"1", "2"})}).ok());
  EXPECT_FALSE(VerifySameRows(*native, {Body({"2", "1"}), Body({"1", "3"})}).ok());
  EXPECT_FALSE(VerifySameRows(*native, {Body({"2", "1"})}).ok());
  EXPECT_FALSE(
      VerifySameRows(*native, {Body({"2", "1"}), Body({"2", "1"}), Body({"1", "2"})}).ok());
}

TEST(MergerTest, RowsComeInBoundedChunks) {
  Case test = {"SELECT a FROM t ORDER BY b", {oid::kInt4, oid::kText}, {oid::kText}, {}, {}};
  for (int i = 0; i < 1000; ++i)
    test.first.push_back({std::to_string(i), std::string(1000, 'x')});
  const auto outcome = Merged(test);
  ASSERT_TRUE(outcome.ok());
  EXPECT_GT(outcome->native->chunks.size(), 10U);
  EXPECT_EQ(outcome->native->rows, 1000U);
  for (const std::string& chunk : outcome->native->chunks)
    EXPECT_LT(chunk.size(), kChunkBytes + 2000);
}

}  // namespace

}  // namespace pgreeve::merge
