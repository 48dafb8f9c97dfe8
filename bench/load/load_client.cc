#include "bench/load/load_client.h"

#include <sys/epoll.h>

#include <cstdlib>
#include <iostream>
#include <vector>

#include "router/auth/scram_keys.h"
#include "router/auth/verifier.h"
#include "router/base/bytes.h"
#include "router/wire/backend_messages.h"
#include "router/wire/client_messages.h"
#include "router/wire/startup.h"

namespace pgreeve::bench {
namespace {

enum : uint32_t { kAuthOk = 0, kAuthSasl = 10, kAuthSaslContinue = 11, kAuthSaslFinal = 12 };

[[noreturn]] void Fail(std::string_view what) {
  std::cerr << "load: " << what << "\n";
  std::exit(1);
}

// Measures nothing secret: the nonce need not be one.
std::string Nonce() {
  static uint64_t counter = 0;
  ++counter;
  std::string bytes(auth::kNonceBytes, 'n');
  for (std::size_t i = 0; i < sizeof(counter); ++i)
    bytes[i] = static_cast<char>(counter >> (8 * i));
  return auth::MakeNonce(bytes);
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok())
    Fail(std::string(value.status().message()));
  return *std::move(value);
}

}  // namespace

LoadClient::LoadClient(int epoll_fd, const LoadLogin& login, SaltedPasswords& salted)
    : login_(login),
      salted_(salted),
      stream_(epoll_fd, ConnectTo(login.host, login.port), this) {
  std::vector<std::pair<std::string, std::string>> parameters = {
      {"user", login.user}, {"database", login.database}, {"client_encoding", "UTF8"}};
  if (!login.options.empty())
    parameters.emplace_back("options", login.options);
  stream_.Send(wire::EncodeStartup(parameters));
}

bool LoadClient::OnEvents(uint32_t events, std::span<char> scratch) {
  if ((events & EPOLLOUT) != 0)
    stream_.Flush();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
    return false;
  const std::string_view bytes = stream_.Read(scratch);
  if (!stream_.open())
    Fail("the connection was closed");
  received_bytes_ += bytes.size();
  return !bytes.empty() && OnBytes(bytes);
}

bool LoadClient::OnBytes(std::string_view bytes) {
  if (!partial_.empty()) {
    partial_ += bytes;
    bytes = partial_;
  }
  bool ready = false;
  std::size_t used = 0;
  while (used < bytes.size()) {
    wire::Frame frame;
    const wire::Scan scan = wire::ScanFrame(bytes.substr(used), wire::kMessageBytesLimit, &frame);
    if (scan == wire::Scan::kNeedMore)
      break;
    if (scan == wire::Scan::kBad)
      Fail("not the protocol");
    ready = OnFrame(frame) || ready;
    used += frame.whole.size();
  }
  if (partial_.empty())
    partial_ = bytes.substr(used);
  else
    partial_.erase(0, used);
  return ready;
}

bool LoadClient::OnFrame(const wire::Frame& frame) {
  switch (frame.type) {
    case 'Z':
      logged_in_ = true;
      return true;
    case 'R':
      OnAuthentication(frame.body);
      return false;
    case 'E': {
      const SqlError error = wire::DecodeError(frame.body).error;
      Fail(error.sqlstate + " " + error.message + " " + error.detail);
    }
    default:
      return false;
  }
}

void LoadClient::OnAuthentication(std::string_view body) {
  if (body.size() < sizeof(uint32_t))
    Fail("not the protocol");
  const uint32_t kind = ReadUint32(body.data());
  body.remove_prefix(sizeof(uint32_t));
  std::string out;
  switch (kind) {
    case kAuthOk:
      return;
    case kAuthSasl:
      scram_.emplace(auth::ScramClientOptions{.password = login_.password, .nonce = Nonce()});
      wire::AppendSaslInitialResponse(out, auth::kScramMechanism, scram_->First());
      break;
    case kAuthSaslContinue: {
      const auth::KeyDerivation request = Must(scram_->OnServerFirst(body));
      std::string& salted = salted_[{request.salt, request.iterations}];
      if (salted.empty())
        salted = auth::Derive(request);
      wire::AppendSaslResponse(out, Must(scram_->Finish(salted)));
      break;
    }
    case kAuthSaslFinal:
      if (const absl::Status status = scram_->OnServerFinal(body); !status.ok())
        Fail(std::string(status.message()));
      return;
    default:
      Fail("an authentication that this program does not know: " + std::to_string(kind));
  }
  stream_.Send(out);
}

}  // namespace pgreeve::bench
