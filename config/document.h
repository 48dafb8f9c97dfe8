// A settings file as flat entries, each with its place. The only source that sees toml++ is
// document.cc. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>

namespace pgreeve::config {

struct Problem;

// What stands in the file. Dates, times and nested arrays are no settings: kOther.
struct Other {};

using Raw = std::variant<Other, std::string, std::vector<std::string>, int64_t, double, bool>;

struct Entry {
  std::string name;  // "section.key"; "key" alone when it stands outside a section
  bool section = false;
  Raw value;
  int key_line = 0;
  int key_column = 0;
  int value_line = 0;
  int value_column = 0;
};

// Adds to `problems` and returns nothing when the text is not TOML.
std::vector<Entry> ReadDocument(std::string_view toml, std::vector<Problem>& problems);

}  // namespace pgreeve::config
