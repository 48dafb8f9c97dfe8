#include "router/pool/cancel_connection.h"

#include "router/wire/startup.h"

namespace pgreeve::pool {

CancelConnection::CancelConnection(net::Worker& worker)
    : worker_(worker),
      timer_(worker, [this] { on_end_(); }) {}

void CancelConnection::Start(const ShardTarget& target, uint32_t pid, std::string_view secret) {
  const auto fd = net::StartConnect(target.host, target.port);
  if (!fd.ok()) {
    timer_.ArmAfter(absl::ZeroDuration());
    return;
  }
  net::Channel::Handler* const handler = this;
  channel_.emplace(worker_, *fd, handler);
  timer_.ArmAfter(kTimeout);
  channel_->Send(wire::EncodeCancelRequest(pid, secret));
}

void CancelConnection::OnReadable() {
  if (!channel_->Read(worker_.scratch()).closed)
    return;
  timer_.Disarm();
  channel_->Close();
  on_end_();
}

}  // namespace pgreeve::pool
