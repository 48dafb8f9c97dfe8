#include "router/auth/scram_keys.h"

#include <cstdlib>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace pgreeve::auth {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

// OpenSSL fails here only without memory or without SHA-256; there is no login without it.

std::string Derive(const KeyDerivation& request) {
  std::string out(kScramKeyBytes, '\0');
  if (PKCS5_PBKDF2_HMAC(request.password.data(),
                        static_cast<int>(request.password.size()),
                        Bytes(request.salt),
                        static_cast<int>(request.salt.size()),
                        static_cast<int>(request.iterations),
                        EVP_sha256(),
                        static_cast<int>(out.size()),
                        Bytes(out)) != 1)
    std::abort();
  return out;
}

std::string Sha256(std::string_view bytes) {
  std::string out(kScramKeyBytes, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), Bytes(out), nullptr, EVP_sha256(), nullptr) != 1)
    std::abort();
  return out;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::string out(kScramKeyBytes, '\0');
  if (HMAC(EVP_sha256(),
           key.data(),
           static_cast<int>(key.size()),
           Bytes(bytes),
           bytes.size(),
           Bytes(out),
           nullptr) == nullptr)
    std::abort();
  return out;
}

std::string ClientKeyOf(std::string_view salted_password) {
  return HmacSha256(salted_password, "Client Key");
}

std::string ServerKeyOf(std::string_view salted_password) {
  return HmacSha256(salted_password, "Server Key");
}

std::string Xor(std::string_view a, std::string_view b) {
  std::string out(a);
  for (std::size_t i = 0; i < out.size() && i < b.size(); i++)
    out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pgreeve::auth
