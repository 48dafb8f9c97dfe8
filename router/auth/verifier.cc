#include "router/auth/verifier.h"

#include <charconv>
#include <optional>

#include "router/auth/base64.h"
#include "router/base/status.h"

namespace pgreeve::auth {
namespace {

// Cuts `text` at the first `separator`: returns what is before it and leaves what is behind it.
std::optional<std::string_view> CutAt(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == text.npos)
    return std::nullopt;
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at + 1);
  return head;
}

// The message holds nothing of `text`, which may be a password in the wrong place.
absl::Status NoVerifier(std::string_view what) {
  return SqlStatus("22023",
                   "invalid SCRAM verifier: " + std::string(what),
                   "",
                   "The form is SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>.");
}

}  // namespace

std::string ScramVerifier::Text() const {
  std::string out(kScramMechanism);
  out += '$' + std::to_string(iterations) + ':' + Base64Encode(salt);
  out += '$' + Base64Encode(stored_key) + ':' + Base64Encode(server_key);
  return out;
}

absl::StatusOr<ScramVerifier> ParseVerifier(std::string_view text) {
  const auto mechanism = CutAt(text, '$');
  if (!mechanism || *mechanism != kScramMechanism)
    return NoVerifier("it does not begin with SCRAM-SHA-256$");
  const auto iterations = CutAt(text, ':');
  const auto salt_text = CutAt(text, '$');
  const auto stored_key = CutAt(text, ':');
  if (!iterations || !salt_text || !stored_key)
    return NoVerifier("a part is missing");
  ScramVerifier verifier;
  const char* end = iterations->data() + iterations->size();
  const auto [at, error] = std::from_chars(iterations->data(), end, verifier.iterations);
  if (error != std::errc() || at != end || verifier.iterations == 0 ||
      verifier.iterations > kScramIterationsMax)
    return NoVerifier("iterations must be 1 to " + std::to_string(kScramIterationsMax));
  auto salt = Base64Decode(*salt_text);
  if (!salt || salt->empty() || salt->size() > kScramSaltBytesMax)
    return NoVerifier("bad salt");
  auto stored = Base64Decode(*stored_key);
  auto server = Base64Decode(text);
  if (!stored || stored->size() != kScramKeyBytes || !server || server->size() != kScramKeyBytes)
    return NoVerifier("a key is not 32 bytes of base64");
  verifier.salt = *std::move(salt);
  verifier.stored_key = *std::move(stored);
  verifier.server_key = *std::move(server);
  return verifier;
}

ScramVerifier MakeVerifier(std::string_view password, std::string_view salt, uint32_t iterations) {
  const std::string salted = Derive({std::string(password), std::string(salt), iterations});
  ScramVerifier verifier;
  verifier.iterations = iterations;
  verifier.salt = std::string(salt);
  verifier.stored_key = Sha256(ClientKeyOf(salted));
  verifier.server_key = ServerKeyOf(salted);
  return verifier;
}

ScramVerifier MockVerifier(std::string_view user, std::string_view secret, uint32_t iterations) {
  const std::string name(user);
  ScramVerifier verifier;
  verifier.iterations = iterations;
  verifier.salt = HmacSha256(secret, "salt:" + name).substr(0, kScramSaltBytes);
  verifier.stored_key = HmacSha256(secret, "stored:" + name);
  verifier.server_key = HmacSha256(secret, "server:" + name);
  return verifier;
}

std::string MakeNonce(std::string_view random_bytes) {
  return Base64Encode(random_bytes);
}

}  // namespace pgreeve::auth
