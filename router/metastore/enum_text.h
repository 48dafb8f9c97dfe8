// Enumerations as the catalog's columns spell them. Pure; any thread.
#pragma once

#include <string_view>

#include "router/base/table_set.h"
#include "router/catalog/placement.h"

namespace pgreeve::metastore {

std::string_view EnumText(catalog::ShardState state);
std::string_view EnumText(catalog::TenantAccess access);
std::string_view EnumText(catalog::LoginScope scope);
std::string_view EnumText(catalog::RoleClass role);
std::string_view EnumText(TableKind kind);

// The columns carry CHECK constraints; what they do not allow reads as the safest value (retired,
// suspended, tenant, tenant role, reference).
catalog::ShardState ShardStateOf(std::string_view text);
catalog::TenantAccess TenantAccessOf(std::string_view text);
catalog::LoginScope LoginScopeOf(std::string_view text);
catalog::RoleClass RoleClassOf(std::string_view text);
TableKind TableKindOf(std::string_view text);

}  // namespace pgreeve::metastore
