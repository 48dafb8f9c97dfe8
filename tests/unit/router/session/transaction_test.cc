#include "router/session/transaction.h"

namespace pgreeve::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Transaction, LazyUntilAStatementNeedsAShard) {
  Transaction transaction;
  EXPECT_TRUE(transaction.idle());
  transaction.AddLazily("BEGIN");
  transaction.AddLazily("SET TRANSACTION READ ONLY");
  EXPECT_TRUE(transaction.lazy());
  EXPECT_EQ(transaction.status(), 'T');
  EXPECT_THAT(transaction.TakePending(), ElementsAre("BEGIN", "SET TRANSACTION READ ONLY"));
  EXPECT_FALSE(transaction.lazy());
  EXPECT_FALSE(transaction.idle());
  EXPECT_THAT(transaction.TakePending(), IsEmpty());
  transaction.OnReady('E');
  EXPECT_EQ(transaction.status(), 'E');
  transaction.OnReady('I');
  EXPECT_TRUE(transaction.idle());
}

TEST(Transaction, ARefusalFailsIt) {
  Transaction transaction;
  transaction.AddLazily("BEGIN");
  transaction.FailLazily();
  EXPECT_EQ(transaction.status(), 'E');
  EXPECT_TRUE(transaction.lazy());
  transaction.EndLazily();
  EXPECT_TRUE(transaction.idle());
  transaction.AddLazily("BEGIN");
  EXPECT_THAT(transaction.TakePending(), ElementsAre("BEGIN"));
}

TEST(Transaction, RollbackToASavepointHealsIt) {
  Transaction transaction;
  transaction.AddLazily("BEGIN");
  transaction.AddSavepoint("a");
  transaction.AddLazily("SAVEPOINT a");
  EXPECT_TRUE(transaction.HasSavepoint("a"));
  EXPECT_FALSE(transaction.HasSavepoint("b"));
  transaction.FailLazily();
  transaction.AddLazily("ROLLBACK TO a");
  EXPECT_EQ(transaction.status(), 'T');
  EXPECT_THAT(transaction.TakePending(), ElementsAre("BEGIN", "SAVEPOINT a", "ROLLBACK TO a"));
  EXPECT_FALSE(transaction.HasSavepoint("a"));
}

TEST(Transaction, ChainKeepsTheCharacteristicsOnly) {
  Transaction transaction;
  transaction.AddLazily("BEGIN ISOLATION LEVEL SERIALIZABLE");
  transaction.AddLazily("Savepoint a");
  transaction.AddLazily("SET TRANSACTION READ ONLY");
  transaction.AddLazily("ROLLBACK TO a");
  transaction.FailLazily();
  transaction.ChainLazily();
  EXPECT_EQ(transaction.status(), 'T');
  EXPECT_TRUE(transaction.lazy());
  EXPECT_THAT(transaction.TakePending(),
              ElementsAre("BEGIN ISOLATION LEVEL SERIALIZABLE", "SET TRANSACTION READ ONLY"));
}

TEST(Transaction, WantsSnapshot) {
  for (const char* text : {"begin isolation level repeatable  read",
                           "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY"}) {
    Transaction transaction;
    EXPECT_FALSE(transaction.WantsSnapshot());
    transaction.AddLazily("BEGIN");
    EXPECT_FALSE(transaction.WantsSnapshot());
    transaction.AddLazily(text);
    EXPECT_TRUE(transaction.WantsSnapshot()) << text;
    transaction.Reset();
    EXPECT_FALSE(transaction.WantsSnapshot());
  }
}

}  // namespace
}  // namespace pgreeve::session
