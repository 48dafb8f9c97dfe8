#include "router/net/listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "router/base/status.h"

namespace pgreeve::net {
namespace {

absl::Status ListenError(const SocketAddress& address, int error) {
  return SqlStatus(error == EADDRINUSE ? "55006" : "08001",
                   "cannot listen on " + address.ToString(),
                   std::strerror(error));
}

// A file that a killed process left refuses connections; a living listener accepts them.
void RemoveStaleSocket(const SocketAddress& address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return;
  if (connect(probe, address.get(), address.size()) != 0 && errno == ECONNREFUSED)
    unlink(address.path().c_str());
  close(probe);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Start(Worker& worker,
                                                          const ListenOptions& options,
                                                          OnAccept on_accept) {
  const auto address = SocketAddress::Parse(options.host, options.port);
  if (!address.ok())
    return address.status();
  const int fd = socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return ListenError(*address, errno);
  const int on = 1;
  const bool local = address->family() == AF_UNIX;
  if (local)
    RemoveStaleSocket(*address);
  else
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (!local && options.reuse_port)
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  if (bind(fd, address->get(), address->size()) != 0 || listen(fd, options.backlog) != 0) {
    const int error = errno;
    close(fd);
    return ListenError(*address, error);
  }
  if (local)
    chmod(address->path().c_str(), options.unix_mode);
  return std::unique_ptr<Listener>(new Listener(worker, fd, std::move(on_accept)));
}

Listener::Listener(Worker& worker, int fd, OnAccept on_accept)
    : worker_(worker),
      fd_(fd),
      address_(SocketAddress::OfSocket(fd)),
      on_accept_(std::move(on_accept)),
      resume_(worker, [this] { worker_.Rewatch(fd_, EPOLLIN, this); }) {
  worker_.Watch(fd_, EPOLLIN, this);
}

Listener::~Listener() {
  worker_.Unwatch(fd_, this);
  close(fd_);
  if (const std::string path = address_.path(); !path.empty())
    unlink(path.c_str());
}

void Listener::Pause() {
  worker_.Rewatch(fd_, 0, this);
  resume_.ArmAfter(kExhaustedPause);
}

void Listener::OnEvents(uint32_t /*epoll_events*/) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    SocketAddress peer;
    const int fd = SocketAddress::Accept(fd_, peer);
    if (fd >= 0) {
      SetStreamOptions(fd, address_.family());
      on_accept_(fd, peer);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      Pause();
    // A connection that was reset while it waited is no reason to stop.
    if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

}  // namespace pgreeve::net
