#include "router/wire/frame.h"

#include <algorithm>

#include "router/base/bytes.h"

namespace pgreeve::wire {

Scan ScanFrame(std::string_view bytes,
               uint32_t message_bytes_max,
               Frame* out,
               std::size_t* whole_bytes) {
  if (whole_bytes != nullptr)
    *whole_bytes = 0;
  if (bytes.size() < kHeaderBytes)
    return Scan::kNeedMore;
  // The length counts itself but not the type byte.
  const uint32_t length = ReadUint32(bytes.data() + 1);
  if (length < 4 || length > std::min(message_bytes_max, kMessageBytesLimit))
    return Scan::kBad;
  const std::size_t whole = std::size_t{1} + length;
  if (whole_bytes != nullptr)
    *whole_bytes = whole;
  out->type = bytes[0];
  if (bytes.size() < whole)
    return Scan::kNeedMore;
  out->whole = bytes.substr(0, whole);
  out->body = bytes.substr(kHeaderBytes, whole - kHeaderBytes);
  return Scan::kFrame;
}

}  // namespace pgreeve::wire
