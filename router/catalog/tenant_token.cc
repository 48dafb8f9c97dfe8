#include "router/catalog/tenant_token.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "router/base/bytes.h"

namespace pgreeve::catalog {
namespace {

constexpr std::size_t kPadBytes = 64;  // a SHA-256 block

std::string Pad(std::string_view key, char value) {
  std::string pad(kPadBytes, value);
  for (std::size_t i = 0; i < key.size() && i < kPadBytes; i++)
    pad[i] = static_cast<char>(pad[i] ^ key[i]);
  return pad;
}

}  // namespace

std::string MintToken(std::string_view key, const TenantId& tenant, const TokenFields& fields) {
  std::string token = std::to_string(fields.kid);
  token.push_back(':');
  token += ToHex(tenant.Text());
  token.push_back(':');
  token += std::to_string(fields.epoch);
  token.push_back(':');
  token += std::to_string(fields.expiry_unix);
  token.push_back(':');
  token += std::to_string(fields.pid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int mac_bytes = 0;
  HMAC(EVP_sha256(),
       key.data(),
       static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(token.data()),
       token.size(),
       mac.data(),
       &mac_bytes);
  token.push_back(':');
  token += ToHex({reinterpret_cast<const char*>(mac.data()), mac_bytes});
  return token;
}

TokenPads PadsOf(std::string_view key) {
  return {Pad(key, 0x36), Pad(key, 0x5c)};
}

}  // namespace pgreeve::catalog
