// The body of one message of a backend; the first byte of the input is its type.
#include <string>
#include <vector>

#include "router/wire/backend_messages.h"
#include "router/wire/frame.h"
#include "router/wire/message_type.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

namespace wire = pgreeve::wire;
using pgreeve::fuzz::Require;

std::string_view BodyOf(const std::string& message) {
  return std::string_view(message).substr(wire::kHeaderBytes);
}

void CheckRowDescription(std::string_view body) {
  const auto fields = wire::DecodeRowDescription(body);
  if (!fields.ok())
    return;
  std::string same;
  wire::AppendRowDescription(same, *fields);
  Require(BodyOf(same) == body, "RowDescription is written as it was read");
}

void CheckDataRow(std::string_view body) {
  std::vector<wire::Value> values;
  if (!wire::DecodeDataRow(body, values).ok()) {
    Require(values.empty(), "no values of a bad row");
    return;
  }
  std::string same;
  wire::AppendDataRow(same, values);
  Require(BodyOf(same) == body, "DataRow is written as it was read");
}

void CheckError(std::string_view body) {
  const wire::ServerError error = wire::DecodeError(body);
  Require(error.error.sqlstate.size() == 5, "there is always an SQLSTATE");
  std::string message;
  wire::AppendErrorResponse(message, error.error, error.severity);
  const wire::ServerError again = wire::DecodeError(BodyOf(message));
  Require(again.error.sqlstate == error.error.sqlstate && again.error.hint == error.error.hint &&
              again.error.message == error.error.message && again.severity == error.severity,
          "an error survives a round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  pgreeve::fuzz::Input input(data, size);
  const char type = static_cast<char>(input.Byte());
  const std::string_view body = input.rest();
  switch (type) {
    case wire::backend::kRowDescription:
      CheckRowDescription(body);
      break;
    case wire::backend::kDataRow:
      CheckDataRow(body);
      break;
    case wire::backend::kErrorResponse:
    case wire::backend::kNoticeResponse:
      CheckError(body);
      break;
    case wire::backend::kParameterStatus:
      (void)wire::DecodeParameterStatus(body);
      break;
    case wire::backend::kReadyForQuery:
      (void)wire::DecodeReadyForQuery(body);
      break;
    case wire::backend::kCommandComplete:
      (void)wire::DecodeCommandComplete(body);
      break;
    case wire::backend::kAuthentication:
      (void)wire::DecodeAuthentication(body);
      break;
    case wire::backend::kBackendKeyData:
      (void)wire::DecodeBackendKeyData(body);
      break;
    case wire::backend::kParameterDescription:
      (void)wire::DecodeParameterDescription(body);
      break;
    default:
      break;
  }
  return 0;
}
