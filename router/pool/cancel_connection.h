// The short connection that carries one CancelRequest. Ends when the shard closes it, which it does
// after the signal was sent, or after kTimeout.
// Worker thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/functional/any_invocable.h>

#include "router/net/channel.h"
#include "router/pool/shard_target.h"

namespace pgreeve::pool {

class CancelConnection final : private net::Channel::Handler {
 public:
  explicit CancelConnection(net::Worker& worker);
  CancelConnection(const CancelConnection&) = delete;
  CancelConnection& operator=(const CancelConnection&) = delete;

  // Before Start. Called once, from the loop; must not destroy this object.
  void SetOnEnd(absl::AnyInvocable<void()> on_end) { on_end_ = std::move(on_end); }

  void Start(const ShardTarget& target, uint32_t pid, std::string_view secret);

  static constexpr absl::Duration kTimeout = absl::Seconds(1);

 private:
  void OnReadable() override;

  void OnDrained() override {}

  void OnBroken() override { on_end_(); }

  net::Worker& worker_;
  absl::AnyInvocable<void()> on_end_;
  net::Timer timer_;
  std::optional<net::Channel> channel_;
};

}  // namespace pgreeve::pool
