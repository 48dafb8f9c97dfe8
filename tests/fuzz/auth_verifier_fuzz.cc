// A stored password verifier.
#include "router/auth/verifier.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto verifier = pgreeve::auth::ParseVerifier(pgreeve::fuzz::Input(data, size).rest());
  if (!verifier.ok())
    return 0;
  const auto again = pgreeve::auth::ParseVerifier(verifier->Text());
  pgreeve::fuzz::Require(again.ok() && *again == *verifier, "a verifier survives a round trip");
  return 0;
}
