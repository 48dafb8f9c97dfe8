// Where a command gets a password from, and the verifier that is stored of it. Main thread only.
#pragma once

#include <string>

#include <absl/status/statusor.h>

namespace pgreeve::cli {

struct PasswordSource {
  std::string file;         // its first line
  bool from_stdin = false;  // the first line of standard input
  std::string verifier;     // ready made: SCRAM-SHA-256$…
};

constexpr char kPasswordVariable[] = "PGREEVE_PASSWORD";

// True when the source names something, or the environment does.
bool HasPassword(const PasswordSource& source);

// The SCRAM-SHA-256 verifier of the password: from the source, else from PGREEVE_PASSWORD, else
// asked for at the terminal, twice. Errors: 22023 for an empty password, one longer than 1,000
// bytes or a bad verifier; 58P01 when the file cannot be read; F0000 when there is no source.
absl::StatusOr<std::string> ReadVerifier(const PasswordSource& source);

}  // namespace pgreeve::cli
