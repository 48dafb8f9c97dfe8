#include "router/pqlink/connection.h"

#include <gtest/gtest.h>

#include "router/base/status.h"
#include "router/pqlink/transaction.h"
#include "tests/support/scratch_postgres.h"

namespace pgreeve::pqlink {
namespace {

std::string StateOf(const absl::Status& status) {
  return status.ok() ? "00000" : ToSqlError(status).sqlstate;
}

class ConnectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_POSTGRES();
    auto opened = Connection::Open(test::ScratchPostgres::Get()->Dsn());
    ASSERT_TRUE(opened.ok()) << opened.status();
    connection_ = *std::move(opened);
  }

  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, ParametersOfEveryKindComeBack) {
  const std::string bytes("\0\xff\\'", 4);
  const auto row = connection_->Exec(
      "SELECT $1::text, $2::text, $3::bigint, $4::boolean, $5::bytea, $6::text[]",
      {std::nullopt,
       "it's \\ é",
       int64_t{-5},
       true,
       Param::Bytes(bytes),
       ArrayLiteral(std::vector<std::string>{"a\"b", "c\\d", "", "{x,y}", "NULL"})});
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_TRUE(row->IsNull(0, 0));
  EXPECT_EQ(row->Text(0, 1), "it's \\ é");
  EXPECT_EQ(row->Int(0, 2), -5);
  EXPECT_TRUE(row->Bool(0, 3));
  EXPECT_EQ(row->Bytes(0, 4), bytes);
  EXPECT_EQ(row->Text(0, 5), R"({"a\"b","c\\d","","{x,y}","NULL"})");
  EXPECT_EQ(row->ColumnName(2), "int8");
}

TEST_F(ConnectionTest, ErrorsKeepWhatTheServerSaid) {
  const auto failed = connection_->Exec("SELECT 1/0");
  EXPECT_EQ(StateOf(failed.status()), "22012");
  EXPECT_EQ(ToSqlError(failed.status()).message, "division by zero");
  EXPECT_EQ(StateOf(connection_->ExecScript("SELECT 1; SELEC 2")), "42601");
  EXPECT_TRUE(connection_->ok());
  EXPECT_EQ(StateOf(Connection::Open("postgresql://127.0.0.1:1/x").status()), "08001");
  EXPECT_EQ(StateOf(Connection::Open("nonsense =").status()), "08001");
}

TEST_F(ConnectionTest, AStatementHasALimit) {
  ASSERT_TRUE(connection_->SetStatementTimeout(absl::Milliseconds(50)).ok());
  EXPECT_EQ(StateOf(connection_->Exec("SELECT pg_sleep(60)").status()), "57014");
  EXPECT_TRUE(connection_->ok());
}

TEST_F(ConnectionTest, AnEndedConnectionSaysSo) {
  EXPECT_FALSE(connection_->Exec("SELECT pg_terminate_backend(pg_backend_pid())").ok());
  EXPECT_FALSE(connection_->ok());
  EXPECT_EQ(StateOf(connection_->Exec("SELECT 1").status()), "08006");
}

TEST_F(ConnectionTest, TransactionsEndWithTheirScope) {
  ASSERT_TRUE(connection_->ExecScript("CREATE TEMP TABLE t (i int)").ok());
  {
    auto transaction = Transaction::Begin(*connection_);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(connection_->Exec("INSERT INTO t VALUES (1)").ok());
  }
  EXPECT_FALSE(connection_->in_transaction());
  {
    auto transaction = Transaction::Begin(*connection_, "ISOLATION LEVEL REPEATABLE READ");
    ASSERT_TRUE(connection_->Exec("INSERT INTO t VALUES (2)").ok());
    ASSERT_TRUE(transaction->Commit().ok());
  }
  {
    auto transaction = Transaction::Begin(*connection_);
    ASSERT_TRUE(connection_->Exec("INSERT INTO t VALUES (3)").ok());
    ASSERT_FALSE(connection_->Exec("SELECT 1/0").ok());
    // Postgres would answer COMMIT with ROLLBACK, which is no error.
    EXPECT_EQ(StateOf(transaction->Commit()), "25P02");
  }
  EXPECT_EQ(connection_->Exec("SELECT string_agg(i::text, ',') FROM t")->Text(0, 0), "2");
}

TEST_F(ConnectionTest, CopiesBothWays) {
  ASSERT_TRUE(connection_->ExecScript("CREATE TEMP TABLE c (i int, t text)").ok());
  int sent = 0;
  const auto copied = connection_->CopyIn("COPY c FROM STDIN", [&](std::string& chunk) {
    chunk = std::to_string(++sent) + "\tx\n";
    return sent < 1000;
  });
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(*copied, 1000);
  int taken = 0;
  ASSERT_TRUE(connection_
                  ->CopyOut("COPY c TO STDOUT",
                            [&](std::string_view row) {
                              taken++;
                              EXPECT_EQ(row.back(), '\n');
                              return absl::OkStatus();
                            })
                  .ok());
  EXPECT_EQ(taken, 1000);
  EXPECT_EQ(StateOf(connection_->CopyOut("COPY c TO STDOUT",
                                         [](std::string_view) { return SqlStatus("54000", "x"); })),
            "54000");
  EXPECT_EQ(StateOf(connection_
                        ->CopyIn("COPY c FROM STDIN",
                                 [](std::string& chunk) {
                                   chunk = "no number\tx\n";
                                   return false;
                                 })
                        .status()),
            "22P02");
  EXPECT_TRUE(connection_->Exec("SELECT 1").ok());
}

TEST_F(ConnectionTest, NotificationsArrive) {
  ASSERT_TRUE(connection_->ExecScript("LISTEN bell; NOTIFY bell, 'ding'").ok());
  const auto notes = connection_->WaitNotifications(absl::Seconds(30));
  ASSERT_TRUE(notes.ok());
  ASSERT_EQ(notes->size(), 1u);
  EXPECT_EQ((*notes)[0].payload, "ding");
  EXPECT_TRUE(connection_->WaitNotifications(absl::ZeroDuration())->empty());
}

TEST(Quoting, LiteralsNamesAndConnectionStrings) {
  EXPECT_EQ(QuoteLiteral("o'neill\\"), "'o''neill\\'");
  EXPECT_EQ(QuoteIdentifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(ArrayLiteral({}), "{}");
  EXPECT_EQ(*WithDatabase("postgresql://u:p%27w@h:5/old", "it's"),
            "user='u' password='p\\'w' host='h' port='5' dbname='it\\'s'");
  EXPECT_EQ(StateOf(WithDatabase("nonsense", "x").status()), "22023");
}

}  // namespace
}  // namespace pgreeve::pqlink
