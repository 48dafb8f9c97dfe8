// Big-endian numbers and hex, as the Postgres protocol writes them. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pgreeve {

// The caller has checked that enough bytes are there.
inline uint16_t ReadUint16(const char* at) {
  const auto* p = reinterpret_cast<const unsigned char*>(at);
  return static_cast<uint16_t>(p[0] << 8 | p[1]);
}

inline uint32_t ReadUint32(const char* at) {
  const auto* p = reinterpret_cast<const unsigned char*>(at);
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | static_cast<uint32_t>(p[3]);
}

inline uint64_t ReadUint64(const char* at) {
  return static_cast<uint64_t>(ReadUint32(at)) << 32 | ReadUint32(at + 4);
}

inline void AppendUint16(std::string& out, uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

inline void AppendUint32(std::string& out, uint32_t value) {
  AppendUint16(out, static_cast<uint16_t>(value >> 16));
  AppendUint16(out, static_cast<uint16_t>(value & 0xffff));
}

inline void AppendUint64(std::string& out, uint64_t value) {
  AppendUint32(out, static_cast<uint32_t>(value >> 32));
  AppendUint32(out, static_cast<uint32_t>(value & 0xffffffff));
}

// Lower case, two digits a byte.
inline std::string ToHex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

}  // namespace pgreeve
