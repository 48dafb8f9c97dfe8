// Numbers for tier names, so that the data path counts by position. A name keeps its number as
// long as the process lives; tiers beyond the seventh share the last place, "_other".
// Any thread; a look-up of a known name takes no lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace pgreeve::metrics {

// Position of a tier name.
using TierIndex = std::size_t;
constexpr std::size_t kTiersMax = 8;
constexpr TierIndex kTierOther = kTiersMax - 1;

class TierNames {
 public:
  TierNames() = default;
  ~TierNames();
  TierNames(const TierNames&) = delete;
  TierNames& operator=(const TierNames&) = delete;

  // Learns the name when it is new. An empty name is kTierOther.
  TierIndex IndexOf(std::string_view name);
  // "_other" for kTierOther and positions not given yet.
  std::string_view NameOf(TierIndex index) const;

 private:
  std::array<std::atomic<const std::string*>, kTierOther> names_{};
  std::mutex adding_;
};

}  // namespace pgreeve::metrics
