// Reads the fields of one message body and never past its end. After the first read that does not
// fit every read yields nothing and ok() is false, so a decoder checks once, at its end: all
// decoding of bytes from the network goes through this class.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "router/base/bytes.h"

namespace pgreeve::wire {

class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes)
      : at_(bytes.data()),
        end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }

  // All reads fitted and nothing is left over.
  bool done() const { return ok_ && at_ == end_; }

  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  // What has not been read yet.
  std::string_view rest() const { return {at_, left()}; }

  char Byte() {
    if (!Have(1))
      return 0;
    return *at_++;
  }

  uint16_t Uint16() {
    if (!Have(2))
      return 0;
    const uint16_t value = ReadUint16(at_);
    at_ += 2;
    return value;
  }

  uint32_t Uint32() {
    if (!Have(4))
      return 0;
    const uint32_t value = ReadUint32(at_);
    at_ += 4;
    return value;
  }

  int16_t Int16() { return static_cast<int16_t>(Uint16()); }

  int32_t Int32() { return static_cast<int32_t>(Uint32()); }

  std::string_view Bytes(std::size_t count) {
    if (!Have(count))
      return {};
    const std::string_view bytes(at_, count);
    at_ += count;
    return bytes;
  }

  // A string up to its zero byte, which is read too.
  std::string_view CString() {
    const std::string_view bytes = rest();
    const std::size_t size = bytes.find('\0');
    if (size == bytes.npos) {
      Fail();
      return {};
    }
    at_ += size + 1;
    return bytes.substr(0, size);
  }

  // A count of items that take `item_bytes` or more each; fails when they cannot all be there, so
  // that memory set aside for them is never more than a multiple of the message.
  uint16_t Count(std::size_t item_bytes) {
    const uint16_t count = Uint16();
    return Have(count * item_bytes) ? count : uint16_t{0};
  }

  void Fail() {
    ok_ = false;
    at_ = end_;
  }

 private:
  bool Have(std::size_t count) {
    if (count <= left())
      return true;
    Fail();
    return false;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace pgreeve::wire
