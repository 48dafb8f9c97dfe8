#include "router/base/tenant_id.h"

#include <charconv>
#include <cstring>

#include "router/base/status.h"

namespace pgreeve {
namespace {

constexpr std::size_t kTextBytesMax = 200;

int HexValue(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool IsBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

absl::Status BadSyntax(std::string_view type, std::string_view text) {
  return SqlStatus("22P02",
                   "invalid input syntax for tenant id of type " + std::string(type) + ": \"" +
                       std::string(text) + "\"");
}

// Postgres reads pairs of digits with an optional hyphen after every fourth digit
// (string_to_uuid in src/backend/utils/adt/uuid.c).
bool ParseUuid(std::string_view text, std::string& out) {
  const bool braces = !text.empty() && text.front() == '{';
  if (braces) {
    if (text.back() != '}')
      return false;
    text = text.substr(1, text.size() - 2);
  }
  std::size_t at = 0;
  for (int i = 0; i < 16; i++) {
    if (at + 2 > text.size())
      return false;
    const int high = HexValue(text[at]);
    const int low = HexValue(text[at + 1]);
    if (high < 0 || low < 0)
      return false;
    out.push_back(static_cast<char>(high * 16 + low));
    at += 2;
    if (i % 2 == 1 && i < 15 && at < text.size() && text[at] == '-')
      at++;
  }
  return at == text.size();
}

}  // namespace

std::string_view ToString(TenantType type) {
  switch (type) {
    case TenantType::kUuid:
      return "uuid";
    case TenantType::kBigint:
      return "bigint";
    case TenantType::kText:
      return "text";
  }
  return "?";
}

absl::StatusOr<TenantType> ParseTenantType(std::string_view name) {
  for (const TenantType type : {TenantType::kUuid, TenantType::kBigint, TenantType::kText}) {
    if (ToString(type) == name)
      return type;
  }
  return SqlStatus("22023",
                   "unknown tenant type \"" + std::string(name) + "\"",
                   "",
                   "Tenant ids are uuid, bigint or text.");
}

absl::StatusOr<TenantId> TenantId::FromText(TenantType type, std::string_view text) {
  switch (type) {
    case TenantType::kUuid: {
      std::string bytes;
      bytes.reserve(16);
      if (!ParseUuid(text, bytes))
        return BadSyntax("uuid", text);
      return TenantId(type, std::move(bytes));
    }
    case TenantType::kBigint: {
      std::string_view digits = text;
      while (!digits.empty() && IsBlank(digits.front()))
        digits.remove_prefix(1);
      while (!digits.empty() && IsBlank(digits.back()))
        digits.remove_suffix(1);
      const bool plus = !digits.empty() && digits.front() == '+';
      if (plus)
        digits.remove_prefix(1);
      if (plus && !digits.empty() && digits.front() == '-')
        return BadSyntax("bigint", text);
      int64_t value = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error == std::errc::result_out_of_range)
        return SqlStatus("22003", "tenant id is out of range for type bigint");
      if (error != std::errc() || end != digits.data() + digits.size())
        return BadSyntax("bigint", text);
      return FromBigint(value);
    }
    case TenantType::kText:
      if (text.empty() || text.size() > kTextBytesMax || text.find('\0') != text.npos)
        return SqlStatus("22023", "a tenant id of type text has 1 to 200 bytes, none of them zero");
      return TenantId(type, std::string(text));
  }
  return SqlStatus("XX000", "tenant type out of range");
}

TenantId TenantId::FromBigint(int64_t value) {
  std::string bytes(8, '\0');
  auto bits = static_cast<uint64_t>(value);
  for (char& byte : bytes) {
    byte = static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
  return TenantId(TenantType::kBigint, std::move(bytes));
}

TenantId TenantId::FromUuidBytes(std::string_view bytes) {
  return TenantId(TenantType::kUuid, std::string(bytes));
}

std::string TenantId::Text() const {
  switch (type_) {
    case TenantType::kUuid: {
      static constexpr char kHex[] = "0123456789abcdef";
      std::string out;
      out.reserve(36);
      for (std::size_t i = 0; i < canonical_.size(); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
          out.push_back('-');
        const auto byte = static_cast<unsigned char>(canonical_[i]);
        out.push_back(kHex[byte >> 4]);
        out.push_back(kHex[byte & 15]);
      }
      return out;
    }
    case TenantType::kBigint: {
      uint64_t bits = 0;
      for (std::size_t i = canonical_.size(); i-- > 0;)
        bits = bits << 8 | static_cast<unsigned char>(canonical_[i]);
      return std::to_string(static_cast<int64_t>(bits));
    }
    case TenantType::kText:
      return canonical_;
  }
  return {};
}

}  // namespace pgreeve
