// What a session refuses by itself, beside the planner's refusals (plan/reject.h) and those of
// cross-shard planning (sql/scatter_refusal.h). Stable numbers from 300; docs/sql.md lists them.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "router/base/status.h"

namespace pgreeve::session {

enum class Refusal : uint8_t {
  kFunctionCall,
  kSecondTenant,
  kPinnedElsewhere,
  kBroadcastInTransaction,
  kScriptMixed,
  kTaskInPipeline,
  kPreparedLimit,
  kScatterIsolation,
  kNoLease,
  kProvisionInTransaction,
  kCopyInPipeline,
  kNoShard,
  kNotYet,
  kScatterEpoch,
  kCopyFormat,
  kPortalLimit,
  kCount_
};

struct RefusalRow {
  Refusal refusal;
  int code;  // PR-<code>
  std::string_view sqlstate;
  std::string_view message;
  std::string_view detail;
  std::string_view hint;
  std::string_view doc;
};

const RefusalRow& RowOf(Refusal refusal);

inline int Code(Refusal refusal) {
  return RowOf(refusal).code;
}

// The error a client gets; DETAIL begins with the number. `what` replaces the row's detail.
// 25P02, as Postgres says it, for a transaction that no shard knows of.
SqlError AbortedTransactionError();

SqlError RefusalError(Refusal refusal, std::string_view what = "");

}  // namespace pgreeve::session
