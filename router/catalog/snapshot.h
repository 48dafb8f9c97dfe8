// A placement as bytes, for the last-known-good file that lets a router start and serve while the
// catalog is down. Versioned, length-checked, with a checksum at the end; passwords of backend
// roles and token keys are sealed (seal.h), login verifiers are not secrets of that kind. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "router/catalog/placement.h"

namespace pgreeve::catalog {

struct Snapshot {
  std::shared_ptr<Placement> placement;
  int64_t written_at_unix = 0;
};

// `seal_key`: kSealKeyBytes (seal.h). Cost: linear in the number of tenants.
absl::StatusOr<std::string> SerialiseSnapshot(const Placement& placement,
                                              std::string_view seal_key,
                                              int64_t written_at_unix);

// Input is untrusted: never crashes, never allocates more than a small multiple of `bytes`.
// Errors: 22023 for a file that is torn, changed, or of another version; 28000 for another key.
absl::StatusOr<Snapshot> ParseSnapshot(std::string_view bytes, std::string_view seal_key);

// The same without the checksum, so that tests and fuzzers reach the parser behind it.
absl::StatusOr<Snapshot> ParseSnapshotBody(std::string_view body, std::string_view seal_key);

}  // namespace pgreeve::catalog
