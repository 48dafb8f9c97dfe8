#include "router/session/prepared.h"

#include <set>

#include "router/session/cancel_key.h"

namespace pgreeve::session {
namespace {

TEST(StatementRegistry, OneNumberForOneStatement) {
  StatementRegistry registry;
  const uint64_t id = registry.IdOf("SELECT $1", {23}, false, 0);
  EXPECT_TRUE(StatementRegistry::IsShared(id));
  EXPECT_EQ(registry.IdOf("SELECT $1", {23}, false, 0), id);
  std::set<uint64_t> others = {id,
                               registry.IdOf("SELECT $1", {}, false, 0),
                               registry.IdOf("SELECT $1", {20}, false, 0),
                               registry.IdOf("SELECT $1", {23, 0}, false, 0),
                               registry.IdOf("SELECT $1 ", {23}, false, 0),
                               registry.IdOf("SELECT $1", {23}, true, 0),
                               // '01/02/2024' is another day under another DateStyle.
                               registry.IdOf("SELECT $1", {23}, false, 77)};
  EXPECT_EQ(others.size(), 7U);
  EXPECT_EQ(BackendName(id), "pgreeve_" + std::to_string(id));
}

TEST(StatementRegistry, UnnamedStatementsAreNeverShared) {
  StatementRegistry registry;
  const uint64_t a = registry.NextId();
  const uint64_t b = registry.NextId();
  EXPECT_NE(a, b);
  EXPECT_NE(a, 0U);
  EXPECT_FALSE(StatementRegistry::IsShared(a));
  EXPECT_FALSE(StatementRegistry::IsShared(b));
}

TEST(StatementRegistry, AForgottenTextGetsANewNumber) {
  StatementRegistry registry;
  const uint64_t first = registry.IdOf("first", {}, false, 0);
  std::set<uint64_t> seen = {first};
  for (std::size_t i = 0; i < StatementRegistry::kEntriesMax; i++)
    EXPECT_TRUE(seen.insert(registry.IdOf(std::to_string(i), {}, false, 0)).second);
  EXPECT_TRUE(seen.insert(registry.IdOf("first", {}, false, 0)).second);
}

TEST(CancelKey, NamesTheWorker) {
  for (const uint32_t worker : {0U, 1U, 7U, 255U}) {
    for (const std::string_view random : {"\xff\xff\xff\xff", "\0\0\0\0"}) {
      const uint32_t pid = MakeCancelPid(worker, std::string_view(random.data(), 4));
      EXPECT_EQ(WorkerOfCancelPid(pid), worker);
      EXPECT_NE(pid, 0U);
      EXPECT_EQ(pid >> 31, 0U) << "drivers read it as a signed number";
    }
  }
}

}  // namespace
}  // namespace pgreeve::session
