// One connection to a shard, logged in and attached, as a session borrows it. What the session
// sends and what comes back pass through here untouched, except that the replies to the router's
// own prelude (bind, settings) are swallowed first. Worker thread only. Owned by Pool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include "router/base/ids.h"
#include "router/base/status.h"
#include "router/base/string_map.h"
#include "router/base/tenant_id.h"
#include "router/catalog/placement.h"
#include "router/net/channel.h"

namespace pgreeve::pool {

class Backend;
class Pool;

// Who borrows a backend. Callbacks come from the loop, never from inside a call on Backend.
class BackendUser {
 public:
  // Bytes of the backend in reply to what the user sent; any split, the prelude's replies removed.
  // Valid until return. The user consumes all of it.
  virtual void OnBackendBytes(Backend& backend, std::string_view bytes) = 0;
  // The connection is gone (57P01-like notices were passed on before). The lease ends with this
  // call: do not Release. `error` is 08006 or what broke the prelude.
  virtual void OnBackendClosed(Backend& backend, const SqlError& error) = 0;
  // All bytes the user sent have left.
  virtual void OnBackendDrained(Backend& backend) = 0;

 protected:
  ~BackendUser() = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Sends, with the prelude in front of it the first time after Acquire, in one system call.
  virtual void Send(std::string_view bytes) = 0;
  virtual std::size_t pending_bytes() const = 0;
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;

  ShardId shard() const { return shard_; }

  catalog::RoleClass role() const { return role_; }

  uint32_t pid() const { return pid_; }

  std::string_view secret() const { return secret_; }

  // As last reported by ParameterStatus during login.
  const StringMap<std::string>& parameters() const { return parameters_; }

  // Names of prepared statements that exist on this connection. The session adds and removes; an
  // unbind or reset does not drop them.
  absl::flat_hash_set<uint64_t>& prepared() { return prepared_; }

  // Which unnamed statement the connection holds: an id of the session's choosing, 0 = unknown.
  uint64_t unnamed_statement = 0;

 protected:
  ShardId shard_;
  catalog::RoleClass role_ = catalog::RoleClass::kTenant;
  uint32_t pid_ = 0;
  std::string secret_;
  StringMap<std::string> parameters_;
  absl::flat_hash_set<uint64_t> prepared_;
};

}  // namespace pgreeve::pool
