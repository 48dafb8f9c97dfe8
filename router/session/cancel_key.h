// The process number that a client gets in BackendKeyData: it names the worker, so that a
// CancelRequest, which comes over another connection, finds its session. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "router/base/bytes.h"

namespace pgreeve::session {

constexpr uint32_t kWorkerBits = 8;  // 256 workers; the sign bit stays clear for drivers

// `random` has at least 4 bytes.
inline uint32_t MakeCancelPid(uint32_t worker, std::string_view random) {
  const uint32_t number = ReadUint32(random.data()) >> (kWorkerBits + 1);
  return worker << (31 - kWorkerBits) | (number == 0 ? 1 : number);
}

inline uint32_t WorkerOfCancelPid(uint32_t pid) {
  return pid >> (31 - kWorkerBits);
}

}  // namespace pgreeve::session
