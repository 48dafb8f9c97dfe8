#include "router/metrics/slots.h"

namespace pgreeve::metrics {
namespace {

constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// -1: not a character of a SQLSTATE.
int DigitOf(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'A' && c <= 'Z')
    return c - 'A' + 10;
  return -1;
}

}  // namespace

Slots::Slots() = default;

Slots::~Slots() {
  for (auto& shard : shards_)
    delete shard.load(std::memory_order_relaxed);
}

ShardSlots& Slots::NewShard(std::size_t index) {
  auto* slots = new ShardSlots;
  shards_[index].store(slots, std::memory_order_release);
  return *slots;
}

void Slots::ParseCache(const CacheTotals& totals) {
  cache_hits.Set(totals.hits);
  cache_misses.Set(totals.misses);
  cache_evictions.Set(totals.evictions);
  cache_entries.Set(static_cast<int64_t>(totals.entries));
  cache_bytes.Set(static_cast<int64_t>(totals.bytes));
}

void Slots::Tick() {
  loop_lag_microseconds.Set(static_cast<int64_t>(Microseconds(longest_turn_)));
  longest_turn_ = absl::ZeroDuration();
  tenants.Offer();
}

std::size_t Slots::SqlstateClass(std::string_view sqlstate) {
  const int high = sqlstate.size() == 5 ? DigitOf(sqlstate[0]) : -1;
  const int low = sqlstate.size() == 5 ? DigitOf(sqlstate[1]) : -1;
  if (high < 0 || low < 0)
    return SqlstateClass("XX000");
  return static_cast<std::size_t>(high) * 36 + static_cast<std::size_t>(low);
}

void Slots::SqlstateText(std::size_t index, char (&out)[3]) {
  out[0] = kDigits[index / 36];
  out[1] = kDigits[index % 36];
  out[2] = '\0';
}

}  // namespace pgreeve::metrics
