// A hash map with std::string keys that is looked up by std::string_view without a copy. Debian's
// abseil hashes its own string_view type only, hence the hasher here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "router/base/stable_hash.h"

namespace pgreeve {

struct StringHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const { return StableHash64(text); }
};

template <class V>
using StringMap = absl::flat_hash_map<std::string, V, StringHash, std::equal_to<>>;

}  // namespace pgreeve
