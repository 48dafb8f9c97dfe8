// The arithmetic of SCRAM-SHA-256: which key comes from which. Keys are byte strings of
// kScramKeyBytes. Pure; any thread.
// Source: RFC 5802 §3 "SCRAM Algorithm Overview", RFC 7677.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgreeve::auth {

constexpr std::size_t kScramKeyBytes = 32;
constexpr std::string_view kScramMechanism = "SCRAM-SHA-256";
// Above it neither a stored verifier nor a backend is believed: one login would keep a core busy
// for as long as the other side likes.
constexpr uint32_t kScramIterationsMax = 100'000;

// What turns a password into its salted form, as a value so that it can run on another thread.
struct KeyDerivation {
  std::string password;
  std::string salt;
  uint32_t iterations = 0;
};

// SaltedPassword. Cost: PBKDF2, about 0.5 ms for each 1,000 iterations: not for an event loop.
std::string Derive(const KeyDerivation& request);

std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);

std::string ClientKeyOf(std::string_view salted_password);
std::string ServerKeyOf(std::string_view salted_password);

// Byte-wise exclusive or; both have kScramKeyBytes.
std::string Xor(std::string_view a, std::string_view b);

// Takes the same time whatever the bytes are; false at once when the sizes differ.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace pgreeve::auth
