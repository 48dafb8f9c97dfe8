// Both messages of a backend that asks for a password, one line each.
#include "router/auth/scram_client.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using pgreeve::fuzz::Require;
  constexpr uint32_t kIterationsMax = 8;  // few, so that time goes into parsing
  pgreeve::fuzz::Input input(data, size);
  const std::string_view server_first = input.Until('\n');
  const std::string_view server_final = input.Until('\n');
  pgreeve::auth::ScramClient client({"secret", "abc", kIterationsMax});
  const auto request = client.OnServerFirst(server_first);
  if (!request.ok()) {
    Require(!client.OnServerFinal(server_final).ok(), "no login without a first message");
    return 0;
  }
  Require(request->iterations >= 1 && request->iterations <= kIterationsMax, "iterations");
  Require(client.Finish(Derive(*request)).ok(), "a good request can be answered");
  (void)client.OnServerFinal(server_final);
  Require(!client.OnServerFinal(server_final).ok(), "no second try");
  return 0;
}
