// The `options` parameter of a startup packet.
#include "router/wire/startup.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text = pgreeve::fuzz::Input(data, size).rest();
  const auto settings = pgreeve::wire::ParseOptions(text);
  if (!settings.ok())
    return 0;
  std::string again;
  for (const auto& [name, value] : *settings) {
    pgreeve::fuzz::Require(!name.empty() && name.find('-') == name.npos,
                           "names are settings' names");
    again += "-c ";
    for (const char c : name + "=" + value)
      again += {'\\', c};
    again += ' ';
  }
  const auto second = pgreeve::wire::ParseOptions(again);
  pgreeve::fuzz::Require(second.ok() && *second == *settings, "settings survive a round trip");
  return 0;
}
