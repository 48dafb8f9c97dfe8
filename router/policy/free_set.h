// The backends of one shard and role that lie idle, in the order in which they came back. Few
// (tens), so a scan over one small array beats any index. Pure.
//
// A binding is a number that stands for (tenant, settings); 0 is a backend that carries neither.
// Numbers may collide: the caller compares what they stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/time/time.h>

namespace pgreeve::policy {

template <class T>
class FreeSet {
 public:
  struct Entry {
    uint64_t binding;
    T* item;
    absl::Duration since;
  };

  void Add(T* item, uint64_t binding, absl::Duration now) {
    entries_.push_back({binding, item, now});
    bound_ += binding != 0 ? 1 : 0;
  }

  // The one that came back last, of this binding and for which `match` holds: its caches are warm,
  // and the others grow old enough to be unbound or closed. Null: none.
  template <class Match>
  T* Take(uint64_t binding, Match match) {
    for (std::size_t i = entries_.size(); i-- > 0;) {
      if (entries_[i].binding == binding && match(*entries_[i].item))
        return Erase(i);
    }
    return nullptr;
  }

  T* TakeBlank() {
    return Take(0, [](const T&) { return true; });
  }

  // The bound one that has been idle longest. Null: none.
  T* TakeOldestBound() {
    for (std::size_t i = 0; bound_ > 0 && i < entries_.size(); ++i) {
      if (entries_[i].binding != 0)
        return Erase(i);
    }
    return nullptr;
  }

  // The one that has been idle longest. Null: none.
  T* TakeOldest() { return entries_.empty() ? nullptr : Erase(0); }

  // False when it is not in here.
  bool Remove(const T* item) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].item == item) {
        Erase(i);
        return true;
      }
    }
    return false;
  }

  // Longest idle first.
  const std::vector<Entry>& entries() const { return entries_; }

  std::size_t size() const { return entries_.size(); }

  bool empty() const { return entries_.empty(); }

  std::size_t bound() const { return bound_; }

 private:
  T* Erase(std::size_t index) {
    T* const item = entries_[index].item;
    bound_ -= entries_[index].binding != 0 ? 1 : 0;
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
    return item;
  }

  std::vector<Entry> entries_;
  std::size_t bound_ = 0;
};

}  // namespace pgreeve::policy
