#include "router/net/timer_heap.h"

#include "router/net/worker.h"

namespace pgreeve::net {

void TimerHeap::Place(std::size_t index, const Entry& entry) {
  entries_[index] = entry;
  entry.timer->id_ = index + 1;
}

void TimerHeap::SiftUp(std::size_t index) {
  const Entry entry = entries_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!entry.Before(entries_[parent]))
      break;
    Place(index, entries_[parent]);
    index = parent;
  }
  Place(index, entry);
}

void TimerHeap::SiftDown(std::size_t index) {
  const Entry entry = entries_[index];
  const std::size_t size = entries_.size();
  while (true) {
    std::size_t child = index * 2 + 1;
    if (child >= size)
      break;
    if (child + 1 < size && entries_[child + 1].Before(entries_[child]))
      ++child;
    if (!entries_[child].Before(entry))
      break;
    Place(index, entries_[child]);
    index = child;
  }
  Place(index, entry);
}

void TimerHeap::Arm(Timer* timer, absl::Duration at) {
  const Entry entry{at, next_number_++, timer};
  if (timer->id_ == 0) {
    entries_.push_back(entry);
    SiftUp(entries_.size() - 1);
    return;
  }
  const std::size_t index = timer->id_ - 1;
  const bool earlier = entry.Before(entries_[index]);
  entries_[index] = entry;
  if (earlier)
    SiftUp(index);
  else
    SiftDown(index);
}

void TimerHeap::Disarm(Timer* timer) {
  if (timer->id_ == 0)
    return;
  const std::size_t index = timer->id_ - 1;
  timer->id_ = 0;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (index == entries_.size())
    return;
  const bool earlier = last.Before(entries_[index]);
  entries_[index] = last;
  if (earlier)
    SiftUp(index);
  else
    SiftDown(index);
}

Timer* TimerHeap::PopDue(absl::Duration now, uint64_t before) {
  if (entries_.empty())
    return nullptr;
  const Entry first = entries_.front();
  if (first.at > now || first.number >= before)
    return nullptr;
  Disarm(first.timer);
  return first.timer;
}

}  // namespace pgreeve::net
