// Prepared transactions that a dead router left on a shard: which ones the rebalancer resolves and
// how. A transaction is an orphan when it is ours by its gid
// (`pgreeve:<router>:<incarnation>:<n>@<shard>`: gids are unique in a cluster, and a cluster may
// hold several shards; the decision stands under the part before the @) and older than any live
// commit takes. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/time/time.h>

namespace pgreeve::rebalancer {

struct Gid {
  std::string router;
  int64_t incarnation = 0;
  int64_t number = 0;
};

// Nullopt: not one of ours; such a transaction is never touched.
std::optional<Gid> ParseGid(std::string_view gid);

// The gid under which the catalog keeps the decision: without the participant's shard.
std::string_view DecisionGid(std::string_view gid);

struct PreparedTransaction {
  std::string gid;
  absl::Duration age;  // by the shard's clock
  std::string owner;   // the role that prepared it
  std::string database;
};

// True when the gid is ours and the transaction is at least `age_min` old.
bool IsOrphan(const PreparedTransaction& transaction, absl::Duration age_min);

// The decision that stands in the catalog after recovery has inserted *abort* if there was none.
enum class Verdict { kCommit, kAbort };

// COMMIT PREPARED '…' or ROLLBACK PREPARED '…', the gid quoted.
std::string ResolveSql(Verdict verdict, std::string_view gid);

}  // namespace pgreeve::rebalancer
