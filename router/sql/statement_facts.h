// What the analysis of a text found out: plain values, without parse nodes, sessions or tenants.
// Where a value of the text matters (a tenant, an argument) the facts say where it stands, never
// what it is: texts that differ only in such values share one analysis. Immutable once built.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "router/base/status.h"

namespace pgreeve::sql {

enum class StatementKind : uint8_t {
  kSelect,  // also VALUES and TABLE
  kInsert,
  kUpdate,
  kDelete,
  kMerge,
  kCopyFrom,
  kCopyTo,
  kExplain,  // of an ordinary statement, whose facts are merged in
  kExplainRoute,
  kBegin,
  kCommit,
  kRollback,
  kSavepoint,
  kRelease,
  kRollbackTo,
  kTwoPhase,  // PREPARE TRANSACTION and its kin
  kSetTransaction,
  kSet,
  kSetLocal,
  kReset,
  kShow,
  kDiscard,
  kPrepare,
  kExecute,
  kDeallocate,
  kDeclareCursor,
  kFetch,
  kCloseCursor,
  kListen,
  kUnlisten,
  kNotify,
  kLock,
  kTruncate,
  kDdl,
  kRole,           // users, memberships, rights
  kMaintenance,    // VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT, …
  kBlock,          // DO, CALL, LOAD
  kLocalFunction,  // SELECT pgreeve.f(…)
  kOther,          // known to the grammar, not to us
};

enum class RelationClass : uint8_t { kSharded, kReference, kSystem, kUndeclared };

struct RelationUse {
  std::string schema;  // where it was found; as written when undeclared
  std::string name;
  RelationClass kind = RelationClass::kUndeclared;
  int location = -1;  // bytes from the start of the text
  bool written = false;
  bool inserted = false;  // the target of an INSERT
  bool bound = false;     // kSharded: restricted to the tenant of `bindings`
};

// How a value is to be read before it is taken for a tenant id.
enum class CastTo : uint8_t { kNothing, kUuid, kInteger, kText, kNumeric };

struct ValueSource {
  enum class Kind : uint8_t {
    kLiteral,    // index: number in LexedText::literals
    kParameter,  // index: as in $1
    kNull,
    kTrue,  // keywords; for arguments only
    kFalse,
    kDefault,
    kUnreadable,  // a constant that this analysis does not evaluate
  };
  Kind kind = Kind::kUnreadable;
  CastTo cast = CastTo::kNothing;
  bool negative = false;  // a minus stands in front of the number
  bool array = false;     // = ANY(…): the value is an array of ids
  uint32_t index = 0;
  int location = -1;
};

// A value that restricts (or is stored in) the tenant column of a relation.
struct Binding {
  ValueSource source;
  int relation = -1;      // in StatementFacts::relations
  std::string column;     // its tenant column
  bool assigned = false;  // UPDATE … SET tenant_column = value
};

// Findings that decide whether the statement is refused, wherever it runs; bit set.
enum Finding : uint32_t {
  kFindsNothing = 0,
  kFindsTenantColumnUpdate = 1 << 0,  // to something that is not a constant
  kFindsOpaqueFunction = 1 << 1,      // may read or write tables
  kFindsTooDeep = 1 << 2,
  kFindsUnknownSyntax = 1 << 3,
  kFindsVolatile = 1 << 4,      // values differ from run to run: now(), random(), nextval()
  kFindsNotify = 1 << 5,        // pg_notify()
  kFindsOwnSetting = 1 << 6,    // set_config('pgreeve.…')
  kFindsReservedCall = 1 << 7,  // the functions that routers use to talk to shards
  kFindsFileCopy = 1 << 8,
  kFindsRelationsMax = 1 << 9,
  kFindsMixedLocalCall = 1 << 10,  // pgreeve.f() not alone in its statement
  kFindsSequenceCall = 1 << 11,    // nextval, setval
};

// Session state that the statement leaves; the same bits as plan::Pin.
enum Effect : uint32_t {
  kEffectSetConfig = 1 << 0,
  kEffectTempTable = 1 << 1,
  kEffectHoldCursor = 1 << 2,
  kEffectAdvisoryLock = 1 << 3,
  kEffectListen = 1 << 4,
  kEffectSequence = 1 << 5,
  kEffectOpaque = 1 << 6,
};

struct StatementFacts {
  StatementKind kind = StatementKind::kOther;
  uint32_t begin = 0;  // bytes in the text, without leading blanks and comments
  uint32_t length = 0;
  std::vector<RelationUse> relations;
  std::vector<Binding> bindings;  // all must name one tenant
  uint32_t findings = 0;
  int finding_location = -1;  // of the first finding that has one
  std::string finding_name;   // the function, the column
  uint32_t effects = 0;
  bool writes = false;
  bool locks_rows = false;  // FOR UPDATE and the like
  bool is_local = false;
  bool chains = false;   // COMMIT AND CHAIN, ROLLBACK AND CHAIN
  bool is_temp = false;  // CREATE TEMP TABLE, SELECT INTO TEMP
  bool columns_star = false;
  bool concurrently = false;  // cannot run inside a transaction
  std::string name;           // setting, cursor, prepared statement, function, DISCARD's target
  std::string value;
  uint32_t argument_begin = 0;
  uint32_t argument_length = 0;
  std::vector<ValueSource> arguments;
  std::string rewritten;  // COPY t TO STDOUT as COPY (SELECT …) TO STDOUT
  std::string explain_format = "text";
  std::vector<StatementFacts> inner;  // kExplainRoute: the statement to explain

  // A sharded relation that nothing restricts, rather one that is read than one that is inserted
  // into; -1: none.
  int FirstUnbound() const {
    int found = -1;
    for (std::size_t i = 0; i < relations.size(); ++i) {
      if (relations[i].kind != RelationClass::kSharded || relations[i].bound)
        continue;
      if (!relations[i].inserted)
        return static_cast<int>(i);
      if (found < 0)
        found = static_cast<int>(i);
    }
    return found;
  }

  int First(RelationClass kind_wanted) const {
    for (std::size_t i = 0; i < relations.size(); ++i) {
      if (relations[i].kind == kind_wanted)
        return static_cast<int>(i);
    }
    return -1;
  }
};

struct TextFacts {
  std::vector<StatementFacts> statements;
  bool parsed = false;
  SqlError syntax_error;     // !parsed
  bool too_complex = false;  // !parsed because parsing would take too long
  // Every statement is a query that changes no session state and that a bound, isolated session may
  // send as it is.
  bool plain = false;
  bool writes = false;
};

}  // namespace pgreeve::sql
