#include "config/validate.h"

#include <charconv>

#include <fmt/format.h>

#include "router/base/status_macros.h"

namespace pgreeve::config {
namespace {

// sockaddr_un holds 107 bytes and "/.s.PGSQL.65535" needs 15.
constexpr std::size_t kSocketFolderBytesMax = 92;
constexpr std::size_t kIdBytesMax = 40;

absl::Status Invalid(const std::string& text) {
  return absl::InvalidArgumentError(text);
}

// Ids stand in SQL, in application_name and in file names.
bool IsId(std::string_view id) {
  if (id.empty() || id.size() > kIdBytesMax)
    return false;
  for (const char c : id) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    if (!good)
      return false;
  }
  return true;
}

class Findings {
 public:
  void Add(std::string text) { problems_.push_back({0, 0, std::move(text)}); }

  void Require(bool holds, std::string_view text) {
    if (!holds)
      Add(std::string(text));
  }

  void Address(std::string_view name, std::string_view value, bool socket_allowed) {
    const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(value);
    if (!endpoint.ok())
      Add(fmt::format("{} {}", name, std::string(endpoint.status().message())));
    else if (!socket_allowed && !endpoint->socket_folder.empty())
      Add(fmt::format("{} must be address:port (got \"{}\")", name, value));
  }

  std::vector<Problem> Take() { return std::move(problems_); }

 private:
  std::vector<Problem> problems_;
};

// "customer_id" or "customers.id".
bool IsTenantColumn(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos)
    return !text.empty();
  return dot > 0 && dot + 1 < text.size() && text.find('.', dot + 1) == std::string_view::npos;
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with('/')) {
    if (text.size() > kSocketFolderBytesMax)
      return Invalid(fmt::format("socket folder is longer than {} bytes", kSocketFolderBytesMax));
    endpoint.socket_folder = text;
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return Invalid(fmt::format("must be address:port or an absolute folder (got \"{}\")", text));
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return Invalid(fmt::format("must write IPv6 addresses in brackets (got \"{}\")", text));
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size())
    return Invalid(fmt::format("must have a port of 0..65535 (got \"{}\")", text));
  endpoint.host = host;
  return endpoint;
}

std::vector<Problem> Validate(const RouterSettings& settings) {
  Findings found;
  found.Require(IsId(settings.router_id),
                "[router].id must be 1..40 letters, digits, '-', '_' or '.'");
  found.Require(!settings.catalog.dsn.empty(), "[catalog].dsn is required");
  found.Require(!settings.listen.pg.empty(), "[listen].pg must name at least one address");
  bool tcp = settings.listen.pg.empty();
  for (const std::string& address : settings.listen.pg) {
    found.Address("[listen].pg", address, true);
    tcp = tcp || !address.starts_with('/');
  }
  found.Require(
      tcp, "[listen].pg needs an address:port beside the folder: it gives the socket's number");
  if (!settings.listen.http.empty())
    found.Address("[listen].http", settings.listen.http, false);
  found.Require(
      settings.catalog.snapshot_file.empty() || !settings.catalog.snapshot_key.empty(),
      "[catalog].snapshot_key is required with snapshot_file: the snapshot holds secrets");
  found.Require(settings.catalog.lease >= 2 * settings.catalog.poll,
                "[catalog].lease must be at least twice [catalog].poll");
  found.Require(settings.pool.token_lifetime > 2 * settings.pool.unbind_idle,
                "[pool].token_lifetime must be more than twice [pool].unbind_idle");
  found.Require(settings.limits.batch_bytes_max <= settings.limits.message_bytes_max,
                "[limits].batch_bytes_max must not exceed [limits].message_bytes_max");
  for (const std::string& column : settings.routing.tenant_columns) {
    if (!IsTenantColumn(column))
      found.Add(fmt::format(
          "[routing].tenant_columns must hold \"column\" or \"table.column\" (got \"{}\")",
          column));
  }
  return found.Take();
}

std::vector<Problem> Validate(const RebalancerSettings& settings) {
  Findings found;
  found.Require(IsId(settings.rebalancer_id),
                "[rebalancer].id must be 1..40 letters, digits, '-', '_' or '.'");
  found.Require(!settings.catalog_dsn.empty(), "[catalog].dsn is required");
  if (!settings.listen_http.empty())
    found.Address("[rebalancer].http", settings.listen_http, false);
  found.Require(settings.lease >= 2 * settings.poll,
                "[rebalancer].lease must be at least twice [rebalancer].poll");
  return found.Take();
}

}  // namespace pgreeve::config
