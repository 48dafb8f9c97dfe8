#include "admin/cli/size_text.h"

#include <array>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "router/base/status.h"

namespace pgreeve::cli {

absl::StatusOr<int64_t> ParseSize(std::string_view text) {
  struct Unit {
    std::string_view name;
    int shift;
  };

  constexpr std::array<Unit, 6> kUnits = {
      {{"", 0}, {"b", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}}};
  constexpr double kBytesMax = 9.0e18;  // below 2^63
  const auto bad = SqlStatus("22023",
                             fmt::format("\"{}\" is no size", text),
                             "",
                             "Write a number with B, kB, MB, GB or TB, for example 10GB.");
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0))
    return bad;
  std::string unit;
  for (const char* c = end; c != text.data() + text.size(); ++c) {
    if (*c != ' ')
      unit += *c >= 'A' && *c <= 'Z' ? static_cast<char>(*c - 'A' + 'a') : *c;
  }
  for (const Unit& known : kUnits) {
    if (known.name != unit)
      continue;
    const double bytes = number * static_cast<double>(int64_t{1} << known.shift);
    if (bytes > kBytesMax)
      return bad;
    return static_cast<int64_t>(bytes);
  }
  return bad;
}

}  // namespace pgreeve::cli
