#include "admin/cli/password.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "router/auth/verifier.h"
#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

std::string VerifierOf(const std::string& content) {
  const auto path = std::filesystem::path(testing::TempDir()) / "pgreeve_password_test";
  std::ofstream(path) << content;
  PasswordSource source;
  source.file = path;
  const auto verifier = ReadVerifier(source);
  std::filesystem::remove(path);
  return verifier.ok() ? *verifier : ToSqlError(verifier.status()).sqlstate;
}

// Whether `verifier` is the one of `password`.
bool Fits(const std::string& verifier, const std::string& password) {
  const auto parsed = auth::ParseVerifier(verifier);
  return parsed.ok() && auth::MakeVerifier(password, parsed->salt, parsed->iterations) == *parsed;
}

TEST(Password, TheFirstLineOfAFile) {
  EXPECT_TRUE(Fits(VerifierOf("secret\nmore\n"), "secret"));
  EXPECT_TRUE(Fits(VerifierOf("secret\r\n"), "secret"));
  EXPECT_TRUE(Fits(VerifierOf(" with blanks "), " with blanks "));
}

TEST(Password, TwiceTheSameIsSaltedApart) {
  EXPECT_NE(VerifierOf("secret"), VerifierOf("secret"));
}

TEST(Password, WhatIsRefused) {
  EXPECT_EQ(VerifierOf(""), "22023");
  EXPECT_EQ(VerifierOf("\nsecond line"), "22023");
  EXPECT_EQ(VerifierOf(std::string(1001, 'x')), "22023");
  PasswordSource missing;
  missing.file = "/nonexistent/pgreeve";
  EXPECT_EQ(ToSqlError(ReadVerifier(missing).status()).sqlstate, "58P01");
  PasswordSource bad;
  bad.verifier = "md5abc";
  EXPECT_FALSE(ReadVerifier(bad).ok());
}

TEST(Password, FromTheEnvironment) {
  setenv(kPasswordVariable, "from env", 1);
  EXPECT_TRUE(HasPassword({}));
  EXPECT_TRUE(Fits(*ReadVerifier({}), "from env"));
  unsetenv(kPasswordVariable);
  EXPECT_FALSE(HasPassword({}));
}

}  // namespace
}  // namespace pgreeve::cli
