// Values that the router may compare and add by itself, read from Postgres' text format. Whatever
// is written in a way that is not known is not read: then Postgres combines. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "router/wire/backend_messages.h"

namespace pgreeve::merge {

__extension__ using Int128 = __int128;

// Keys of these types are equal when their texts are.
bool IsKeyType(uint32_t type_oid);
// min() and max() of these, and ORDER BY, are decided by ReadNumber.
bool IsNumberType(uint32_t type_oid);
// IsNumberType, or uuid (whose text sorts as its bytes do).
bool IsOrderedType(uint32_t type_oid);

// Integers as they are; bool 0 and 1; dates in days, timestamps in microseconds from 2000-01-01
// (timestamptz in UTC); infinities beyond all others. Nothing when the text is of another form.
std::optional<int64_t> ReadNumber(uint32_t type_oid, std::string_view text);

// Column `column` of a DataRow's body that has been checked.
wire::Value ColumnOf(std::string_view body, int column);

}  // namespace pgreeve::merge
