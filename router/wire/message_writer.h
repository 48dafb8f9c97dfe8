// Appends one message: the constructor leaves room for the length, the destructor fills it in.
// Pure; any thread. The caller keeps messages below kMessageBytesLimit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "router/base/bytes.h"

namespace pgreeve::wire {

class MessageWriter {
 public:
  MessageWriter(std::string& out, char type) : out_(out) {
    out_.push_back(type);
    length_at_ = out_.size();
    out_.append(4, '\0');
  }

  // The first message of a connection, which has no type.
  explicit MessageWriter(std::string& out) : out_(out), length_at_(out.size()) {
    out_.append(4, '\0');
  }

  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  ~MessageWriter() {
    const std::size_t length = out_.size() - length_at_;
    for (std::size_t i = 0; i < 4; i++)
      out_[length_at_ + i] = static_cast<char>(length >> (24 - 8 * i) & 0xff);
  }

  MessageWriter& Byte(char value) {
    out_.push_back(value);
    return *this;
  }

  MessageWriter& Uint16(std::size_t value) {
    AppendUint16(out_, static_cast<uint16_t>(value));
    return *this;
  }

  MessageWriter& Uint32(std::size_t value) {
    AppendUint32(out_, static_cast<uint32_t>(value));
    return *this;
  }

  MessageWriter& Bytes(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }

  // A zero byte inside `text` would end the field early and turn its tail into the next one: it
  // becomes a blank.
  MessageWriter& CString(std::string_view text) {
    const std::size_t start = out_.size();
    out_.append(text);
    for (std::size_t at = out_.find('\0', start); at != out_.npos; at = out_.find('\0', at))
      out_[at] = ' ';
    out_.push_back('\0');
    return *this;
  }

 private:
  std::string& out_;
  std::size_t length_at_ = 0;
};

}  // namespace pgreeve::wire
