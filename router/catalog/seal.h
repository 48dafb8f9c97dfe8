// Authenticated encryption for the secrets that pgreeve writes to a disk: AES-256-GCM, a random
// nonce in front, the tag behind. Any thread.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace pgreeve::catalog {

constexpr std::size_t kSealKeyBytes = 32;

// `key` must have kSealKeyBytes. `context` is authenticated, not stored: the same text must be
// given to Unseal.
absl::StatusOr<std::string> Seal(std::string_view key,
                                 std::string_view plain,
                                 std::string_view context);

// Errors: 28000 when the key is another, or a bit of `sealed` or `context` has changed.
absl::StatusOr<std::string> Unseal(std::string_view key,
                                   std::string_view sealed,
                                   std::string_view context);

// The SHA-256 of whatever the settings hold as the key's text: any length in, kSealKeyBytes out.
std::string SealKeyFromText(std::string_view text);

}  // namespace pgreeve::catalog
