#include "router/auth/md5_password.h"

#include <openssl/evp.h>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::auth {
namespace {

absl::StatusOr<std::string> Md5Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) != 1)
    return SqlStatus("0A000", "MD5 is not available in this build of OpenSSL");
  return ToHex({reinterpret_cast<const char*>(digest), size});
}

}  // namespace

absl::StatusOr<std::string> Md5Password(std::string_view user,
                                        std::string_view password,
                                        std::string_view salt) {
  ASSIGN_OR_RETURN(const std::string inner, Md5Hex(std::string(password) + std::string(user)));
  ASSIGN_OR_RETURN(const std::string outer, Md5Hex(inner + std::string(salt)));
  return "md5" + outer;
}

}  // namespace pgreeve::auth
