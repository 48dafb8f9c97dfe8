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

void Transaction::ChainLazily() {
  // What is left are BEGIN and SET TRANSACTION.
  std::erase_if(pending_, [](const std::string& text) {
    const auto starts = [&text](std::string_view word) {
      return text.size() >= word.size() &&
             std::equal(word.begin(), word.end(), text.begin(), [](char lower, char c) {
               return lower == static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
             });
    };
    return starts("savepoint") || starts("release") || starts("rollback");
  });
  savepoints_.clear();
  status_ = 'T';
}

}  // namespace pgreeve::session
