// Keeps a router's placement current: follows the catalog's change log, keeps the last-known-good
// snapshot file, renews the router's lease, and runs catalog jobs for sessions and the console. Two
// threads of its own (one follows, one runs jobs); no Asio. Its methods may be called on any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "router/catalog/placement.h"
#include "router/metastore/catalog_client.h"

namespace pgreeve::metastore {

struct FollowerOptions {
  std::string catalog_dsn;    // several hosts: add target_session_attrs=read-write
  std::string snapshot_path;  // empty: no file
  std::string seal_key;       // catalog::kSealKeyBytes; see catalog::SealKeyFromText
  absl::Duration snapshot_age_max = absl::Hours(24);
  absl::Duration poll_interval = absl::Seconds(1);
  absl::Duration lease = absl::Seconds(10);  // renewed at a third of it
  absl::Duration connect_timeout = absl::Seconds(3);
  absl::Duration statement_timeout = absl::Seconds(10);
  std::size_t jobs_max = 1000;  // waiting; more are refused with 53400
  // Register and renew a lease under this name; empty: none (tools).
  std::string router_name;
  uint64_t incarnation = 0;
  std::string address;
  std::string http_address;
};

struct FollowerStatus {
  bool catalog_up = false;     // the last exchange with the catalog succeeded
  bool from_snapshot = false;  // the placement in use came from the file
  bool leased = false;         // this router's lease runs, by the catalog's last answer
  Epoch epoch;
  absl::Time confirmed_at;     // when the placement in use was last known to be the newest
  std::string error;           // of the last failed exchange; empty when catalog_up
  std::string snapshot_error;  // of the last snapshot that could not be written
};

class Follower {
 public:
  // Called with each new version, in order, on one of the follower's threads; must not block and
  // must not call Submit's job queue synchronously.
  using Publish = std::function<void(std::shared_ptr<const catalog::Placement>)>;
  using Job = absl::AnyInvocable<absl::Status(CatalogClient&)>;
  using Done = absl::AnyInvocable<void(absl::Status)>;

  Follower(FollowerOptions options, Publish publish);
  ~Follower();  // Stop()
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Loads from the catalog, or else from the snapshot file, publishes, then starts the threads.
  // Errors: neither was possible; nothing runs then, Start may be called again.
  absl::Status Start();
  // Ends both threads. Jobs that had not begun get Done(57P01). Idempotent.
  void Stop();

  std::shared_ptr<const catalog::Placement> Current() const;
  FollowerStatus Status() const;

  // Runs `job` on the job thread with a connection of its own, then `done` on the same thread with
  // the job's status (08001 when the catalog cannot be reached). A job that is refused (53400 when
  // jobs_max wait, 57P01 when not running) gets its Done on the calling thread, inside this call.
  // When the job changed placement, the version that contains the change has been published before
  // `done` runs. `done` may be null; it usually posts to the worker that asked.
  void Submit(Job job, Done done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A number that no earlier start of this router had, for FollowerOptions::incarnation.
uint64_t NewIncarnation();

}  // namespace pgreeve::metastore
