#include "router/metastore/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/catalog/snapshot.h"

namespace pgreeve::metastore {
namespace {

absl::Status FileError(const std::string& what, const std::string& path) {
  return SqlStatus("58030", what + " " + path + ": " + std::strerror(errno));
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR)
      return false;
    if (written > 0)
      bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

absl::Status SnapshotFile::Write(const catalog::Placement& placement, absl::Time now) {
  if (path_.empty())
    return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string bytes,
                   catalog::SerialiseSnapshot(placement, seal_key_, absl::ToUnixSeconds(now)));
  const std::string next = path_ + ".new";
  unlink(next.c_str());  // a file that somebody else may have opened is not written to
  const int fd = open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0)
    return FileError("cannot create", next);
  const bool written = WriteAll(fd, bytes) && fsync(fd) == 0;
  if (close(fd) != 0 || !written)
    return FileError("cannot write", next);
  if (std::rename(next.c_str(), path_.c_str()) != 0)
    return FileError("cannot replace", path_);
  return absl::OkStatus();
}

absl::StatusOr<SnapshotFile::Stored> SnapshotFile::Read(absl::Time now,
                                                        absl::Duration age_max) const {
  std::ifstream file(path_, std::ios::binary);
  if (path_.empty() || !file)
    return SqlStatus("58P01", "there is no snapshot file " + path_);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSIGN_OR_RETURN(catalog::Snapshot snapshot, catalog::ParseSnapshot(bytes, seal_key_));
  const absl::Time written_at = absl::FromUnixSeconds(snapshot.written_at_unix);
  if (now - written_at > age_max)
    return SqlStatus("55000",
                     "the snapshot file " + path_ + " is older than its maximum age",
                     "Written at " + absl::FormatTime(written_at, absl::UTCTimeZone()) + ".");
  return Stored{std::move(snapshot.placement), written_at};
}

}  // namespace pgreeve::metastore
