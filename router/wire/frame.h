// Where one message of the Postgres protocol begins and ends. Knows lengths, not meanings.
// Pure; any thread.
// Source: PostgreSQL 15 §55.2 "Message Flow", §55.7 "Message Formats".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgreeve::wire {

// Postgres itself refuses messages over 1 GB - 1.
constexpr uint32_t kMessageBytesLimit = 0x3fffffff;
constexpr std::size_t kHeaderBytes = 5;  // type and length, of every message but the first

struct Frame {
  char type = 0;
  std::string_view body;   // without type and length
  std::string_view whole;  // with them
};

enum class Scan : uint8_t {
  kFrame,     // `out` is set; its views point into `bytes`
  kNeedMore,  // `bytes` ends inside the message; out->type and the full size are set when the
              // header is there (see `whole_bytes`)
  kBad,       // the length is below 4 or over the limit: the stream is lost (08P01)
};

// Reads one message from the start of `bytes`. `whole_bytes` (may be null) gets the size of the
// whole message as soon as the header is complete, else 0.
Scan ScanFrame(std::string_view bytes,
               uint32_t message_bytes_max,
               Frame* out,
               std::size_t* whole_bytes = nullptr);

}  // namespace pgreeve::wire
