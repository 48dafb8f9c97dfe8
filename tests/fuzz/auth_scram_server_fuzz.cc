// Both messages of a client that logs in, one line each.
#include "router/auth/scram_server.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using pgreeve::auth::MakeVerifier;
using pgreeve::auth::ScramServer;
using pgreeve::fuzz::Require;

ScramServer ServerFor(bool known) {
  static const pgreeve::auth::ScramVerifier verifier =
      MakeVerifier("secret", "sixteen bytes...", 1);
  return ScramServer({"ann", verifier, known, "serverNonce"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  pgreeve::fuzz::Input input(data, size);
  const std::string_view client_first = input.Until('\n');
  const std::string_view client_final = input.Until('\n');
  for (const bool known : {true, false}) {
    ScramServer server = ServerFor(known);
    const bool first_ok = server.OnClientFirst(client_first).ok();
    const bool final_ok = server.OnClientFinal(client_final).ok();
    Require(!final_ok || first_ok, "no login without a first message");
    Require(!final_ok || known, "no login of an unknown user");
    Require(!server.OnClientFinal(client_final).ok(), "no second try");
  }
  return 0;
}
