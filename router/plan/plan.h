// What one statement of a client becomes. A plan is a value: it can be compared, printed, cached.
// It holds no connection and no function. Produced by plan/planner.h. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "router/base/ids.h"
#include "router/base/status.h"
#include "router/catalog/placement.h"

namespace pgreeve::plan {

enum class Route : uint8_t {
  kSingle,     // one tenant on one shard; as RoleClass::kTenant, or kOperator for operators
  kAnyShard,   // touches no tenant table (SELECT version(), pg_catalog, reference tables read):
               // the shard of the transaction, of the bound tenant, or the catalog shard
  kScatter,    // every shard, merged (operators only); see `scatter`
  kBroadcast,  // every shard in one two-phase transaction: DDL (RoleClass::kOwner) or a write to a
               // reference table (RoleClass::kOperator); see `broadcast_role`
  kSession,    // transaction control or session state; see `verb`. With a backend at hand most are
               // also sent to it; the session decides
  kLocal,      // the router answers by itself; see `verb`
  kReject,     // see `reject`
};

// What the session must do or remember beside sending the text.
enum class Verb : uint8_t {
  kNone,
  kEmpty,  // no statement in the text
  // transaction control (kSession)
  kBegin,
  kCommit,    // also END
  kRollback,  // also ABORT
  kSavepoint,
  kReleaseSavepoint,
  kRollbackToSavepoint,
  kSetTransaction,       // SET TRANSACTION, SET LOCAL in front of the first statement
  kPreparedTransaction,  // PREPARE TRANSACTION, COMMIT PREPARED …: always rejected
  // session state (kSession)
  kSet,       // name, value: the text after TO or =; applies to the session. Not every form can be
              // put together again from the two (SET TIME ZONE INTERVAL …): replay the statement
  kSetLocal,  // applies to the transaction: forwarded, nothing to remember
  kReset,     // name; empty = ALL
  kDiscard,   // name: ALL, PLANS, SEQUENCES, TEMP
  kPrepare,   // name; argument_begin/argument_length: from behind the name to the end
  kExecute,   // name; likewise the arguments
  kDeallocate,     // name; empty = ALL
  kDeclareCursor,  // name; the route is that of its query; `pins` has kHoldCursor for WITH HOLD
  kFetchCursor,
  kCloseCursor,  // name; empty = ALL
  kListen,
  kUnlisten,
  kNotify,
  // copy (kSingle)
  kCopyFrom,  // FROM STDIN
  kCopyTo,    // TO STDOUT
  // answered by the router (kLocal)
  kSetPgreeve,    // name without "pgreeve.", value without quotes; is_local for SET LOCAL
  kResetPgreeve,  // name; empty = all of pgreeve.*
  kShowPgreeve,   // name
  kFunction,      // SELECT pgreeve.name(arguments): `name`, `arguments`, `columns_star`
  kExplainRoute,  // name: "text" or "json"; inner plans in `explained`
};

// Session state that a statement leaves on a backend, so that it must not serve another client
// before a full reset; while it lasts the session keeps the backend.
enum Pin : uint32_t {
  kPinNone = 0,
  kPinSetConfig = 1 << 0,  // set_config(…, false) or a function call that may set
  kPinTempTable = 1 << 1,
  kPinHoldCursor = 1 << 2,
  kPinAdvisoryLock = 1 << 3,  // session-level
  kPinListen = 1 << 4,
  kPinSequence = 1 << 5,  // currval, lastval
  kPinOpaque = 1 << 6,    // DO, CALL, LOAD: the backend is dirty afterwards
};

// An entry of the one table of refusals (plan/reject.h): stable number, SQLSTATE, texts.
struct Reject {
  int code = 0;  // PR-<code>
  SqlError error;
};

struct ScatterPlan;  // plan/scatter_plan.h

struct StatementPlan {
  Route route = Route::kReject;
  Verb verb = Verb::kNone;
  // kSingle: valid as long as the Placement that the planner was given.
  const catalog::TenantInfo* tenant = nullptr;
  // kSingle: the id found is not in the directory, and the statement is an INSERT of a login that
  // may create tenants. Then `tenant` is null.
  TenantId provision;
  uint32_t pins = kPinNone;
  bool writes = false;
  bool is_local = false;
  bool chains = false;  // kCommit, kRollback: the next transaction begins at once
  bool is_ddl = false;
  catalog::RoleClass broadcast_role = catalog::RoleClass::kOwner;
  // The statement in the client's text, in bytes.
  uint32_t begin = 0;
  uint32_t length = 0;
  std::string name;
  std::string value;
  uint32_t argument_begin = 0;
  uint32_t argument_length = 0;
  std::vector<std::string> arguments;  // kFunction: constants as text
  bool columns_star = false;           // SELECT * FROM pgreeve.f() rather than SELECT pgreeve.f()
  // What to send instead of the client's text; empty: send the text as it is. (COPY of a table
  // under row security, and the like.)
  std::string rewritten;
  std::shared_ptr<const ScatterPlan> scatter;
  std::vector<StatementPlan> explained;
  // kAnyShard: the router's grammar does not take the text. Send Parse (unnamed, no Execute): an
  // error of Postgres is the client's answer; if it is accepted, answer `reject` and go on as after
  // any rejected statement.
  bool parse_only = false;
  Reject reject;
  // Only in `explained`: where each tenant value was found ("events.customer_id = $1 → 42"), and
  // the statement's text.
  std::vector<std::string> found;
  std::string sql;
};

using Plans = absl::InlinedVector<StatementPlan, 1>;

}  // namespace pgreeve::plan
