#include "router/catalog/seal.h"

#include <memory>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "router/base/status.h"

namespace pgreeve::catalog {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* In(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* Out(std::string& bytes, std::size_t at) {
  return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}

absl::Status BadKeyLength() {
  return SqlStatus("22023", "a seal key has " + std::to_string(kSealKeyBytes) + " bytes");
}

absl::Status NotAuthentic() {
  return SqlStatus("28000", "sealed secrets do not open: another key, or changed bytes");
}

}  // namespace

absl::StatusOr<std::string> Seal(std::string_view key,
                                 std::string_view plain,
                                 std::string_view context) {
  if (key.size() != kSealKeyBytes)
    return BadKeyLength();
  std::string sealed(kNonceBytes + plain.size() + kTagBytes, '\0');
  const Context cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool ok =
      cipher && RAND_bytes(Out(sealed, 0), kNonceBytes) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, In(key), Out(sealed, 0)) == 1 &&
      EVP_EncryptUpdate(
          cipher.get(), nullptr, &written, In(context), static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(),
                        Out(sealed, kNonceBytes),
                        &written,
                        In(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), Out(sealed, kNonceBytes + plain.size()), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(
          cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, Out(sealed, kNonceBytes + plain.size())) ==
          1;
  if (!ok)
    return SqlStatus("XX000", "sealing failed");
  return sealed;
}

absl::StatusOr<std::string> Unseal(std::string_view key,
                                   std::string_view sealed,
                                   std::string_view context) {
  if (key.size() != kSealKeyBytes)
    return BadKeyLength();
  if (sealed.size() < kNonceBytes + kTagBytes)
    return NotAuthentic();
  const std::size_t plain_bytes = sealed.size() - kNonceBytes - kTagBytes;
  std::string plain(plain_bytes + 1, '\0');  // never empty: OpenSSL wants somewhere to point
  std::string tag(sealed.substr(kNonceBytes + plain_bytes));
  const Context cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool ok =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, In(key), In(sealed)) == 1 &&
      EVP_DecryptUpdate(
          cipher.get(), nullptr, &written, In(context), static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(),
                        Out(plain, 0),
                        &written,
                        In(sealed.substr(kNonceBytes)),
                        static_cast<int>(plain_bytes)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Out(plain, plain_bytes), &written) == 1;
  if (!ok)
    return NotAuthentic();
  plain.resize(plain_bytes);
  return plain;
}

std::string SealKeyFromText(std::string_view text) {
  std::string key(kSealKeyBytes, '\0');
  SHA256(In(text), text.size(), Out(key, 0));
  return key;
}

}  // namespace pgreeve::catalog
