#include "router/wire/frame.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "router/base/bytes.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"
#include "tests/support/exchange.h"

namespace pgreeve::wire {
namespace {

std::string Header(char type, uint32_t length) {
  std::string out(1, type);
  AppendUint32(out, length);
  return out;
}

TEST(ScanFrame, ReadsOneMessageAndLeavesTheNext) {
  std::string bytes;
  AppendQuery(bytes, "SELECT 1");
  const std::size_t first = bytes.size();
  AppendSync(bytes);
  Frame frame;
  std::size_t whole = 0;
  ASSERT_EQ(ScanFrame(bytes, 100, &frame, &whole), Scan::kFrame);
  EXPECT_EQ(frame.type, client::kQuery);
  EXPECT_EQ(frame.body, std::string("SELECT 1\0", 9));
  EXPECT_EQ(frame.whole, bytes.substr(0, first));
  EXPECT_EQ(whole, first);
  EXPECT_EQ(frame.whole.data(), bytes.data()) << "a view, not a copy";
  ASSERT_EQ(ScanFrame(std::string_view(bytes).substr(first), 100, &frame), Scan::kFrame);
  EXPECT_EQ(frame.type, client::kSync);
  EXPECT_EQ(frame.body, "");
}

TEST(ScanFrame, WaitsAtEverySplit) {
  std::string bytes;
  AppendBind(bytes, "p", "s", test::Raw("\0\0\0\0\0\0"));
  test::AtEverySplit(bytes, [&](std::string_view head, std::string_view tail) {
    Frame frame;
    std::size_t whole = 99;
    const Scan scan = ScanFrame(head, kMessageBytesLimit, &frame, &whole);
    if (tail.empty()) {
      EXPECT_EQ(scan, Scan::kFrame);
      return;
    }
    EXPECT_EQ(scan, Scan::kNeedMore) << head.size();
    EXPECT_EQ(whole, head.size() < kHeaderBytes ? 0 : bytes.size());
    if (head.size() >= kHeaderBytes) {
      EXPECT_EQ(frame.type, client::kBind);
    }
  });
}

TEST(ScanFrame, RefusesLengthsThatCannotBe) {
  Frame frame;
  std::size_t whole = 99;
  // Below 4 the length does not even count itself; from 2^31 on it is negative elsewhere. Adding
  // the type byte to the last one would wrap in 32 bits.
  for (const uint32_t length :
       {0U, 1U, 2U, 3U, 0x40000000U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    EXPECT_EQ(ScanFrame(Header('Q', length) + "xxxxxxxx", 0xffffffffU, &frame, &whole), Scan::kBad)
        << length;
    EXPECT_EQ(whole, 0U);
  }
  EXPECT_EQ(ScanFrame(Header('Q', 4), 0xffffffffU, &frame), Scan::kFrame);
  EXPECT_EQ(ScanFrame(Header('Q', kMessageBytesLimit), 0xffffffffU, &frame, &whole),
            Scan::kNeedMore);
  EXPECT_EQ(whole, std::size_t{kMessageBytesLimit} + 1);
}

TEST(ScanFrame, HoldsTheCallersLimit) {
  Frame frame;
  EXPECT_EQ(ScanFrame(Header('d', 104) + std::string(100, 'x'), 104, &frame), Scan::kFrame);
  EXPECT_EQ(ScanFrame(Header('d', 105) + std::string(101, 'x'), 104, &frame), Scan::kBad);
  // At once, not when all of it has come.
  EXPECT_EQ(ScanFrame(Header('d', 105), 104, &frame), Scan::kBad);
}

TEST(ScanFrame, TakesAStreamApartAsItWasPutTogether) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string stream;
  std::vector<std::string> sent;
  for (int i = 0; i < 200; i++) {
    std::string message;
    AppendCopyData(message, std::string(random() % 300, static_cast<char>(random())));
    stream += message;
    sent.push_back(std::move(message));
  }
  std::vector<std::string> received;
  std::string buffer;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 64, stream.size() - at);
    buffer.append(stream, at, size);
    at += size;
    Frame frame;
    while (ScanFrame(buffer, kMessageBytesLimit, &frame) == Scan::kFrame) {
      received.emplace_back(frame.whole);
      buffer.erase(0, frame.whole.size());
    }
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(buffer, "");
}

}  // namespace
}  // namespace pgreeve::wire
