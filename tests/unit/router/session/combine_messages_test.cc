#include "router/session/combine_messages.h"

#include <gtest/gtest.h>

#include "router/wire/frame.h"

namespace pgreeve::session {
namespace {

std::string TypesOf(std::string_view bytes) {
  std::string types;
  wire::Frame frame;
  while (!bytes.empty() &&
         wire::ScanFrame(bytes, wire::kMessageBytesLimit, &frame) == wire::Scan::kFrame) {
    types += frame.type;
    bytes.remove_prefix(frame.whole.size());
  }
  return types;
}

TEST(CombineMessagesTest, ArraysAreParametersBehindTheClients) {
  merge::CombineQuery query;
  query.sql = "SELECT sum(c0) FROM unnest($2::int8[]) AS pgreeve_partial(c0) WHERE $1";
  query.arrays = {"{1,2}"};
  wire::Bind bind;
  bind.parameters.push_back("t");
  const CombineMessages messages = EncodeCombine(query, {16}, bind, {1});
  EXPECT_EQ(messages.readies, 1);
  EXPECT_EQ(TypesOf(messages.bytes), "PBDES");
  wire::Frame parse;
  ASSERT_EQ(wire::ScanFrame(messages.bytes, wire::kMessageBytesLimit, &parse), wire::Scan::kFrame);
  const auto decoded = wire::DecodeParse(parse.body);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->parameter_types, (ParameterTypes{16, 0}));
  wire::Frame second;
  ASSERT_EQ(wire::ScanFrame(std::string_view(messages.bytes).substr(parse.whole.size()),
                            wire::kMessageBytesLimit,
                            &second),
            wire::Scan::kFrame);
  const auto bound = wire::DecodeBind(second.body);
  ASSERT_TRUE(bound.ok());
  ASSERT_EQ(bound->parameters.size(), 2U);
  EXPECT_EQ(bound->parameters[0], "t");
  EXPECT_EQ(bound->parameters[1], "{1,2}");
  EXPECT_EQ(bound->result_formats[0], 1);
}

TEST(CombineMessagesTest, StagedRowsGoThroughATableInOneTransaction) {
  merge::CombineQuery query;
  query.create_sql = "CREATE TEMP TABLE pgreeve_partial (c0 int8) ON COMMIT DROP";
  query.copy_sql = "COPY pgreeve_partial FROM STDIN";
  query.copy_chunks = {"1\n", "2\n"};
  query.sql = "SELECT sum(c0) FROM pgreeve_partial";
  const CombineMessages messages = EncodeCombine(query, {}, wire::Bind(), {});
  EXPECT_EQ(TypesOf(messages.bytes), "QQQddcPBDESQ");
  EXPECT_EQ(messages.readies, 5) << "BEGIN, CREATE, COPY, the query, COMMIT";
}

}  // namespace
}  // namespace pgreeve::session
