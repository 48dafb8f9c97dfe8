// Values of a text and of a Bind → tenant ids: the logical value counts, not how it was sent.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "router/base/tenant_id.h"
#include "router/plan/planner.h"
#include "router/sql/lexer.h"
#include "router/sql/statement_facts.h"

namespace pgreeve::plan {

struct ValueContext {
  std::string_view sql;
  const std::vector<sql::Literal>* literals = nullptr;
  const std::vector<Parameter>* parameters = nullptr;
  TenantType type = TenantType::kUuid;
};

enum class ValueState : uint8_t {
  kRead,
  kNull,
  kMissing,     // a parameter that was not bound (only described)
  kUnreadable,  // `problem` says why
};

struct TenantValues {
  ValueState state = ValueState::kRead;
  std::vector<TenantId> ids;  // several for arrays; none for an empty array
  std::string problem;
};

// The tenants that a source names.
TenantValues ReadTenants(const sql::ValueSource& source, const ValueContext& context);

// The source as text, for arguments of the router's functions. False: not a constant, or NULL.
bool ReadText(const sql::ValueSource& source, const ValueContext& context, std::string& text);

// The source as the client wrote it: $1, 'abc'. For EXPLAIN (ROUTE).
std::string SourceText(const sql::ValueSource& source, const ValueContext& context);

}  // namespace pgreeve::plan
