#include "router/auth/scram_client.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "router/auth/base64.h"
#include "router/auth/scram_attributes.h"
#include "router/auth/verifier.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::auth {
namespace {

constexpr std::string_view kGs2Header = "n,,";  // no channel binding

absl::Status Malformed(std::string_view detail) {
  return SqlStatus("08P01", "malformed SCRAM message from the server", detail);
}

absl::Status CheckSize(std::string_view message) {
  if (message.size() > kScramMessageBytesMax)
    return Malformed("The message is too long.");
  return absl::OkStatus();
}

// Digits only, not zero. A number too big for the type is as good as the biggest one.
std::optional<uint32_t> ParseIterations(std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (!digits)
    return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range)
    return UINT32_MAX;
  if (error != std::errc() || value == 0)
    return std::nullopt;
  return value;
}

}  // namespace

std::string ScramClient::FirstBare() const {
  return "n=,r=" + options_.nonce;
}

std::string ScramClient::First() const {
  return std::string(kGs2Header) + FirstBare();
}

absl::StatusOr<KeyDerivation> ScramClient::OnServerFirst(std::string_view message) {
  if (state_ != State::kServerFirst)
    return Malformed("The first message came twice.");
  state_ = State::kDone;
  RETURN_IF_ERROR(CheckSize(message));
  ScramAttributes attributes(message);
  const std::string_view nonce = attributes.Take('r');
  const std::string_view salt_text = attributes.Take('s');
  const std::string_view iterations_text = attributes.Take('i');
  if (!attributes.ok())
    return Malformed("An attribute is missing or out of order.");
  // A nonce that does not continue ours is a replay, one that adds nothing invites one.
  if (!nonce.starts_with(options_.nonce) || nonce.size() == options_.nonce.size() ||
      !IsScramPrintable(nonce))
    return Malformed("The nonce is not valid.");
  auto salt = Base64Decode(salt_text);
  if (!salt || salt->empty() || salt->size() > kScramSaltBytesMax)
    return Malformed("The salt is not valid.");
  const auto iterations = ParseIterations(iterations_text);
  if (!iterations)
    return Malformed("The iteration count is not valid.");
  if (*iterations > options_.iterations_max) {
    // Not the server's digits, which may be a thousand.
    return SqlStatus("28000",
                     "server asked for " + std::to_string(*iterations) + " iterations",
                     "At most " + std::to_string(options_.iterations_max) +
                         " iterations of SCRAM-SHA-256 are accepted.");
  }
  nonce_ = std::string(nonce);
  server_first_ = std::string(message);
  state_ = State::kDerive;
  return KeyDerivation{options_.password, *std::move(salt), *iterations};
}

absl::StatusOr<std::string> ScramClient::Finish(std::string_view salted_password) {
  if (state_ != State::kDerive || salted_password.size() != kScramKeyBytes)
    return Malformed("The login is not at the step that needs a derived key.");
  const std::string without_proof = "c=" + Base64Encode(kGs2Header) + ",r=" + nonce_;
  const std::string auth_message = FirstBare() + "," + server_first_ + "," + without_proof;
  const std::string client_key = ClientKeyOf(salted_password);
  const std::string proof = Xor(client_key, HmacSha256(Sha256(client_key), auth_message));
  server_signature_ = HmacSha256(ServerKeyOf(salted_password), auth_message);
  state_ = State::kServerFinal;
  return without_proof + ",p=" + Base64Encode(proof);
}

absl::Status ScramClient::OnServerFinal(std::string_view message) {
  if (state_ != State::kServerFinal)
    return Malformed("The final message is out of turn.");
  state_ = State::kDone;
  RETURN_IF_ERROR(CheckSize(message));
  ScramAttributes attributes(message);
  if (attributes.Next() == 'e')
    return SqlStatus("28P01", "the server refused the SCRAM proof");
  const std::string_view signature_text = attributes.Take('v');
  if (!attributes.ok())
    return Malformed("The signature is missing.");
  const auto signature = Base64Decode(signature_text);
  if (!signature || !EqualInConstantTime(*signature, server_signature_)) {
    return SqlStatus("28000",
                     "the server could not prove that it knows the password",
                     "Its SCRAM signature is wrong.");
  }
  return absl::OkStatus();
}

}  // namespace pgreeve::auth
