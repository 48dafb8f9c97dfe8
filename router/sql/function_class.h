// What a call of a function means to routing, by its name: raw trees know no types. Row security is
// what keeps tenants apart; this list only says which statements are worth refusing early.
// Immutable tables; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgreeve::sql {

enum FunctionTrait : uint32_t {
  kTraitNone = 0,
  kTraitOpaque = 1 << 0,  // not known, or known to run SQL: may read or write any table
  kTraitAggregate = 1 << 1,
  kTraitVolatile = 1 << 2,  // differs from shard to shard or from call to call
  kTraitSetConfig = 1 << 3,
  kTraitAdvisoryLock = 1 << 4,   // session level
  kTraitSequenceState = 1 << 5,  // currval, lastval
  kTraitSequence = 1 << 6,       // nextval, setval
  kTraitNotify = 1 << 7,
  kTraitReserved = 1 << 8,  // what routers call on shards
  kTraitLocal = 1 << 9,     // pgreeve.f() that the router answers
  kTraitWrites = 1 << 10,
};

// `schema` is empty for unqualified calls. Names as the parser folds them.
uint32_t FunctionTraits(std::string_view schema, std::string_view name);

// Separated by blanks; defined in builtin_names.cc.
extern const std::string_view kBuiltinNames;

}  // namespace pgreeve::sql
