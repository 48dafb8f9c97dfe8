// A stream of messages: the frames found are the stream, whole and in order, and a message is
// found exactly when its last byte is there. The first byte of the input chooses the limit.
#include "router/wire/frame.h"
#include "tests/fuzz/fuzz_input.h"

using pgreeve::fuzz::Require;
using pgreeve::wire::Frame;
using pgreeve::wire::Scan;
using pgreeve::wire::ScanFrame;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  pgreeve::fuzz::Input input(data, size);
  const uint32_t limit = uint32_t{1} << input.Byte() % 32;
  std::string_view stream = input.rest();
  while (true) {
    Frame frame;
    std::size_t whole = 0;
    const Scan scan = ScanFrame(stream, limit, &frame, &whole);
    if (scan == Scan::kBad)
      return 0;
    if (scan == Scan::kNeedMore) {
      Require(whole == 0 ? stream.size() < pgreeve::wire::kHeaderBytes : stream.size() < whole,
              "more is needed only when bytes are missing");
      return 0;
    }
    Require(frame.whole.data() == stream.data() && frame.whole.size() == whole, "whole message");
    Require(frame.body.size() + pgreeve::wire::kHeaderBytes == whole, "body without header");
    Require(whole <= std::size_t{limit} + 1, "limit");
    Require(ScanFrame(stream.substr(0, whole - 1), limit, &frame) == Scan::kNeedMore,
            "one byte less is not enough");
    stream.remove_prefix(whole);
  }
}
