// A tenant's id in canonical form: what routing compares, hashes and stores, whatever way a client
// wrote it (text or binary, int2 or int8, upper or lower case). Immutable value; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace pgreeve {

// The one type of tenant ids in a fleet, chosen when its catalog is made.
enum class TenantType : uint8_t { kUuid, kBigint, kText };

// "uuid", "bigint" or "text".
std::string_view ToString(TenantType type);
absl::StatusOr<TenantType> ParseTenantType(std::string_view name);

class TenantId {
 public:
  TenantId() = default;

  // Reads what Postgres would accept as a literal of the type: uuid with or without hyphens and
  // braces, in any case; bigint with sign and surrounding blanks; text as it is.
  // Errors: 22P02 when the text is no such value, 22003 when a bigint is out of range, 22023 when
  // a text id is empty, longer than 200 bytes or contains a zero byte.
  static absl::StatusOr<TenantId> FromText(TenantType type, std::string_view text);

  // Bigints of any width become 8 bytes little endian.
  static TenantId FromBigint(int64_t value);

  // `bytes` must be 16 bytes, network order, as Postgres sends a binary uuid.
  static TenantId FromUuidBytes(std::string_view bytes);

  // int → 8 bytes little endian, uuid → 16 bytes, text → UTF-8. Valid as long as this object.
  std::string_view canonical() const { return canonical_; }

  TenantType type() const { return type_; }

  // As Postgres prints it.
  std::string Text() const;

  bool empty() const { return canonical_.empty(); }

  auto operator<=>(const TenantId&) const = default;
  bool operator==(const TenantId&) const = default;

 private:
  TenantId(TenantType type, std::string canonical)
      : canonical_(std::move(canonical)),
        type_(type) {}

  std::string canonical_;
  TenantType type_ = TenantType::kUuid;
};

template <class H>
H AbslHashValue(H h, const TenantId& id) {
  return H::combine(std::move(h), std::string_view(id.canonical()));
}

}  // namespace pgreeve
