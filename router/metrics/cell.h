// The two kinds of number a slot holds. One thread writes a cell; any thread may read it. A plain
// load and store (relaxed) instead of a locked add: about 1 ns.
#pragma once

#include <atomic>
#include <cstdint>

namespace pgreeve::metrics {

// Only rises.
class Counter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  // Takes over a total that somebody else counts.
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }

  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Rises and falls.
class Gauge {
 public:
  void Add(int64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  void Set(int64_t n) { value_.store(n, std::memory_order_relaxed); }

  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

}  // namespace pgreeve::metrics
