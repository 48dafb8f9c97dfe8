// The older of the two ways to log in at a backend with a password on an open line.
// Pure; any thread. Source: PostgreSQL 15 §55.2.1 "AuthenticationMD5Password".
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace pgreeve::auth {

// What PasswordMessage carries (without its zero byte): "md5" and 32 hex digits.
// Errors: 0A000 where OpenSSL has no MD5 (FIPS).
absl::StatusOr<std::string> Md5Password(std::string_view user,
                                        std::string_view password,
                                        std::string_view salt);

}  // namespace pgreeve::auth
