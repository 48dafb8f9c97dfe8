// The body of one message of a client; the first byte of the input is its type.
#include <string>

#include "router/wire/client_messages.h"
#include "router/wire/frame.h"
#include "router/wire/message_type.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

namespace wire = pgreeve::wire;
using pgreeve::fuzz::Require;

std::string_view BodyOf(const std::string& message) {
  return std::string_view(message).substr(wire::kHeaderBytes);
}

void CheckBind(std::string_view body) {
  const auto bind = wire::DecodeBind(body);
  if (!bind.ok())
    return;
  for (std::size_t i = 0; i < bind->parameters.size(); i++)
    Require(bind->FormatOf(i) == 0 || bind->FormatOf(i) == 1, "a format is text or binary");
  std::string same;
  wire::AppendBind(same, bind->portal, bind->statement, bind->after_names);
  Require(BodyOf(same) == body, "Bind is written as it was read");
  std::string renamed;
  wire::AppendBind(renamed, "p", "another", bind->after_names);
  const auto again = wire::DecodeBind(BodyOf(renamed));
  Require(again.ok() && again->parameters == bind->parameters, "Bind survives new names");
}

void CheckParse(std::string_view body) {
  const auto parse = wire::DecodeParse(body);
  if (!parse.ok())
    return;
  std::string same;
  wire::AppendParse(same, parse->statement, parse->query, parse->parameter_types);
  Require(BodyOf(same) == body, "Parse is written as it was read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  pgreeve::fuzz::Input input(data, size);
  const char type = static_cast<char>(input.Byte());
  const std::string_view body = input.rest();
  switch (type) {
    case wire::client::kQuery:
      (void)wire::DecodeQuery(body);
      break;
    case wire::client::kParse:
      CheckParse(body);
      break;
    case wire::client::kBind:
      CheckBind(body);
      break;
    case wire::client::kDescribe:
    case wire::client::kClose:
      (void)wire::DecodeDescribe(body);
      break;
    case wire::client::kExecute:
      (void)wire::DecodeExecute(body);
      break;
    case wire::client::kPassword:
      (void)wire::DecodeSaslInitialResponse(body);
      (void)wire::DecodePassword(body);
      break;
    case wire::client::kCopyFail:
      (void)wire::DecodeCopyFail(body);
      break;
    default:
      break;
  }
  return 0;
}
