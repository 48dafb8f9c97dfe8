#include "router/net/channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "router/base/status.h"
#include "router/net/socket_address.h"

namespace pgreeve::net {
namespace {

constexpr std::size_t kFailed = std::numeric_limits<std::size_t>::max();
// Pending bytes already sent are cut off the front when they are more than this.
constexpr std::size_t kCompactBytes = 256 * 1024;
// Input thrown away before closing, so that the kernel's reset does not overtake our last words.
constexpr int kDiscardRoundsMax = 16;

void Discard(int fd) {
  std::array<char, 4096> hole;
  for (int i = 0; i < kDiscardRoundsMax; ++i) {
    if (recv(fd, hole.data(), hole.size(), MSG_DONTWAIT) <= 0)
      return;
  }
}

}  // namespace

Channel::Channel(Worker& worker, int fd, Handler* handler)
    : worker_(worker),
      fd_(fd),
      handler_(handler),
      watched_(EPOLLIN) {
  worker_.Watch(fd_, watched_, this);
}

Channel::~Channel() {
  Close();
}

ReadResult Channel::Read(std::span<char> into) {
  if (fd_ < 0)
    return {.bytes = 0, .closed = true};
  while (true) {
    const ssize_t got = recv(fd_, into.data(), into.size(), 0);
    if (got > 0)
      return {.bytes = static_cast<std::size_t>(got)};
    if (got == 0)
      return {.bytes = 0, .closed = true};
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return {};
    if (errno != EINTR)
      return {.bytes = 0, .closed = true, .error = errno};
  }
}

std::size_t Channel::SendNow(std::string_view first, std::string_view second) {
  std::array<iovec, 2> pieces = {iovec{const_cast<char*>(first.data()), first.size()},
                                 iovec{const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  while (true) {
    const ssize_t sent = second.empty() ? send(fd_, first.data(), first.size(), MSG_NOSIGNAL)
                                        : sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0)
      return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return 0;
    if (errno != EINTR) {
      Fail(errno);
      return kFailed;
    }
  }
}

void Channel::Keep(std::string_view bytes) {
  if (pending_at_ > kCompactBytes) {
    pending_.erase(0, pending_at_);
    pending_at_ = 0;
  }
  pending_.append(bytes);
}

void Channel::Send(std::string_view bytes) {
  Send2(bytes, {});
}

void Channel::Send2(std::string_view first, std::string_view second) {
  if (fd_ < 0 || closing_)
    return;
  if (pending_.empty()) {
    if (first.empty())
      std::swap(first, second);
    if (first.empty())
      return;
    const std::size_t sent = SendNow(first, second);
    if (sent == kFailed || sent == first.size() + second.size())
      return;
    const std::size_t of_first = std::min(sent, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(sent - of_first);
  }
  Keep(first);
  Keep(second);
  UpdateInterest();
}

void Channel::FlushPending() {
  const std::size_t sent = SendNow(std::string_view(pending_).substr(pending_at_), {});
  if (sent == kFailed)
    return;
  pending_at_ += sent;
  if (pending_at_ < pending_.size())
    return;
  std::string().swap(pending_);
  pending_at_ = 0;
  if (closing_)
    EndAfterDrain();
  else
    UpdateInterest();
  handler_->OnDrained();  // may destroy this channel
}

void Channel::OnEvents(uint32_t epoll_events) {
  const bool over = (epoll_events & (EPOLLERR | EPOLLHUP)) != 0;
  // One call on the handler per event, as it may destroy this channel; what else is ready comes
  // again in the next turn.
  if (!pending_.empty() && (over || (epoll_events & EPOLLOUT) != 0)) {
    FlushPending();
    return;
  }
  if (reading_) {
    handler_->OnReadable();
    return;
  }
  if (over) {
    // Nobody wants input and the kernel would report the end in every turn. What the peer sent
    // last is read when reading goes on.
    worker_.Unwatch(fd_, this);
    parked_ = true;
  }
}

void Channel::UpdateInterest() {
  if (fd_ < 0)
    return;
  const uint32_t wanted =
      (reading_ ? EPOLLIN : 0U) | (pending_.empty() ? 0U : static_cast<uint32_t>(EPOLLOUT));
  if (parked_) {
    if (wanted == 0)
      return;
    worker_.Watch(fd_, wanted, this);
    parked_ = false;
  } else if (wanted != watched_) {
    worker_.Rewatch(fd_, wanted, this);
  }
  watched_ = wanted;
}

void Channel::PauseReading() {
  reading_ = false;
  UpdateInterest();
}

void Channel::ResumeReading() {
  if (closing_)
    return;
  reading_ = true;
  UpdateInterest();
}

void Channel::Fail(int error) {
  CloseDescriptor();
  if (failed_)
    return;
  failed_ = true;
  error_ = error;
  end_timer_ = std::make_unique<Timer>(worker_, [this] { handler_->OnBroken(); });
  end_timer_->ArmAfter(absl::ZeroDuration());
}

void Channel::Close() {
  CloseDescriptor();
  end_timer_.reset();
}

void Channel::CloseDescriptor() {
  if (fd_ < 0)
    return;
  if (!parked_)
    worker_.Unwatch(fd_, this);
  close(fd_);
  fd_ = -1;
  std::string().swap(pending_);
  pending_at_ = 0;
}

void Channel::CloseAfterDrain() {
  if (fd_ < 0 || closing_)
    return;
  closing_ = true;
  reading_ = false;
  if (pending_.empty()) {
    EndAfterDrain();
    return;
  }
  UpdateInterest();
  end_timer_ = std::make_unique<Timer>(worker_, [this] { Fail(ETIMEDOUT); });
  end_timer_->ArmAfter(kDrainTimeout);
}

void Channel::EndAfterDrain() {
  shutdown(fd_, SHUT_WR);
  Discard(fd_);
  Close();
}

absl::StatusOr<int> StartConnect(const std::string& host, uint16_t port) {
  const auto address = SocketAddress::Parse(host, port);
  if (!address.ok())
    return address.status();
  const int fd = socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return SqlStatus("08001", "cannot make a socket", std::strerror(errno));
  SetStreamOptions(fd, address->family());
  if (connect(fd, address->get(), address->size()) == 0 || errno == EINPROGRESS)
    return fd;
  const int error = errno;
  close(fd);
  return SqlStatus("08001", "cannot connect to " + address->ToString(), std::strerror(error));
}

}  // namespace pgreeve::net
