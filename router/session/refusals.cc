#include "router/session/refusals.h"

#include <array>
#include <string>

namespace pgreeve::session {
namespace {

constexpr std::array<RefusalRow, static_cast<std::size_t>(Refusal::kCount_)> kRows = {{
    {Refusal::kFunctionCall,
     300,
     "0A000",
     "function calls by message are not supported",
     "The FunctionCall message names a function by oid.",
     "Use SELECT function(…).",
     "The FunctionCall message (fast path) is refused: its oid means something on one shard only."},
    {Refusal::kSecondTenant,
     301,
     "0A000",
     "a transaction works for one tenant",
     "The transaction already runs for another tenant or on another shard.",
     "Commit first, or use a second connection.",
     "A statement inside a transaction names another tenant than the statements before it."},
    {Refusal::kPinnedElsewhere,
     302,
     "0A000",
     "the session is tied to another shard",
     "It holds session state (a temporary table, a cursor, a lock) on a backend.",
     "Run DISCARD ALL first, or use a second connection.",
     "Session state keeps the session on one backend; a statement for another shard is refused."},
    {Refusal::kBroadcastInTransaction,
     303,
     "0A000",
     "a statement for all shards cannot run inside a transaction block",
     "It runs on every shard in one two-phase transaction of its own.",
     "Send it outside of BEGIN … COMMIT (autocommit).",
     "DDL and writes to reference tables run in their own two-phase transaction."},
    {Refusal::kScriptMixed,
     304,
     "0A000",
     "these statements cannot be sent in one query string",
     "Some of them are answered by the router and some write data, and the string would no longer "
     "be one transaction.",
     "Send them one by one.",
     "A string of several statements mixes router commands with writes outside of BEGIN."},
    {Refusal::kTaskInPipeline,
     305,
     "0A000",
     "a statement for several shards cannot share a pipeline with others",
     "Between two Syncs it must be the only statement that is executed.",
     "Send Sync between the statements.",
     "Cross-shard statements and router functions are executed alone between two Syncs."},
    {Refusal::kPreparedLimit,
     306,
     "53400",
     "too many prepared statements",
     "The session reached limits.prepared_statements_max.",
     "Deallocate some.",
     "A session may hold a limited number of prepared statements."},
    {Refusal::kScatterIsolation,
     307,
     "0A000",
     "a cross-shard query cannot join a transaction that has begun on a shard",
     "Each shard answers from a snapshot of its own.",
     "Run it outside of the transaction.",
     "A cross-shard query is refused inside a transaction that already works on one shard."},
    {Refusal::kNoLease,
     308,
     "57P03",
     "the router has lost touch with its catalog",
     "Without a lease it starts no cross-shard query and no two-phase transaction.",
     "Statements of a single tenant go on; try again when the catalog is back.",
     "While the catalog is unreachable, statements for several shards are refused."},
    {Refusal::kProvisionInTransaction,
     309,
     "0A000",
     "a tenant cannot be created inside a transaction that has begun on a shard",
     "",
     "Create the tenant first: SELECT pgreeve.create_tenant(id).",
     "Automatic provisioning works for the first statement of a transaction only."},
    {Refusal::kCopyInPipeline,
     310,
     "0A000",
     "COPY FROM STDIN must be alone between two Syncs",
     "",
     "Send Sync between the statements.",
     "COPY FROM STDIN under row security cannot share a pipeline with other statements."},
    {Refusal::kNoShard,
     311,
     "57P03",
     "no shard serves",
     "The fleet has no open shard yet.",
     "An operator adds one: pgreevectl shard add.",
     "The catalog lists no shard that serves."},
    {Refusal::kNotYet,
     312,
     "0A000",
     "this verb is not available yet",
     "",
     "See docs/limitations.md.",
     "A verb of a later version."},
    {Refusal::kScatterEpoch,
     313,
     "40001",
     "the placement of tenants changed while the query ran",
     "The shards answered with other epochs than planned, three times.",
     "Try again.",
     "A cross-shard query met a placement change three times in a row."},
    {Refusal::kCopyFormat,
     314,
     "0A000",
     "COPY FROM in this format is not supported here",
     "Under row security the router turns COPY into INSERT, from text and csv.",
     "Use FORMAT text or csv with UTF8.",
     "COPY FROM STDIN under row security reads the text and csv formats."},
    {Refusal::kPortalLimit,
     315,
     "0A000",
     "a cross-shard query returns all its rows at once",
     "Execute asked for a limited number of rows.",
     "Ask for all rows, or use LIMIT.",
     "A portal of a cross-shard query cannot be suspended by a row limit."},
}};

}  // namespace

SqlError AbortedTransactionError() {
  return {
      .sqlstate = "25P02",
      .message = "current transaction is aborted, commands ignored until end of transaction block"};
}

const RefusalRow& RowOf(Refusal refusal) {
  return kRows[static_cast<std::size_t>(refusal)];
}

SqlError RefusalError(Refusal refusal, std::string_view what) {
  const RefusalRow& row = RowOf(refusal);
  SqlError error;
  error.sqlstate = row.sqlstate;
  error.message = row.message;
  error.detail =
      "PR-" + std::to_string(row.code) + ": " + std::string(what.empty() ? row.detail : what);
  error.hint = row.hint;
  return error;
}

}  // namespace pgreeve::session
