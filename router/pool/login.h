// The router's login at a shard: messages in, messages out, no socket. The shard is not trusted:
// what it may ask for and how much it may say is limited. Lives for one login.
// Source: PostgreSQL 15 §55.2.1 "Start-up".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/auth/scram_client.h"
#include "router/base/status.h"
#include "router/base/string_map.h"
#include "router/wire/frame.h"

namespace pgreeve::pool {

struct LoginOptions {
  std::string user;
  std::string password;
  std::string database;
  std::string application_name;
  std::string nonce;        // auth::MakeNonce()
  bool scram_only = false;  // refuse to send a password that the shard could use elsewhere
};

class Login {
 public:
  enum class Step : uint8_t {
    kMore,    // send what is in `out`, then wait
    kDerive,  // run auth::Derive(derivation()), then OnDerived
    kReady,   // ReadyForQuery seen
    kFailed,  // see error()
  };

  explicit Login(LoginOptions options) : options_(std::move(options)) {}

  // The startup packet. It sets every session default that ALTER ROLE … SET could have changed.
  std::string Start() const;

  Step OnMessage(const wire::Frame& frame, std::string& out);
  Step OnDerived(std::string_view salted_password, std::string& out);

  const auth::KeyDerivation& derivation() const { return derivation_; }

  // What the shard said, or 08P01, 28000 of our own.
  const SqlError& error() const { return error_; }

  uint32_t pid() const { return pid_; }

  std::string& secret() { return secret_; }

  StringMap<std::string>& parameters() { return parameters_; }

  static constexpr std::size_t kMessagesMax = 1000;
  static constexpr std::size_t kSecretBytesMin = 4;
  static constexpr std::size_t kSecretBytesMax = 256;

 private:
  enum class Phase : uint8_t { kAsked, kScramFirst, kDeriving, kScramFinal, kProven, kIn, kDone };

  Step OnAuthentication(std::string_view body, std::string& out);
  Step StartScram(std::string_view mechanisms, std::string& out);
  Step SendPassword(std::string_view password, std::string& out);
  Step OnParameter(std::string_view body);
  Step OnKey(std::string_view body);
  Step Fail(SqlError error);
  Step Fail(const absl::Status& status);
  Step Malformed(std::string_view detail);

  LoginOptions options_;
  std::optional<auth::ScramClient> scram_;
  auth::KeyDerivation derivation_;
  SqlError error_;
  uint32_t pid_ = 0;
  std::string secret_;
  StringMap<std::string> parameters_;
  std::size_t messages_ = 0;
  Phase phase_ = Phase::kAsked;
};

// The session defaults of the startup packet, beside user, database and application_name.
const std::vector<std::pair<std::string, std::string>>& SessionDefaults();

}  // namespace pgreeve::pool
