// Base64 as SCRAM wants it: with padding, and decoding accepts nothing that encoding would not
// have made (no blanks, no missing padding, no stray bits). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgreeve::auth {

std::string Base64Encode(std::string_view bytes);
// nullopt when `text` is no canonical base64.
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace pgreeve::auth
