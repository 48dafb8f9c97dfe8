#include "router/base/stable_hash.h"

#include <string>

#include <gtest/gtest.h>

namespace pgreeve {
namespace {

constexpr uint64_t kPrime64 = 11400714785074694797U;

// The input that xxHash's own vectors are made of (xsum_sanity_check.c).
std::string SanityBuffer(std::size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = 2654435761U;
  for (char& byte : bytes) {
    byte = static_cast<char>(state >> 56);
    state *= kPrime64;
  }
  return bytes;
}

struct Vector {
  std::size_t size;
  uint64_t seed;
  uint64_t hash;
};

// XXH3_64bits of xxHash's sanity test, at least one for each branch of the algorithm. Placement is
// stored by these values: if one changes, tenants are looked for where they are not.
TEST(StableHash, IsXxh3) {
  for (const Vector& vector : {
           Vector{0, 0, 0x2D06800538D394C2U},          Vector{0, kPrime64, 0xA8A6B918B2F0364AU},
           Vector{1, 0, 0xC44BDFF4074EECDBU},          Vector{1, kPrime64, 0x032BE332DD766EF8U},
           Vector{2, 0, 0x7A9978044CB8A8BBU},          Vector{2, kPrime64, 0x764B35C90519AD88U},
           Vector{3, 0, 0x54247382A8D6B94DU},          Vector{3, kPrime64, 0x634B8990B4976373U},
           Vector{4, 0, 0xE5DC74BC51848A51U},          Vector{4, kPrime64, 0xAA2E7ECCB0C8F747U},
           Vector{6, 0, 0x27B56A84CD2D7325U},          Vector{6, kPrime64, 0x84589C116AB59AB9U},
           Vector{8, 0, 0x24CCC9ACAA9F65E4U},          Vector{9, 0, 0x14D5001C15DD3F2BU},
           Vector{12, 0, 0xA713DAF0DFBB77E7U},         Vector{12, kPrime64, 0xE7303E1B2336DE0EU},
           Vector{16, 0, 0x981B17D36C7498C9U},         Vector{17, 0, 0x796F5ACD3A60F862U},
           Vector{24, 0, 0xA3FE70BF9D3510EBU},         Vector{24, kPrime64, 0x850E80FC35BDD690U},
           Vector{48, 0, 0x397DA259ECBA1F11U},         Vector{48, kPrime64, 0xADC2CBAA44ACC616U},
           Vector{64, 0, 0x9CB48487720EC49DU},         Vector{80, 0, 0xBCDEFBBB2C47C90AU},
           Vector{80, kPrime64, 0xC6DD0CB699532E73U},  Vector{128, 0, 0xFCFF24126754D861U},
           Vector{129, 0, 0x98F1B0A679A2CA29U},        Vector{195, 0, 0xCD94217EE362EC3AU},
           Vector{195, kPrime64, 0xBA68003D370CB3D9U}, Vector{240, 0, 0x81C3C2B67F568CCFU},
           Vector{241, 0, 0xC5A639ECD2030E5EU},        Vector{403, 0, 0xCDEB804D65C6DEA4U},
           Vector{512, 0, 0x617E49599013CB6BU},        Vector{2048, 0, 0xDD59E2C3A5F038E0U},
           Vector{2099, 0, 0xC6B9D9B3FC9AC765U},       Vector{2240, 0, 0x6E73A90539CF2948U},
           Vector{2367, 0, 0xCB37AEB9E5D361EDU},
       }) {
    EXPECT_EQ(StableHash64(SanityBuffer(vector.size), vector.seed), vector.hash)
        << vector.size << " bytes, seed " << vector.seed;
  }
}

TEST(StableHash, TakesAnEmptyViewOfNothing) {
  EXPECT_EQ(StableHash64(std::string_view()), 0x2D06800538D394C2U);
}

TEST(StableHash, SeedDefaultsToZero) {
  EXPECT_EQ(StableHash64("a"), StableHash64("a", 0));
}

}  // namespace
}  // namespace pgreeve
