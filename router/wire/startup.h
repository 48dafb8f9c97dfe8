// The first message of a connection, which has no type byte.
// Pure; any thread. Source: PostgreSQL 15 §55.7 StartupMessage, SSLRequest, GSSENCRequest,
// CancelRequest; §55.2.1 for NegotiateProtocolVersion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

namespace pgreeve::wire {

constexpr uint32_t kStartupBytesMax = 10000;  // as Postgres (MAX_STARTUP_PACKET_LENGTH)

enum class StartupKind : uint8_t { kStartup, kSslRequest, kGssEncRequest, kCancelRequest };

struct Startup {
  StartupKind kind = StartupKind::kStartup;
  uint16_t minor = 0;  // of protocol 3
  // In the order sent; names are unique (a repeated name is an error, 08P01).
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<std::string> unknown_protocol_options;  // names that begin with _pq_.
  // kCancelRequest
  uint32_t cancel_pid = 0;
  std::string cancel_secret;  // 4 to 256 bytes

  // Empty when absent.
  std::string_view Get(std::string_view name) const;
};

// Bytes of the whole first message once 4 bytes are there; 0 when more are needed.
// Errors: 08P01 when the length is below 8 or over kStartupBytesMax.
absl::StatusOr<std::size_t> StartupBytes(std::string_view bytes);

// `message` is one whole first message, length included.
// Errors: 08P01 malformed, 0A000 unsupported protocol version (major ≠ 3).
absl::StatusOr<Startup> DecodeStartup(std::string_view message);

// Splits the `options` parameter as Postgres does (blanks separate, backslash escapes) and reads
// its -c name=value and --name=value settings.
// Errors: 42601 when an option is of another form.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseOptions(
    std::string_view options);

// Encoders for the router's own connections.
std::string EncodeStartup(const std::vector<std::pair<std::string, std::string>>& parameters);
std::string EncodeCancelRequest(uint32_t pid, std::string_view secret);

}  // namespace pgreeve::wire
