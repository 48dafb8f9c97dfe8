// From the first byte of a client to "it is who it says, and this is what it may do". Messages in,
// messages out; no socket, no clock. Lives until the login ends. Worker thread of its session.
// Source: PostgreSQL 15 §55.2.1 "Start-up"; docs/security in design/routing for the scopes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/auth/scram_server.h"
#include "router/base/status.h"
#include "router/base/tenant_id.h"
#include "router/catalog/placement.h"
#include "router/metrics/labels.h"
#include "router/wire/frame.h"
#include "router/wire/startup.h"

namespace pgreeve::session {

// What a login ended in.
struct Identity {
  std::string user;
  std::string database;
  std::string application;
  catalog::LoginScope scope = catalog::LoginScope::kApp;
  bool isolated = true;
  bool may_provision = false;
  bool console = false;
  bool locked = false;
  TenantId tenant;  // empty: free
  int32_t connections_max = 0;
  // Startup parameters to replay on backends, in order.
  std::vector<std::pair<std::string, std::string>> settings;
};

class Login {
 public:
  enum class Step : uint8_t {
    kMore,      // send, then wait for the next message
    kAccepted,  // identity() is set; nothing was sent for AuthenticationOk yet
    kFailed,    // send, then close
    kCancel,    // a CancelRequest: cancel_pid(), cancel_secret(); close without a word
  };

  // `nonce` from auth::MakeNonce; `mock_secret` hides which users exist.
  Login(std::shared_ptr<const catalog::Placement> placement,
        std::string mock_secret,
        std::string nonce);

  // Bytes of the first message, or 0: more are needed. Errors: 08P01.
  static absl::StatusOr<std::size_t> FirstMessageBytes(std::string_view bytes);

  bool started() const { return started_; }

  // `message` is whole. SSLRequest and GSSENCRequest are answered with 'N', and the first message
  // comes again.
  Step OnFirstMessage(std::string_view message, std::string& send);
  Step OnMessage(const wire::Frame& frame, std::string& send);

  const Identity& identity() const { return identity_; }

  uint32_t cancel_pid() const { return startup_.cancel_pid; }

  const std::string& cancel_secret() const { return startup_.cancel_secret; }

  const SqlError& error() const { return error_; }

  metrics::Refusal reason() const { return reason_; }

  std::string_view user() const { return startup_.Get("user"); }

 private:
  Step Fail(SqlError error, metrics::Refusal reason, std::string& send);
  absl::Status Admit();
  absl::Status AdmitDatabase(const catalog::LoginInfo& login, std::string& named_tenant);
  absl::Status AdmitTenant(const catalog::LoginInfo& login, const std::string& named_tenant);
  absl::Status TakeSettings(std::string& named_tenant);
  absl::Status TakeSetting(std::string_view name, std::string_view value, std::string& tenant);

  std::shared_ptr<const catalog::Placement> placement_;
  std::string mock_secret_;
  std::string nonce_;
  wire::Startup startup_;
  Identity identity_;
  std::unique_ptr<auth::ScramServer> scram_;
  SqlError error_;
  metrics::Refusal reason_ = metrics::Refusal::kLogin;
  int encryption_requests_ = 0;
  bool started_ = false;
  bool saw_client_first_ = false;
};

}  // namespace pgreeve::session
