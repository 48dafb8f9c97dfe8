// The one table of refusals 100–199: numbers, SQLSTATEs, texts. Numbers are stable; they stand in
// the documentation and in DETAIL ("PR-101: …"). 200–299 are in sql/scatter_refusal.h. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "router/plan/plan.h"

namespace pgreeve::plan {

enum class RejectCode : int16_t {
  kNone = 0,
  kUnbound = 101,
  kInsertWithoutTenant = 102,
  kSeveralTenants = 103,
  kUnknownTenant = 104,
  kSuspended = 105,
  kReadOnly = 106,
  kUnreadableValue = 107,
  kNullTenant = 108,
  kLockedSession = 109,
  kUnknownHint = 110,
  kMisplacedHint = 111,
  kTenantColumnUpdate = 112,
  kOpaqueFunction = 113,
  kUndeclared = 114,
  kTooComplex = 115,
  kSyntaxUnknown = 116,
  kNotParsed = 117,
  kTooLong = 118,
  kOtherTenantBound = 119,
  kDdlScope = 120,
  kRoleScope = 121,
  kTruncateScope = 122,
  kTwoPhase = 123,
  kNotifications = 124,
  kFileCopy = 125,
  kCopyUnbound = 126,
  kReferenceWriteScope = 127,
  kReferenceWriteVolatile = 128,
  kReferenceWriteMixed = 129,
  kOperatorWrite = 130,
  kConcurrently = 131,
  kMaintenanceScope = 132,
  kServerWide = 133,
  kOwnSettingCall = 134,
  kReservedFunction = 135,
  kLocalFunctionForm = 136,
  kFunctionArgument = 137,
  kBlockUnbound = 138,
  kTempUnbound = 139,
  kLockUnbound = 140,
  kLocalFunctionScope = 141,
  kReferenceCopy = 142,
  kExplainUnbound = 143,
};

// `%` in a text stands for what the caller found (a relation, a function, a value).
struct RejectText {
  RejectCode code;
  std::string_view sqlstate;
  std::string_view message;
  std::string_view detail;
  std::string_view hint;
  std::string_view doc;  // one sentence for the reference page
};

// What is known of the place: the text and a byte in it (-1: not known).
struct RejectPlace {
  std::string_view sql;
  int byte = -1;
};

// The entry of a code; every code but kNone has one.
const RejectText& TextOf(RejectCode code);

Reject MakeReject(RejectCode code, std::string_view what = "", RejectPlace place = {});

// By code, ascending.
extern const RejectText* const kRejects;
extern const std::size_t kRejectCount;

}  // namespace pgreeve::plan
