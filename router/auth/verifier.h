// What the catalog stores of a password: enough to check it, not enough to log in elsewhere.
// Pure; any thread.
//
// Passwords are taken as the bytes they are. For ASCII that is what SASLprep (RFC 4013) yields;
// other text is used as raw UTF-8, so a password whose normal form (NFKC) differs from how it was
// typed is one that drivers with full SASLprep cannot log in with.
// Source: PostgreSQL 15 §53.8 "pg_authid" (rolpassword), RFC 5803.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "router/auth/scram_keys.h"

namespace pgreeve::auth {

constexpr uint32_t kScramIterationsDefault = 4096;
constexpr std::size_t kScramSaltBytes = 16;      // of verifiers made here
constexpr std::size_t kScramSaltBytesMax = 256;  // of any salt that is read

struct ScramVerifier {
  uint32_t iterations = 0;
  std::string salt;
  std::string stored_key;  // kScramKeyBytes
  std::string server_key;  // kScramKeyBytes

  // SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, as Postgres writes it.
  std::string Text() const;

  bool operator==(const ScramVerifier&) const = default;
};

// Errors: 22023 when `text` is no such verifier or names more than kScramIterationsMax iterations.
absl::StatusOr<ScramVerifier> ParseVerifier(std::string_view text);

// `salt` must be random. Cost: that of Derive().
ScramVerifier MakeVerifier(std::string_view password,
                           std::string_view salt,
                           uint32_t iterations = kScramIterationsDefault);

// What a user who does not exist is checked against: the same for the same name at every attempt,
// different for every `secret`, so that the exchange does not tell who exists. No password fits it.
ScramVerifier MockVerifier(std::string_view user,
                           std::string_view secret,
                           uint32_t iterations = kScramIterationsDefault);

// A nonce for ScramServer and ScramClient from at least kNonceBytes random bytes.
constexpr std::size_t kNonceBytes = 18;
std::string MakeNonce(std::string_view random_bytes);

}  // namespace pgreeve::auth
