// One non-blocking stream socket on a worker. Reads into memory the caller names; writes at once
// what the kernel takes and keeps the rest. No epoll_ctl while both sides keep up.
// Worker thread only. Owns the descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "router/net/worker.h"

namespace pgreeve::net {

struct ReadResult {
  std::size_t bytes = 0;
  bool closed = false;  // orderly end or error: nothing will come any more
  int error = 0;        // errno when `closed` by an error
};

class Channel final : private EventHandler {
 public:
  class Handler {
   public:
    // Bytes (or the end) wait; call Read once. Level-triggered: called again while bytes remain.
    virtual void OnReadable() = 0;
    // All that was kept has gone out. After CloseAfterDrain: and the channel is closed.
    virtual void OnDrained() = 0;
    // A write failed, or CloseAfterDrain took too long. Called once, from the loop; the channel is
    // already closed.
    virtual void OnBroken() = 0;

   protected:
    ~Handler() = default;
  };

  // Takes over a connected (or connecting) non-blocking descriptor and watches for input.
  Channel(Worker& worker, int fd, Handler* handler);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // One recv. A short read means drained; nothing is probed again.
  ReadResult Read(std::span<char> into);

  // Sends now what the kernel takes; copies the rest and sends it when the socket drains. After a
  // failure it does nothing and OnBroken comes at the end of the turn.
  void Send(std::string_view bytes);
  // The same for two pieces with one system call.
  void Send2(std::string_view first, std::string_view second);

  // Bytes kept because the peer does not read. The owner stops reading its source when this grows
  // beyond its limit, and goes on at OnDrained.
  std::size_t pending_bytes() const { return pending_.size() - pending_at_; }

  // Back-pressure: stop and resume OnReadable. Idempotent.
  void PauseReading();
  void ResumeReading();

  // Closes the descriptor now; pending bytes are lost; no call follows. Idempotent.
  void Close();
  // Stops reading and closes once pending bytes are out (at once, without a call, when there are
  // none; else OnDrained) or when kDrainTimeout has passed (OnBroken).
  void CloseAfterDrain();

  bool is_open() const { return fd_ >= 0; }

  int fd() const { return fd_; }

  // errno of the write that broke the channel; 0 when none did.
  int error() const { return error_; }

  static constexpr absl::Duration kDrainTimeout = absl::Seconds(5);

 private:
  void OnEvents(uint32_t epoll_events) override;
  // What the kernel takes now of both pieces; SIZE_MAX after a failure.
  std::size_t SendNow(std::string_view first, std::string_view second);
  void Keep(std::string_view bytes);
  void FlushPending();
  void UpdateInterest();
  void Fail(int error);
  void CloseDescriptor();
  void EndAfterDrain();

  Worker& worker_;
  int fd_;
  int error_ = 0;
  Handler* handler_;
  std::string pending_;
  std::size_t pending_at_ = 0;
  std::unique_ptr<Timer> end_timer_;  // only while failing or closing
  uint32_t watched_ = 0;
  bool parked_ = false;  // out of epoll: the peer hung up while reading is paused
  bool reading_ = true;
  bool failed_ = false;
  bool closing_ = false;
};

// Starts a TCP (TCP_NODELAY, keepalive) or Unix-socket connection ("/dir" + port → .s.PGSQL.port).
// The descriptor becomes writable when connected; SO_ERROR tells. `host` must be an address or a
// path: names are resolved elsewhere. Errors: 08001.
absl::StatusOr<int> StartConnect(const std::string& host, uint16_t port);

}  // namespace pgreeve::net
