// Log-linear histogram of whole numbers (microseconds, rows, shards): 32 buckets to each power of
// two, so a value is known to 3 %. One thread records; any thread reads. 7 KB.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "router/metrics/cell.h"

namespace pgreeve::metrics {

class Histogram {
 public:
  // Values at or above 2^kBitsMax (71 minutes in microseconds) land in the last bucket.
  static constexpr int kBitsMax = 32;
  static constexpr int kSubBits = 5;
  static constexpr std::size_t kBuckets =
      (std::size_t{1} << (kSubBits + 1)) + (kBitsMax - kSubBits - 1) * (std::size_t{1} << kSubBits);

  // Cost: 2 ns.
  void Record(uint64_t value) {
    buckets_[BucketOf(value)].Add();
    sum_.Add(value);
  }

  uint64_t sum() const { return sum_.value(); }

  uint64_t count_in(std::size_t bucket) const { return buckets_[bucket].value(); }

  static constexpr std::size_t BucketOf(uint64_t value) {
    if (value < (uint64_t{1} << (kSubBits + 1)))
      return static_cast<std::size_t>(value);
    if (value >= (uint64_t{1} << kBitsMax))
      return kBuckets - 1;
    const int shift = static_cast<int>(std::bit_width(value)) - kSubBits - 1;
    return static_cast<std::size_t>(shift) * (std::size_t{1} << kSubBits) +
           static_cast<std::size_t>(value >> shift);
  }

  // The smallest value that lands in `bucket`.
  static constexpr uint64_t LowerBound(std::size_t bucket) {
    constexpr std::size_t kSub = std::size_t{1} << kSubBits;
    if (bucket < 2 * kSub)
      return bucket;
    const std::size_t shift = bucket / kSub - 1;
    return static_cast<uint64_t>(bucket % kSub + kSub) << shift;
  }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

// A histogram that takes its memory at the first value. The recording thread creates it.
class LazyHistogram {
 public:
  LazyHistogram() = default;

  ~LazyHistogram() { delete histogram_.load(std::memory_order_relaxed); }

  LazyHistogram(const LazyHistogram&) = delete;
  LazyHistogram& operator=(const LazyHistogram&) = delete;

  void Record(uint64_t value) {
    Histogram* histogram = histogram_.load(std::memory_order_relaxed);
    if (histogram == nullptr) [[unlikely]] {
      histogram = new Histogram;
      histogram_.store(histogram, std::memory_order_release);
    }
    histogram->Record(value);
  }

  // Null: nothing was recorded.
  const Histogram* get() const { return histogram_.load(std::memory_order_acquire); }

 private:
  std::atomic<Histogram*> histogram_{nullptr};
};

}  // namespace pgreeve::metrics
