// The last-known-good placement on disk: 0600, replaced by rename, so that a reader finds the old
// version or the new one. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "router/catalog/placement.h"

namespace pgreeve::metastore {

class SnapshotFile {
 public:
  // An empty path: Write does nothing, Read fails with 58P01.
  SnapshotFile(std::string path, std::string seal_key)
      : path_(std::move(path)),
        seal_key_(std::move(seal_key)) {}

  absl::Status Write(const catalog::Placement& placement, absl::Time now);

  struct Stored {
    std::shared_ptr<const catalog::Placement> placement;
    absl::Time written_at;
  };

  // Errors: 58P01 no file; 55000 older than `age_max`; those of catalog::ParseSnapshot.
  absl::StatusOr<Stored> Read(absl::Time now, absl::Duration age_max) const;

 private:
  std::string path_;
  std::string seal_key_;
};

}  // namespace pgreeve::metastore
