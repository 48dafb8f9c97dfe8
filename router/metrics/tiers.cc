#include "router/metrics/tiers.h"

namespace pgreeve::metrics {

TierNames::~TierNames() {
  for (auto& name : names_)
    delete name.load(std::memory_order_relaxed);
}

TierIndex TierNames::IndexOf(std::string_view name) {
  if (name.empty())
    return kTierOther;
  for (TierIndex i = 0; i < kTierOther; ++i) {
    const std::string* known = names_[i].load(std::memory_order_acquire);
    if (known == nullptr)
      break;
    if (*known == name)
      return i;
  }
  const std::lock_guard lock(adding_);
  for (TierIndex i = 0; i < kTierOther; ++i) {
    const std::string* known = names_[i].load(std::memory_order_relaxed);
    if (known == nullptr) {
      names_[i].store(new std::string(name), std::memory_order_release);
      return i;
    }
    if (*known == name)
      return i;
  }
  return kTierOther;
}

std::string_view TierNames::NameOf(TierIndex index) const {
  const std::string* name =
      index < kTierOther ? names_[index].load(std::memory_order_acquire) : nullptr;
  return name == nullptr ? std::string_view("_other") : std::string_view(*name);
}

}  // namespace pgreeve::metrics
