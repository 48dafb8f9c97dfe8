#include "router/wire/backend_messages.h"

#include <algorithm>
#include <charconv>

#include "router/wire/message_reader.h"
#include "router/wire/message_type.h"
#include "router/wire/message_writer.h"

namespace pgreeve::wire {
namespace {

constexpr int32_t kNullLength = -1;
constexpr std::size_t kSqlStateBytes = 5;
constexpr std::size_t kFieldBytesMin = 19;  // of a RowDescription's field: a zero byte and numbers
constexpr uint32_t kProtocolMajor = 3;

constexpr std::size_t kMd5SaltBytes = 4;
constexpr std::size_t kCancelSecretBytesMin = 4;
constexpr std::size_t kCancelSecretBytesMax = 256;

// Field types of ErrorResponse and NoticeResponse.
constexpr char kSeverity = 'S';
constexpr char kSeverityNotLocalised = 'V';
constexpr char kSqlState = 'C';
constexpr char kMessage = 'M';
constexpr char kDetail = 'D';
constexpr char kHint = 'H';
constexpr char kPosition = 'P';

absl::Status Malformed(std::string_view message) {
  return SqlStatus("08P01", "invalid format of message " + std::string(message));
}

constexpr uint32_t CodeOf(AuthenticationRequest request) {
  return static_cast<uint32_t>(request);
}

bool IsSqlState(std::string_view text) {
  return text.size() == kSqlStateBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// 0 when `text` is no number of that kind.
int PositionOf(std::string_view text) {
  int position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  return error == std::errc() && end == text.data() + text.size() ? std::max(position, 0) : 0;
}

void AppendFields(std::string& out, char type, const SqlError& error, std::string_view severity) {
  MessageWriter message(out, type);
  message.Byte(kSeverity).CString(severity).Byte(kSeverityNotLocalised).CString(severity);
  message.Byte(kSqlState).CString(error.sqlstate).Byte(kMessage).CString(error.message);
  if (!error.detail.empty())
    message.Byte(kDetail).CString(error.detail);
  if (!error.hint.empty())
    message.Byte(kHint).CString(error.hint);
  if (error.position > 0)
    message.Byte(kPosition).CString(std::to_string(error.position));
  message.Byte('\0');
}

FieldDescription Column(std::string_view name, uint32_t type_oid, int16_t type_size) {
  FieldDescription field;
  field.name = std::string(name);
  field.type_oid = type_oid;
  field.type_size = type_size;
  return field;
}

}  // namespace

absl::StatusOr<std::vector<FieldDescription>> DecodeRowDescription(std::string_view body) {
  MessageReader reader(body);
  std::vector<FieldDescription> fields(reader.Count(kFieldBytesMin));
  for (FieldDescription& field : fields) {
    field.name = std::string(reader.CString());
    field.table_oid = reader.Uint32();
    field.column = reader.Int16();
    field.type_oid = reader.Uint32();
    field.type_size = reader.Int16();
    field.type_modifier = reader.Int32();
    field.format = reader.Int16();
  }
  if (!reader.done())
    return Malformed("RowDescription");
  return fields;
}

absl::Status DecodeDataRow(std::string_view body, std::vector<Value>& values) {
  values.clear();
  MessageReader reader(body);
  const uint16_t count = reader.Count(sizeof(int32_t));
  values.reserve(count);
  for (uint16_t i = 0; i < count; i++) {
    const int32_t length = reader.Int32();
    if (length == kNullLength)
      values.emplace_back(std::nullopt);
    else if (length < 0)
      reader.Fail();
    else
      values.emplace_back(reader.Bytes(static_cast<std::size_t>(length)));
  }
  if (!reader.done()) {
    values.clear();
    return Malformed("DataRow");
  }
  return absl::OkStatus();
}

ServerError DecodeError(std::string_view body) {
  ServerError result;
  bool exact_severity = false;
  MessageReader reader(body);
  while (const char type = reader.Byte()) {
    const std::string_view text = reader.CString();
    if (!reader.ok())
      break;
    switch (type) {
      case kSeverityNotLocalised:
        result.severity = std::string(text);
        exact_severity = true;
        break;
      case kSeverity:
        if (!exact_severity)
          result.severity = std::string(text);
        break;
      case kSqlState:
        if (IsSqlState(text))
          result.error.sqlstate = std::string(text);
        break;
      case kMessage:
        result.error.message = std::string(text);
        break;
      case kDetail:
        result.error.detail = std::string(text);
        break;
      case kHint:
        result.error.hint = std::string(text);
        break;
      case kPosition:
        result.error.position = PositionOf(text);
        break;
      default:
        break;
    }
  }
  return result;
}

absl::StatusOr<ParameterStatus> DecodeParameterStatus(std::string_view body) {
  MessageReader reader(body);
  ParameterStatus status;
  status.name = reader.CString();
  status.value = reader.CString();
  if (!reader.done())
    return Malformed("ParameterStatus");
  return status;
}

absl::StatusOr<char> DecodeReadyForQuery(std::string_view body) {
  if (body != "I" && body != "T" && body != "E")
    return Malformed("ReadyForQuery");
  return body[0];
}

absl::StatusOr<std::string_view> DecodeCommandComplete(std::string_view body) {
  MessageReader reader(body);
  const std::string_view tag = reader.CString();
  if (!reader.done())
    return Malformed("CommandComplete");
  return tag;
}

absl::StatusOr<Authentication> DecodeAuthentication(std::string_view body) {
  MessageReader reader(body);
  Authentication result;
  result.request = static_cast<AuthenticationRequest>(reader.Uint32());
  if (!reader.ok())
    return Malformed("Authentication");
  result.data = reader.rest();
  if (result.request == AuthenticationRequest::kMd5Password && result.data.size() != kMd5SaltBytes)
    return Malformed("AuthenticationMD5Password");
  if (result.request == AuthenticationRequest::kSasl) {
    while (true) {
      const std::string_view mechanism = reader.CString();
      if (mechanism.empty())
        break;
      result.mechanisms.push_back(mechanism);
    }
    if (!reader.done())
      return Malformed("AuthenticationSASL");
  }
  return result;
}

absl::StatusOr<BackendKeyData> DecodeBackendKeyData(std::string_view body) {
  MessageReader reader(body);
  BackendKeyData result;
  result.pid = reader.Uint32();
  result.secret = reader.rest();
  if (!reader.ok() || result.secret.size() < kCancelSecretBytesMin ||
      result.secret.size() > kCancelSecretBytesMax)
    return Malformed("BackendKeyData");
  return result;
}

absl::StatusOr<std::vector<uint32_t>> DecodeParameterDescription(std::string_view body) {
  MessageReader reader(body);
  std::vector<uint32_t> types(reader.Count(sizeof(uint32_t)));
  for (uint32_t& type : types)
    type = reader.Uint32();
  if (!reader.done())
    return Malformed("ParameterDescription");
  return types;
}

void AppendErrorResponse(std::string& out, const SqlError& error, std::string_view severity) {
  AppendFields(out, backend::kErrorResponse, error, severity);
}

void AppendNoticeResponse(std::string& out, const SqlError& notice, std::string_view severity) {
  AppendFields(out, backend::kNoticeResponse, notice, severity);
}

void AppendReadyForQuery(std::string& out, char status) {
  MessageWriter(out, backend::kReadyForQuery).Byte(status);
}

void AppendCommandComplete(std::string& out, std::string_view tag) {
  MessageWriter(out, backend::kCommandComplete).CString(tag);
}

void AppendParameterStatus(std::string& out, std::string_view name, std::string_view value) {
  MessageWriter(out, backend::kParameterStatus).CString(name).CString(value);
}

void AppendBackendKeyData(std::string& out, uint32_t pid, std::string_view secret) {
  MessageWriter(out, backend::kBackendKeyData).Uint32(pid).Bytes(secret);
}

void AppendAuthenticationOk(std::string& out) {
  MessageWriter(out, backend::kAuthentication).Uint32(CodeOf(AuthenticationRequest::kOk));
}

void AppendAuthenticationSasl(std::string& out, const std::vector<std::string>& mechanisms) {
  MessageWriter message(out, backend::kAuthentication);
  message.Uint32(CodeOf(AuthenticationRequest::kSasl));
  for (const std::string& mechanism : mechanisms)
    message.CString(mechanism);
  message.Byte('\0');
}

void AppendAuthenticationSaslContinue(std::string& out, std::string_view data) {
  MessageWriter(out, backend::kAuthentication)
      .Uint32(CodeOf(AuthenticationRequest::kSaslContinue))
      .Bytes(data);
}

void AppendAuthenticationSaslFinal(std::string& out, std::string_view data) {
  MessageWriter(out, backend::kAuthentication)
      .Uint32(CodeOf(AuthenticationRequest::kSaslFinal))
      .Bytes(data);
}

void AppendNegotiateProtocolVersion(std::string& out,
                                    uint32_t minor,
                                    const std::vector<std::string>& unknown_options) {
  MessageWriter message(out, backend::kNegotiateProtocolVersion);
  // Postgres sends, and libpq expects, the major version in the upper half.
  message.Uint32(kProtocolMajor << 16 | minor).Uint32(unknown_options.size());
  for (const std::string& option : unknown_options)
    message.CString(option);
}

void AppendRowDescription(std::string& out, const std::vector<FieldDescription>& fields) {
  MessageWriter message(out, backend::kRowDescription);
  message.Uint16(fields.size());
  for (const FieldDescription& field : fields) {
    message.CString(field.name).Uint32(field.table_oid);
    message.Uint16(static_cast<uint16_t>(field.column)).Uint32(field.type_oid);
    message.Uint16(static_cast<uint16_t>(field.type_size));
    message.Uint32(static_cast<uint32_t>(field.type_modifier));
    message.Uint16(static_cast<uint16_t>(field.format));
  }
}

void AppendDataRow(std::string& out, const std::vector<Value>& values) {
  MessageWriter message(out, backend::kDataRow);
  message.Uint16(values.size());
  for (const Value& value : values) {
    if (value)
      message.Uint32(value->size()).Bytes(*value);
    else
      message.Uint32(static_cast<uint32_t>(kNullLength));
  }
}

void AppendParameterDescription(std::string& out, const std::vector<uint32_t>& types) {
  MessageWriter message(out, backend::kParameterDescription);
  message.Uint16(types.size());
  for (const uint32_t type : types)
    message.Uint32(type);
}

void AppendParseComplete(std::string& out) {
  MessageWriter(out, backend::kParseComplete);
}

void AppendBindComplete(std::string& out) {
  MessageWriter(out, backend::kBindComplete);
}

void AppendCloseComplete(std::string& out) {
  MessageWriter(out, backend::kCloseComplete);
}

void AppendNoData(std::string& out) {
  MessageWriter(out, backend::kNoData);
}

void AppendEmptyQueryResponse(std::string& out) {
  MessageWriter(out, backend::kEmptyQueryResponse);
}

void AppendPortalSuspended(std::string& out) {
  MessageWriter(out, backend::kPortalSuspended);
}

FieldDescription TextColumn(std::string_view name) {
  constexpr uint32_t kTextOid = 25;
  return Column(name, kTextOid, -1);
}

FieldDescription Int8Column(std::string_view name) {
  constexpr uint32_t kInt8Oid = 20;
  return Column(name, kInt8Oid, 8);
}

}  // namespace pgreeve::wire
