#include "router/wire/utf8.h"

namespace pgreeve::wire {
namespace {

// Bytes of the valid character at the start of `text`; 0 when there is none. RFC 3629 §4.
std::size_t CharacterBytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80)
    return lead == 0 ? 0 : 1;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size)
    return 0;
  for (std::size_t i = 1; i < size; i++) {
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  }
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) > 0x9f;
  const bool too_big = lead == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || too_big ? 0 : size;
}

}  // namespace

std::size_t FindInvalidUtf8(std::string_view text) {
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && static_cast<signed char>(text[at]) > 0)  // ASCII
      at++;
    if (at == text.size())
      return std::string_view::npos;
    const std::size_t size = CharacterBytes(text.substr(at));
    if (size == 0)
      return at;
    at += size;
  }
}

}  // namespace pgreeve::wire
