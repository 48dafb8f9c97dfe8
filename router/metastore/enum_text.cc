#include "router/metastore/enum_text.h"

namespace pgreeve::metastore {
namespace {

using catalog::LoginScope;
using catalog::RoleClass;
using catalog::ShardState;
using catalog::TenantAccess;

template <class E>
struct Row {
  E value;
  std::string_view text;
};

// The first row is what unknown texts read as.
constexpr Row<ShardState> kShardStates[] = {{ShardState::kRetired, "retired"},
                                            {ShardState::kOpen, "open"},
                                            {ShardState::kDraining, "draining"},
                                            {ShardState::kCreating, "creating"}};
constexpr Row<TenantAccess> kAccesses[] = {{TenantAccess::kSuspended, "suspended"},
                                           {TenantAccess::kOpen, "open"},
                                           {TenantAccess::kReadOnly, "read_only"}};
constexpr Row<LoginScope> kScopes[] = {{LoginScope::kTenant, "tenant"},
                                       {LoginScope::kApp, "app"},
                                       {LoginScope::kOperator, "operator"}};
constexpr Row<RoleClass> kRoles[] = {{RoleClass::kTenant, "tenant"},
                                     {RoleClass::kOperator, "operator"},
                                     {RoleClass::kOwner, "owner"}};
constexpr Row<TableKind> kKinds[] = {{TableKind::kReference, "reference"},
                                     {TableKind::kSharded, "sharded"}};

template <class E, std::size_t kRows>
std::string_view TextOf(const Row<E> (&rows)[kRows], E value) {
  for (const Row<E>& row : rows) {
    if (row.value == value)
      return row.text;
  }
  return rows[0].text;
}

template <class E, std::size_t kRows>
E ValueOf(const Row<E> (&rows)[kRows], std::string_view text) {
  for (const Row<E>& row : rows) {
    if (row.text == text)
      return row.value;
  }
  return rows[0].value;
}

}  // namespace

std::string_view EnumText(ShardState state) {
  return TextOf(kShardStates, state);
}

std::string_view EnumText(TenantAccess access) {
  return TextOf(kAccesses, access);
}

std::string_view EnumText(LoginScope scope) {
  return TextOf(kScopes, scope);
}

std::string_view EnumText(RoleClass role) {
  return TextOf(kRoles, role);
}

std::string_view EnumText(TableKind kind) {
  return TextOf(kKinds, kind);
}

ShardState ShardStateOf(std::string_view text) {
  return ValueOf(kShardStates, text);
}

TenantAccess TenantAccessOf(std::string_view text) {
  return ValueOf(kAccesses, text);
}

LoginScope LoginScopeOf(std::string_view text) {
  return ValueOf(kScopes, text);
}

RoleClass RoleClassOf(std::string_view text) {
  return ValueOf(kRoles, text);
}

TableKind TableKindOf(std::string_view text) {
  return ValueOf(kKinds, text);
}

}  // namespace pgreeve::metastore
