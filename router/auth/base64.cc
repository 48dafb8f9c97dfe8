#include "router/auth/base64.h"

#include <absl/strings/escaping.h>
#include <absl/strings/string_view.h>

namespace pgreeve::auth {

std::string Base64Encode(std::string_view bytes) {
  return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
}

std::optional<std::string> Base64Decode(std::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes))
    return std::nullopt;
  // The library is lenient; what does not encode back to the same text is refused.
  if (Base64Encode(bytes) != text)
    return std::nullopt;
  return bytes;
}

}  // namespace pgreeve::auth
