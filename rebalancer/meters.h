// What the rebalancer counts, and its Prometheus page. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/time/time.h>

namespace pgreeve::rebalancer {

class Meters {
 public:
  // `id` is a label of rebalancer_info.
  explicit Meters(const std::string& id);
  ~Meters();
  Meters(const Meters&) = delete;
  Meters& operator=(const Meters&) = delete;

  void Leading(bool leading);
  void CatalogUp(bool up);
  void DutyRound(std::string_view duty, absl::Duration took, bool ok);
  void ShardCreated();
  void ShardFailed();
  void TenantsMeasured(int64_t tenants, int64_t bytes, int64_t shards);
  void ShardUnmeasured();
  void OrphanResolved(bool commit);
  void InDoubt(int64_t transactions);
  void NodesUp(int64_t up, int64_t down);

  // The text format, version 0.0.4.
  std::string Page() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgreeve::rebalancer
