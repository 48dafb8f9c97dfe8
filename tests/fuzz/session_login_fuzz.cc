// The bytes of a stranger: a login never ends well without a password, and each failure is one
// ErrorResponse.
#include "router/auth/verifier.h"
#include "router/session/login.h"
#include "tests/fuzz/fuzz_input.h"

using pgreeve::fuzz::Require;
using pgreeve::session::Login;

namespace {

std::shared_ptr<const pgreeve::catalog::Placement> Fleet() {
  auto placement = std::make_shared<pgreeve::catalog::Placement>();
  placement->tenant_type = pgreeve::TenantType::kText;
  pgreeve::catalog::LoginInfo login;
  login.name = "app";
  login.verifier = pgreeve::auth::MakeVerifier("secret", "0123456789abcdef", 4096).Text();
  placement->logins.insert_or_assign(login.name, login);
  return placement;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const auto placement = Fleet();
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Login login(placement, "mock", "abcdefghijklmnopqrstuvwx");
  while (true) {
    std::string send;
    Login::Step step;
    std::size_t whole = 0;
    if (!login.started()) {
      const auto first = Login::FirstMessageBytes(bytes);
      if (!first.ok() || *first == 0 || *first > bytes.size())
        return 0;
      whole = *first;
      step = login.OnFirstMessage(bytes.substr(0, whole), send);
    } else {
      pgreeve::wire::Frame frame;
      if (pgreeve::wire::ScanFrame(bytes, 10000, &frame, &whole) != pgreeve::wire::Scan::kFrame)
        return 0;
      step = login.OnMessage(frame, send);
    }
    Require(step != Login::Step::kAccepted, "no login without the password");
    if (step == Login::Step::kFailed) {
      Require(send.find('E') != send.npos, "an error is told");
      Require(login.error().sqlstate.size() == 5, "with its code");
    }
    if (step != Login::Step::kMore)
      return 0;
    bytes.remove_prefix(whole);
  }
}
