#include "admin/cli/password.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "router/auth/verifier.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"

namespace pgreeve::cli {
namespace {

constexpr std::size_t kPasswordBytesMax = 1000;

std::string FirstLine(std::istream& in) {
  std::string line;
  std::getline(in, line);
  if (line.ends_with('\r'))
    line.pop_back();
  return line;
}

// Reads from the terminal without echo.
std::string Ask(const char* prompt) {
  std::fputs(prompt, stderr);
  termios before{};
  tcgetattr(STDIN_FILENO, &before);
  termios quiet = before;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  std::string line = FirstLine(std::cin);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  std::fputs("\n", stderr);
  return line;
}

absl::StatusOr<std::string> ReadPassword(const PasswordSource& source) {
  if (!source.file.empty()) {
    std::ifstream file(source.file);
    if (!file.good())
      return SqlStatus("58P01", fmt::format("cannot read {}", source.file));
    return FirstLine(file);
  }
  if (source.from_stdin)
    return FirstLine(std::cin);
  if (const char* value = std::getenv(kPasswordVariable); value != nullptr)
    return std::string(value);
  if (isatty(STDIN_FILENO) == 1) {
    std::string first = Ask("Password: ");
    if (first != Ask("Again: "))
      return SqlStatus("22023", "the two passwords differ");
    return first;
  }
  return SqlStatus("F0000",
                   "no password was given",
                   "",
                   "Use --password-file, --password-stdin, --verifier, or set PGREEVE_PASSWORD.");
}

}  // namespace

bool HasPassword(const PasswordSource& source) {
  return !source.file.empty() || source.from_stdin || !source.verifier.empty() ||
         std::getenv(kPasswordVariable) != nullptr;
}

absl::StatusOr<std::string> ReadVerifier(const PasswordSource& source) {
  if (!source.verifier.empty()) {
    ASSIGN_OR_RETURN(const auth::ScramVerifier parsed, auth::ParseVerifier(source.verifier));
    return parsed.Text();
  }
  ASSIGN_OR_RETURN(const std::string password, ReadPassword(source));
  if (password.empty())
    return SqlStatus("22023", "the password is empty");
  if (password.size() > kPasswordBytesMax)
    return SqlStatus("22023",
                     fmt::format("the password is longer than {} bytes", kPasswordBytesMax));
  std::string salt(auth::kScramSaltBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(salt.size())) != 1)
    return SqlStatus("XX000", "the system has no random bytes");
  return auth::MakeVerifier(password, salt).Text();
}

}  // namespace pgreeve::cli
