// pgreevectl as a person types it, against a catalog and shards on a real Postgres: what is
// printed, the exit code, and what then stands in the catalog.
#include <algorithm>
#include <string>
#include <vector>

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/cli/commands.h"
#include "admin/cli/invocation.h"
#include "router/base/status.h"
#include "router/metastore/shard_client.h"
#include "router/pqlink/connection.h"
#include "tests/support/scratch_postgres.h"

namespace pgreeve::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kVerifier[] = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$";

struct Said {
  int code = 0;
  std::string out;
  std::string error;
};

class ConversationTest : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_POSTGRES();
    catalog_ = test::ScratchPostgres::Get()->NewDatabase();
    ASSERT_EQ(Say({"catalog", "init", "--tenant-type", "bigint"}).code, 0);
  }

  Said Say(std::vector<std::string> words) const {
    CLI::App app("", "pgreevectl");
    Invocation invocation;
    Commands commands(app);
    BuildCommands(commands, invocation);
    words.insert(words.end(), {"--catalog", catalog_});
    std::reverse(words.begin(), words.end());
    app.parse(words);
    testing::internal::CaptureStdout();
    absl::Status status = invocation.Prepare();
    absl::StatusOr<int> code = status.ok() ? commands.chosen()(invocation) : status;
    std::fflush(stdout);
    Said said;
    said.out = testing::internal::GetCapturedStdout();
    said.code = code.ok() ? *code : ExitCodeOf(code.status());
    if (!code.ok())
      said.error = ErrorText(code.status());
    return said;
  }

  // A node and two shards, s1 and s2, with the sharded table public.t.
  void MakeShards() {
    const std::string dsn = test::ScratchPostgres::Get()->Dsn();
    const Said node = Say({"node", "add", "n1", "--dsn", dsn});
    ASSERT_EQ(node.code, 0) << node.error;
    for (const std::string name : {"s1", "s2"}) {
      databases_.push_back(name + "_" + std::to_string(absl::ToUnixMicros(absl::Now())));
      const Said added = Say({"shard",
                              "add",
                              name,
                              "--node",
                              "n1",
                              "--database",
                              databases_.back(),
                              "--tier",
                              name == "s1" ? "starter" : "business"});
      ASSERT_EQ(added.code, 0) << added.error;
    }
    const TableFact fact{"public", "t", TableKind::kSharded, "c", {}};
    for (const std::string& database : databases_) {
      auto client = *metastore::ShardClient::Open(*metastore::WithDatabase(dsn, database));
      ASSERT_TRUE(
          client->ApplyDdl("CREATE TABLE t (c bigint NOT NULL, n int, PRIMARY KEY (c, n))").ok());
      ASSERT_TRUE(client->ProtectTable(fact).ok());
    }
    ASSERT_TRUE(Catalog()->DeclareTable(fact, "test").ok());
  }

  std::unique_ptr<metastore::CatalogClient> Catalog() const {
    return *metastore::CatalogClient::Open(catalog_);
  }

  void OnShard(std::size_t shard, std::string_view sql) const {
    auto link = *pqlink::Connection::Open(
        *metastore::WithDatabase(test::ScratchPostgres::Get()->Dsn(), databases_[shard]));
    const absl::Status done = link->ExecScript(sql);
    ASSERT_TRUE(done.ok()) << done;
  }

  std::string catalog_;
  std::vector<std::string> databases_;
};

TEST_F(ConversationTest, CatalogAndPolicy) {
  EXPECT_THAT(Say({"catalog", "init", "--tenant-type", "uuid"}).error, HasSubstr("error:"));
  EXPECT_THAT(Say({"catalog", "upgrade"}).out, HasSubstr("Nothing to do"));
  EXPECT_THAT(Say({"catalog", "status", "-o", "json"}).out, HasSubstr("\"audit\": \"intact\""));
  EXPECT_EQ(Say({"region", "add", "eu"}).code, 0);
  EXPECT_THAT(Say({"region", "list", "-o", "csv"}).out, HasSubstr("eu,0\n"));
  EXPECT_EQ(Say({"tier", "set", "business", "--capacity", "20", "--size-max", "5GB"}).code, 0);
  EXPECT_THAT(Say({"tier", "list", "-o", "csv"}).out, HasSubstr("business,f,20,"));
  EXPECT_EQ(Say({"tier", "set", "vip", "--dedicated"}).code, 0);
  EXPECT_THAT(Say({"tier", "list", "-o", "csv"}).out, HasSubstr("vip,t,1,0,\n"));
  EXPECT_EQ(Say({"setting", "set", "placement.default_tier", "starter"}).code, 0);
  EXPECT_THAT(Say({"setting", "show", "placement.default_tier"}).out, HasSubstr("starter"));
}

TEST_F(ConversationTest, TenantsFindAHome) {
  MakeShards();
  EXPECT_THAT(Say({"tenant", "create", "1", "2", "--tier", "starter"}).out,
              AllOf(HasSubstr("1       starter  s1"), HasSubstr("2       starter  s1")));
  const Said again = Say({"tenant", "create", "1", "--tier", "starter"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(Say({"tenant", "create", "x"}).error, HasSubstr("error:")) << "no bigint";
  EXPECT_THAT(Say({"where", "2", "-o", "csv"}).out,
              AllOf(HasSubstr("2,starter,local,s1,n1,127.0.0.1,"), HasSubstr(databases_[0])));
  EXPECT_THAT(Say({"tenant", "show", " 2 "}).out, HasSubstr("shard    s1"));
  EXPECT_THAT(Say({"where", "99"}).error, HasSubstr("HINT:  Create it"));
  EXPECT_THAT(Say({"tenant", "list", "--shard", "s2", "-o", "json"}).out, "[]\n");
  EXPECT_THAT(Say({"status"}).out, HasSubstr("2 tenants on 2 shards, 1 nodes"));
  EXPECT_THAT(Say({"status", "-o", "csv"}).out, HasSubstr(",2,2\n"));
}

TEST_F(ConversationTest, WithoutRoomAShardIsAskedFor) {
  MakeShards();
  const Said said = Say({"tenant", "create", "5", "--tier", "enterprise"});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.error, HasSubstr("--wait"));
  const auto requests = Catalog()->ListShardRequests();
  ASSERT_EQ(requests->size(), 1U);
  EXPECT_EQ(requests->front().tier, "enterprise");
}

TEST_F(ConversationTest, ShardsDrainAndGrow) {
  MakeShards();
  EXPECT_EQ(Say({"shard", "drain", "s1"}).code, 0);
  EXPECT_THAT(Say({"shard", "list"}).out, HasSubstr("draining"));
  EXPECT_EQ(Say({"shard", "undrain", "1"}).code, 0) << "by number";
  EXPECT_THAT(Say({"shard", "list"}).out, Not(HasSubstr("draining")));
  EXPECT_EQ(Say({"shard", "capacity", "s1", "200"}).code, 0);
  EXPECT_THAT(Say({"shard", "drain", "s9"}).error, HasSubstr("There are: s1, s2"));
  EXPECT_THAT(Say({"shard", "add", "--node", "n1", "--tier", "starter", "--region", "mars"}).error,
              HasSubstr("node n1 is in region local"));
  EXPECT_EQ(Say({"node", "drop", "n1"}).code, 1) << "it holds shards";
  EXPECT_EQ(Say({"shard", "drop", "s2"}).code, 0);
}

TEST_F(ConversationTest, Logins) {
  MakeShards();
  ASSERT_EQ(Say({"tenant", "create", "1", "--tier", "starter"}).code, 0);
  const std::string verifier = std::string(kVerifier) +
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const auto create = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"login", "create", "--verifier", verifier};
    words.insert(words.end(), more.begin(), more.end());
    return Say(words);
  };
  EXPECT_EQ(create({"acme", "--scope", "tenant", "--tenant", "1"}).code, 0);
  EXPECT_EQ(create({"acme", "--scope", "tenant", "--tenant", "1"}).code, 1) << "exists";
  EXPECT_THAT(create({"b", "--scope", "tenant"}).error, HasSubstr("--tenant"));
  EXPECT_THAT(create({"b", "--scope", "app", "--tenant", "1"}).error, HasSubstr("no tenant"));
  EXPECT_EQ(create({"shop",
                    "--scope",
                    "app",
                    "--provision",
                    "--provision-tier",
                    "starter",
                    "--no-isolation"})
                .code,
            0);
  EXPECT_EQ(create({"ops", "--scope", "operator"}).code, 0);
  EXPECT_THAT(Say({"login", "list", "-o", "csv"}).out,
              AllOf(HasSubstr("acme,tenant,1,t,f,,,,f\n"),
                    HasSubstr("shop,app,,f,t,starter,,,f\n"),
                    HasSubstr("ops,operator,,t,f,,,,t\n")));
  EXPECT_EQ(Say({"login", "alter", "shop", "--no-provision", "--connections-max", "9"}).code, 0);
  EXPECT_THAT(Say({"login", "list", "-o", "csv"}).out, HasSubstr("shop,app,,f,f,starter,,9,f\n"));
  EXPECT_EQ(Say({"login", "drop", "ops"}).code, 0);
  EXPECT_EQ(Say({"login", "drop", "ops"}).code, 1);
}

TEST_F(ConversationTest, TheDoctorFindsNothingWrong) {
  MakeShards();
  ASSERT_EQ(Say({"tenant", "create", "1", "2", "--tier", "starter"}).code, 0);
  OnShard(0, "INSERT INTO t VALUES (1, 1), (1, 2), (2, 1)");
  const Said said = Say({"doctor", "--rows", "--all"});
  EXPECT_EQ(said.code, 0) << said.out;
  EXPECT_THAT(said.out, HasSubstr("public.t  starter        2     3"));
  EXPECT_THAT(said.out, HasSubstr("3 rows of public.t at home"));
  EXPECT_THAT(said.out, Not(HasSubstr("error ")));
}

TEST_F(ConversationTest, TheDoctorFindsEachKindOfHarm) {
  MakeShards();
  ASSERT_EQ(Say({"tenant", "create", "1", "--tier", "starter"}).code, 0);
  ASSERT_EQ(Say({"tenant", "create", "7", "--tier", "business"}).code, 0);
  OnShard(0, "INSERT INTO t VALUES (1, 1), (7, 1), (7, 2), (555, 1)");
  OnShard(1,
          "ALTER TABLE t ADD COLUMN note text; CREATE VIEW leak AS SELECT * FROM t;"
          " GRANT SELECT ON leak TO pgreeve_app; UPDATE pgreeve.shard_state SET shard = 77");
  auto catalog = Catalog();
  ASSERT_TRUE(
      catalog->connection().ExecScript("UPDATE pgreeve.shards SET tenants = 9 WHERE id = 1").ok());
  const Said said = Say({"doctor"});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.out, HasSubstr("s1: 2 rows of public.t belong to tenant 7, whose home is s2"));
  EXPECT_THAT(said.out, HasSubstr("s1: 1 rows of public.t belong to tenant 555, which does not"));
  EXPECT_THAT(said.out, HasSubstr("column note"));
  EXPECT_THAT(said.out, HasSubstr("view public.leak"));
  EXPECT_THAT(said.out, HasSubstr("the database says it is shard 77, the catalog 2"));
  EXPECT_THAT(said.out, HasSubstr("counts 9 tenants, the directory lists 1"));
  EXPECT_THAT(Say({"doctor", "--quick"}).out, Not(HasSubstr("belong to tenant")));
}

}  // namespace
}  // namespace pgreeve::cli
