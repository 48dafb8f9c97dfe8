// Whether bytes are text that a Postgres with encoding UTF8 would take. Pure; any thread.
// Source: pg_utf8_verifystr() in src/common/wchar.c.
#pragma once

#include <cstddef>
#include <string_view>

namespace pgreeve::wire {

// Where the first byte is that is not part of a valid character; npos when there is none. Zero
// bytes, surrogates, overlong forms and what is above U+10FFFF are not valid.
std::size_t FindInvalidUtf8(std::string_view text);

}  // namespace pgreeve::wire
