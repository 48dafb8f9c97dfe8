// Hashes whose values are stored or compared between machines and versions: XXH3, whose output is
// frozen since 0.8.0. Golden vectors are in the test. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgreeve {

// XXH3_64 of `bytes` with `seed`.
uint64_t StableHash64(std::string_view bytes, uint64_t seed = 0);

}  // namespace pgreeve
