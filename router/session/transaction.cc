#include "router/session/transaction.h"

#include <cctype>

namespace pgreeve::session {

bool Transaction::WantsSnapshot() const {
  for (const std::string& text : pending_) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) {
      return static_cast<char>(std::toupper(c));
    });
    if (upper.find("REPEATABLE") != upper.npos || upper.find("SERIALIZABLE") != upper.npos)
      return true;
  }
  return false;
}

}  // namespace pgreeve::session
