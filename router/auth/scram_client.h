// The router's side of a login at a backend, which it does not trust. Messages in, messages out;
// the one expensive step is handed to the caller as a value, to run where it blocks nobody.
// Lives for one login, on one thread.
//
//   ScramClient scram({password, nonce});
//   scram.First()                                → SASLInitialResponse's data
//   scram.OnServerFirst(SASLContinue's data)     → a request for Derive(), on any thread
//   scram.Finish(Derive(request))                → SASLResponse's data
//   scram.OnServerFinal(SASLFinal's data)        → OK: the backend knows the password too
//
// Source: RFC 5802 §5, RFC 7677; PostgreSQL 15 §55.3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/auth/scram_keys.h"

namespace pgreeve::auth {

struct ScramClientOptions {
  std::string password;
  std::string nonce;  // MakeNonce()
  uint32_t iterations_max = kScramIterationsMax;
};

class ScramClient {
 public:
  explicit ScramClient(ScramClientOptions options) : options_(std::move(options)) {}

  // The user is the one of the startup packet; Postgres ignores a name in here.
  std::string First() const;

  // Errors: 08P01 malformed or out of turn, 28000 when more iterations are asked for than allowed.
  absl::StatusOr<KeyDerivation> OnServerFirst(std::string_view message);

  // Errors: 08P01 when no request is open or `salted_password` has another size than a key.
  absl::StatusOr<std::string> Finish(std::string_view salted_password);

  // Errors: 28P01 when the backend refuses the proof, 28000 when its own proof is wrong, 08P01.
  absl::Status OnServerFinal(std::string_view message);

 private:
  enum class State : uint8_t { kServerFirst, kDerive, kServerFinal, kDone };

  std::string FirstBare() const;

  ScramClientOptions options_;
  State state_ = State::kServerFirst;
  std::string server_first_;
  std::string nonce_;  // ours and the backend's
  std::string server_signature_;
};

}  // namespace pgreeve::auth
