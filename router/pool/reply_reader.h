// Cuts what a backend sends into messages while the router itself is spoken to (login, attach,
// bind, unbind), however the bytes are split. Copies only what is left of an unfinished message.
// Worker thread of its owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "router/wire/frame.h"

namespace pgreeve::pool {

// No answer to the router's own few statements is longer; a shard is not trusted with our memory.
constexpr uint32_t kOwnReplyBytesMax = 64 * 1024;

class ReplyReader {
 public:
  // `bytes` must stay valid until Next says kNeedMore or TakeRest is called.
  void Feed(std::string_view bytes) {
    if (kept_.empty()) {
      unread_ = bytes;
      return;
    }
    kept_.append(bytes);
    unread_ = kept_;
  }

  // The frame is valid until the next call on this object.
  wire::Scan Next(wire::Frame* frame) {
    const wire::Scan scan = wire::ScanFrame(unread_, kOwnReplyBytesMax, frame);
    if (scan == wire::Scan::kFrame)
      unread_.remove_prefix(frame->whole.size());
    else if (scan == wire::Scan::kNeedMore)
      kept_ = std::string(std::exchange(unread_, {}));  // a copy first: it may point into kept_
    return scan;
  }

  // What follows the last frame, for somebody else; valid as long as `keep` and what was fed.
  std::string_view TakeRest(std::string& keep) {
    keep = std::exchange(kept_, {});
    if (keep.empty())
      return std::exchange(unread_, {});
    const std::size_t size = std::exchange(unread_, {}).size();
    return std::string_view(keep).substr(keep.size() - size);
  }

 private:
  std::string kept_;
  std::string_view unread_;
};

}  // namespace pgreeve::pool
