// What no single row can check: addresses, names, settings that must fit each other. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "config/load.h"
#include "config/settings.h"

namespace pgreeve::config {

struct Endpoint {
  std::string host;  // numeric or a name; empty for a Unix socket
  uint16_t port = 0;
  std::string socket_folder;  // empty for TCP
};

// "127.0.0.1:6432", "[::1]:6432", "/run/pgreeve". Errors say what is wrong with it.
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text);

std::vector<Problem> Validate(const RouterSettings& settings);
std::vector<Problem> Validate(const RebalancerSettings& settings);

}  // namespace pgreeve::config
