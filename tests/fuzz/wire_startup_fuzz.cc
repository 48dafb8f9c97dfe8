// The first message of a connection, and the settings inside its `options`.
#include "router/wire/startup.h"
#include "tests/fuzz/fuzz_input.h"

using pgreeve::fuzz::Require;
using pgreeve::wire::StartupKind;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes = pgreeve::fuzz::Input(data, size).rest();
  const auto whole = pgreeve::wire::StartupBytes(bytes);
  const auto startup = pgreeve::wire::DecodeStartup(bytes);
  if (!startup.ok())
    return 0;
  Require(whole.ok() && *whole == bytes.size(), "a message is as long as it says");
  if (startup->kind == StartupKind::kCancelRequest) {
    Require(
        pgreeve::wire::EncodeCancelRequest(startup->cancel_pid, startup->cancel_secret) == bytes,
        "a cancel request is written as it was read");
  }
  if (startup->kind != StartupKind::kStartup)
    return 0;
  const auto again =
      pgreeve::wire::DecodeStartup(pgreeve::wire::EncodeStartup(startup->parameters));
  Require(again.ok() && again->parameters == startup->parameters,
          "parameters survive a round trip");
  (void)pgreeve::wire::ParseOptions(startup->Get("options"));
  return 0;
}
