// Messages a backend sends: encoded when the router speaks to a client, decoded when it listens to
// a shard (which it does not trust). Pure; any thread.
// Source: PostgreSQL 15 §55.7, §55.8 "Error and Notice Message Fields".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "router/base/status.h"

namespace pgreeve::wire {

struct FieldDescription {
  std::string name;
  uint32_t table_oid = 0;
  int16_t column = 0;
  uint32_t type_oid = 0;
  int16_t type_size = 0;
  int32_t type_modifier = -1;
  int16_t format = 0;

  bool operator==(const FieldDescription&) const = default;
};

// One column of a DataRow; nullopt = NULL.
using Value = std::optional<std::string_view>;

// Decoders. Errors: 08P01.
absl::StatusOr<std::vector<FieldDescription>> DecodeRowDescription(std::string_view body);
// Clears and fills `values`; the views point into `body`.
absl::Status DecodeDataRow(std::string_view body, std::vector<Value>& values);

// Never fails: fields that are missing keep their defaults (a malicious server may omit all).
struct ServerError {
  std::string severity = "ERROR";  // not localised (field V) where present
  SqlError error;
};

ServerError DecodeError(std::string_view body);

struct ParameterStatus {
  std::string_view name;
  std::string_view value;
};

absl::StatusOr<ParameterStatus> DecodeParameterStatus(std::string_view body);
// The transaction status byte: 'I', 'T' or 'E'.
absl::StatusOr<char> DecodeReadyForQuery(std::string_view body);
absl::StatusOr<std::string_view> DecodeCommandComplete(std::string_view body);

// What an Authentication message asks for. Numbers as in the protocol; others exist and are
// nothing the router can do.
enum class AuthenticationRequest : uint32_t {
  kOk = 0,
  kCleartextPassword = 3,
  kMd5Password = 5,
  kSasl = 10,
  kSaslContinue = 11,
  kSaslFinal = 12,
};

struct Authentication {
  AuthenticationRequest request = AuthenticationRequest::kOk;
  std::string_view data;                     // kMd5Password: 4 bytes of salt; kSasl…: SASL's data
  std::vector<std::string_view> mechanisms;  // kSasl
};

absl::StatusOr<Authentication> DecodeAuthentication(std::string_view body);

struct BackendKeyData {
  uint32_t pid = 0;
  std::string_view secret;  // 4 to 256 bytes
};

absl::StatusOr<BackendKeyData> DecodeBackendKeyData(std::string_view body);
absl::StatusOr<std::vector<uint32_t>> DecodeParameterDescription(std::string_view body);

// Encoders append one whole message.
void AppendErrorResponse(std::string& out,
                         const SqlError& error,
                         std::string_view severity = "ERROR");
void AppendNoticeResponse(std::string& out,
                          const SqlError& notice,
                          std::string_view severity = "NOTICE");
void AppendReadyForQuery(std::string& out, char status);
void AppendCommandComplete(std::string& out, std::string_view tag);
void AppendParameterStatus(std::string& out, std::string_view name, std::string_view value);
void AppendBackendKeyData(std::string& out, uint32_t pid, std::string_view secret);
void AppendAuthenticationOk(std::string& out);
void AppendAuthenticationSasl(std::string& out, const std::vector<std::string>& mechanisms);
void AppendAuthenticationSaslContinue(std::string& out, std::string_view data);
void AppendAuthenticationSaslFinal(std::string& out, std::string_view data);
void AppendNegotiateProtocolVersion(std::string& out,
                                    uint32_t minor,
                                    const std::vector<std::string>& unknown_options);
void AppendRowDescription(std::string& out, const std::vector<FieldDescription>& fields);
void AppendDataRow(std::string& out, const std::vector<Value>& values);
void AppendParameterDescription(std::string& out, const std::vector<uint32_t>& types);
void AppendParseComplete(std::string& out);
void AppendBindComplete(std::string& out);
void AppendCloseComplete(std::string& out);
void AppendNoData(std::string& out);
void AppendEmptyQueryResponse(std::string& out);
void AppendPortalSuspended(std::string& out);

// A text column as Postgres describes it: oid 25, text format.
FieldDescription TextColumn(std::string_view name);
FieldDescription Int8Column(std::string_view name);

}  // namespace pgreeve::wire
