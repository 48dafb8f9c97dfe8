// The router's side of a client's login: SCRAM-SHA-256 over a stored verifier. Messages in,
// messages out; it holds no socket and draws no nonce. Lives for one login, on one thread.
//
//   ScramServer scram({user, verifier, known, nonce});
//   scram.OnClientFirst(SASLInitialResponse's data) → AuthenticationSASLContinue's data
//   scram.OnClientFinal(SASLResponse's data)        → AuthenticationSASLFinal's data: logged in
//
// Source: RFC 5802 §5, RFC 7677; PostgreSQL 15 §55.3.1, src/backend/libpq/auth-scram.c.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "router/auth/verifier.h"

namespace pgreeve::auth {

struct ScramServerOptions {
  std::string user;        // for the error's text; the name inside SCRAM is ignored, as in Postgres
  ScramVerifier verifier;  // MockVerifier() for a user who does not exist or may not log in
  bool known = false;      // false: whatever the proof says, the login fails, and fails last
  std::string nonce;       // MakeNonce()
};

class ScramServer {
 public:
  explicit ScramServer(ScramServerOptions options) : options_(std::move(options)) {}

  // Errors: 08P01 malformed or out of turn, 0A000 for channel binding, an authorization identity
  // and mandatory extensions, which are not supported.
  absl::StatusOr<std::string> OnClientFirst(std::string_view message);

  // OK only when the client has proved that it knows the password.
  // Errors: 08P01 as above, 28P01 wrong password (or no such user).
  absl::StatusOr<std::string> OnClientFinal(std::string_view message);

 private:
  enum class State : uint8_t { kClientFirst, kClientFinal, kDone };

  ScramServerOptions options_;
  State state_ = State::kClientFirst;
  std::string gs2_header_;         // "n,," or "y,,"
  std::string client_first_bare_;  // what follows it
  std::string server_first_;
  std::string nonce_;  // the client's and ours
};

}  // namespace pgreeve::auth
