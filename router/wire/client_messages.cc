#include "router/wire/client_messages.h"

#include "router/base/status.h"
#include "router/wire/message_reader.h"
#include "router/wire/message_type.h"
#include "router/wire/message_writer.h"

namespace pgreeve::wire {
namespace {

constexpr int32_t kNullLength = -1;

absl::Status Malformed(std::string_view message) {
  return SqlStatus("08P01", "invalid format of message " + std::string(message));
}

// Reads a list of format codes. Errors: 08P01 when it does not fit, 22023 for a code that Postgres
// would refuse with the same words.
absl::Status ReadFormats(MessageReader& reader, absl::InlinedVector<int16_t, 8>& formats) {
  const uint16_t count = reader.Uint16();
  if (count == 0)
    return reader.ok() ? absl::OkStatus() : Malformed("Bind");
  const std::string_view codes = reader.Bytes(count * sizeof(int16_t));
  if (!reader.ok())
    return Malformed("Bind");
  if (count > formats.capacity())
    formats.reserve(count);
  for (std::size_t i = 0; i < count; i++) {
    const auto format = static_cast<int16_t>(ReadUint16(codes.data() + i * sizeof(int16_t)));
    if (format != 0 && format != 1)
      return SqlStatus("22023", "unsupported format code: " + std::to_string(format));
    formats.push_back(format);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> DecodeOneString(std::string_view body, std::string_view message) {
  MessageReader reader(body);
  const std::string_view text = reader.CString();
  if (!reader.done())
    return Malformed(message);
  return text;
}

}  // namespace

absl::StatusOr<std::string_view> DecodeQuery(std::string_view body) {
  return DecodeOneString(body, "Query");
}

absl::StatusOr<Parse> DecodeParse(std::string_view body) {
  MessageReader reader(body);
  Parse parse;
  parse.statement = reader.CString();
  parse.query = reader.CString();
  const uint16_t count = reader.Count(sizeof(uint32_t));
  parse.parameter_types.reserve(count);
  for (uint16_t i = 0; i < count; i++)
    parse.parameter_types.push_back(reader.Uint32());
  if (!reader.done())
    return Malformed("Parse");
  return parse;
}

absl::StatusOr<Bind> DecodeBind(std::string_view body) {
  MessageReader reader(body);
  // Built in place, as the vectors make it too big to move for nothing.
  absl::StatusOr<Bind> result(absl::in_place);
  Bind& bind = *result;
  bind.portal = reader.CString();
  bind.statement = reader.CString();
  bind.after_names = reader.rest();
  if (absl::Status status = ReadFormats(reader, bind.parameter_formats); !status.ok())
    return status;
  const uint16_t count = reader.Count(sizeof(int32_t));
  if (reader.ok() && bind.parameter_formats.size() > 1 && bind.parameter_formats.size() != count) {
    return SqlStatus("08P01",
                     "bind message has " + std::to_string(bind.parameter_formats.size()) +
                         " parameter formats but " + std::to_string(count) + " parameters");
  }
  if (count > bind.parameters.capacity())
    bind.parameters.reserve(count);
  for (uint16_t i = 0; i < count; i++) {
    const int32_t length = reader.Int32();
    if (length == kNullLength)
      bind.parameters.emplace_back(std::nullopt);
    else if (length < 0)
      return SqlStatus("08P01", "invalid length of a parameter in message Bind");
    else
      bind.parameters.emplace_back(reader.Bytes(static_cast<std::size_t>(length)));
  }
  if (absl::Status status = ReadFormats(reader, bind.result_formats); !status.ok())
    return status;
  if (!reader.done())
    return Malformed("Bind");
  return result;
}

absl::StatusOr<Describe> DecodeDescribe(std::string_view body) {
  MessageReader reader(body);
  Describe describe;
  describe.what = reader.Byte();
  describe.name = reader.CString();
  if (!reader.done())
    return Malformed("Describe or Close");
  if (describe.what != 'S' && describe.what != 'P')
    return SqlStatus("08P01", "invalid subtype of message Describe or Close");
  return describe;
}

absl::StatusOr<Execute> DecodeExecute(std::string_view body) {
  MessageReader reader(body);
  Execute execute;
  execute.portal = reader.CString();
  const int32_t row_limit = reader.Int32();
  if (!reader.done())
    return Malformed("Execute");
  // As Postgres: zero and below mean all rows.
  execute.row_limit = row_limit > 0 ? static_cast<uint32_t>(row_limit) : 0;
  return execute;
}

absl::StatusOr<SaslInitialResponse> DecodeSaslInitialResponse(std::string_view body) {
  MessageReader reader(body);
  SaslInitialResponse response;
  response.mechanism = reader.CString();
  const int32_t length = reader.Int32();
  if (length < kNullLength)
    return Malformed("SASLInitialResponse");
  if (length != kNullLength)
    response.data = reader.Bytes(static_cast<std::size_t>(length));
  if (!reader.done())
    return Malformed("SASLInitialResponse");
  return response;
}

absl::StatusOr<std::string_view> DecodePassword(std::string_view body) {
  return DecodeOneString(body, "PasswordMessage");
}

absl::StatusOr<std::string_view> DecodeCopyFail(std::string_view body) {
  return DecodeOneString(body, "CopyFail");
}

void AppendQuery(std::string& out, std::string_view sql) {
  MessageWriter(out, client::kQuery).CString(sql);
}

void AppendParse(std::string& out,
                 std::string_view statement,
                 std::string_view query,
                 const absl::InlinedVector<uint32_t, 8>& parameter_types) {
  MessageWriter message(out, client::kParse);
  message.CString(statement).CString(query).Uint16(parameter_types.size());
  for (const uint32_t type : parameter_types)
    message.Uint32(type);
}

void AppendBind(std::string& out,
                std::string_view portal,
                std::string_view statement,
                std::string_view after_names) {
  MessageWriter(out, client::kBind).CString(portal).CString(statement).Bytes(after_names);
}

void AppendDescribe(std::string& out, char what, std::string_view name) {
  MessageWriter(out, client::kDescribe).Byte(what).CString(name);
}

void AppendClose(std::string& out, char what, std::string_view name) {
  MessageWriter(out, client::kClose).Byte(what).CString(name);
}

void AppendExecute(std::string& out, std::string_view portal, uint32_t row_limit) {
  MessageWriter(out, client::kExecute).CString(portal).Uint32(row_limit);
}

void AppendSync(std::string& out) {
  MessageWriter(out, client::kSync);
}

void AppendFlush(std::string& out) {
  MessageWriter(out, client::kFlush);
}

void AppendCopyData(std::string& out, std::string_view data) {
  MessageWriter(out, client::kCopyData).Bytes(data);
}

void AppendCopyDone(std::string& out) {
  MessageWriter(out, client::kCopyDone);
}

void AppendCopyFail(std::string& out, std::string_view reason) {
  MessageWriter(out, client::kCopyFail).CString(reason);
}

void AppendTerminate(std::string& out) {
  MessageWriter(out, client::kTerminate);
}

void AppendSaslInitialResponse(std::string& out,
                               std::string_view mechanism,
                               std::string_view data) {
  MessageWriter(out, client::kPassword).CString(mechanism).Uint32(data.size()).Bytes(data);
}

void AppendSaslResponse(std::string& out, std::string_view data) {
  MessageWriter(out, client::kPassword).Bytes(data);
}

}  // namespace pgreeve::wire
