#include "router/auth/scram_server.h"

#include "router/auth/base64.h"
#include "router/auth/scram_attributes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::auth {
namespace {

constexpr std::size_t kGs2HeaderBytes = 3;  // of the only two forms we take

absl::Status Malformed(std::string_view detail) {
  return SqlStatus("08P01", "malformed SCRAM message", detail);
}

absl::Status Unsupported(std::string_view what) {
  return SqlStatus("0A000", std::string(what) + " not supported by this server");
}

absl::Status CheckSize(std::string_view message) {
  if (message.empty())
    return Malformed("The message is empty.");
  if (message.size() > kScramMessageBytesMax)
    return Malformed("The message is too long.");
  if (message.find('\0') != message.npos)
    return Malformed("The message contains a zero byte.");
  return absl::OkStatus();
}

// "n" (the client cannot bind the channel) or "y" (it could, and sees that we do not offer it).
absl::Status CheckGs2Header(std::string_view message) {
  if (message[0] == 'p')
    return Unsupported("SCRAM channel binding is");
  if ((message[0] != 'n' && message[0] != 'y') || message.size() < kGs2HeaderBytes ||
      message[1] != ',')
    return Malformed("The channel binding flag is not valid.");
  if (message[2] == 'a')
    return Unsupported("a SCRAM authorization identity is");
  if (message[2] != ',')
    return Malformed("The header is not complete.");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ScramServer::OnClientFirst(std::string_view message) {
  if (state_ != State::kClientFirst)
    return Malformed("The first message came twice.");
  state_ = State::kDone;  // until all of it is found to be good
  RETURN_IF_ERROR(CheckSize(message));
  RETURN_IF_ERROR(CheckGs2Header(message));
  gs2_header_ = std::string(message.substr(0, kGs2HeaderBytes));
  client_first_bare_ = std::string(message.substr(kGs2HeaderBytes));

  ScramAttributes attributes(client_first_bare_);
  if (attributes.Next() == 'm')
    return Unsupported("a mandatory SCRAM extension is");
  attributes.Take('n');
  const std::string_view client_nonce = attributes.Take('r');
  if (!attributes.ok() || client_nonce.empty() || !IsScramPrintable(client_nonce))
    return Malformed("The user name or the nonce is missing or not valid.");
  // Optional extensions may follow; they are part of what is signed and mean nothing to us.
  nonce_ = std::string(client_nonce) + options_.nonce;
  server_first_ = "r=" + nonce_ + ",s=" + Base64Encode(options_.verifier.salt) +
                  ",i=" + std::to_string(options_.verifier.iterations);
  state_ = State::kClientFinal;
  return server_first_;
}

absl::StatusOr<std::string> ScramServer::OnClientFinal(std::string_view message) {
  if (state_ != State::kClientFinal)
    return Malformed("The final message is out of turn.");
  state_ = State::kDone;
  RETURN_IF_ERROR(CheckSize(message));

  ScramAttributes attributes(message);
  const std::string_view binding = attributes.Take('c');
  const std::string_view nonce = attributes.Take('r');
  while (attributes.ok() && attributes.Next() != 'p' && attributes.Next() != '\0')
    attributes.Take(attributes.Next());
  const std::size_t unsigned_bytes = attributes.left() + 1;  // the proof and its comma
  const std::string_view proof_text = attributes.Take('p');
  if (!attributes.done())
    return Malformed("An attribute is missing or out of order.");
  if (binding != Base64Encode(gs2_header_))
    return Malformed("The channel binding data is not valid.");
  if (nonce != nonce_)
    return Malformed("The nonce does not match.");
  const auto proof = Base64Decode(proof_text);
  if (!proof || proof->size() != kScramKeyBytes)
    return Malformed("The proof is not valid.");

  const std::string auth_message = client_first_bare_ + "," + server_first_ + "," +
                                   std::string(message.substr(0, message.size() - unsigned_bytes));
  const ScramVerifier& verifier = options_.verifier;
  const std::string client_key = Xor(*proof, HmacSha256(verifier.stored_key, auth_message));
  const bool proved = EqualInConstantTime(Sha256(client_key), verifier.stored_key);
  const std::string signature = HmacSha256(verifier.server_key, auth_message);
  if (!(static_cast<int>(proved) & static_cast<int>(options_.known))) {
    return SqlStatus("28P01", "password authentication failed for user \"" + options_.user + "\"");
  }
  return "v=" + Base64Encode(signature);
}

}  // namespace pgreeve::auth
