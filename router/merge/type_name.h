// Names of Postgres' own types by oid, for casts in the combine query. Oids below 16384 are the
// same in every database. Any thread. Source: pg_type of PostgreSQL 15.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pgreeve::merge {

namespace oid {
constexpr uint32_t kBool = 16;
constexpr uint32_t kInt8 = 20;
constexpr uint32_t kInt2 = 21;
constexpr uint32_t kInt4 = 23;
constexpr uint32_t kText = 25;
constexpr uint32_t kOid = 26;
constexpr uint32_t kFloat4 = 700;
constexpr uint32_t kVarchar = 1043;
constexpr uint32_t kDate = 1082;
constexpr uint32_t kTimestamp = 1114;
constexpr uint32_t kTimestamptz = 1184;
constexpr uint32_t kUuid = 2950;
}  // namespace oid

struct TypeName {
  std::string sql;  // "pg_catalog.int8", "pg_catalog.int8[]"
  // Values of it cannot be elements of an array of that type: they travel as text and are cast.
  bool by_text = false;
};

// Nothing for types that are not Postgres' own.
std::optional<TypeName> NameOfType(uint32_t type_oid);

}  // namespace pgreeve::merge
