// A node as its superuser: makes shard databases and installs schema pgreeve in them. Blocking; one
// thread at a time. Only the rebalancer and pgreevectl use it; routers never hold these DSNs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/base/ids.h"
#include "router/base/table_set.h"
#include "router/base/tenant_id.h"
#include "router/catalog/placement.h"
#include "router/metastore/rows.h"
#include "router/pqlink/connection.h"

namespace pgreeve::metastore {

struct ShardInstall {
  ShardId shard;
  TenantType tenant_type = TenantType::kUuid;
  uint64_t shard_epoch = 0;
  int32_t token_kid = 0;
  std::string token_key;
  std::array<catalog::BackendRole, catalog::kRoleClasses> roles;  // fixed names, see RoleName
};

// The role names that shard_schema.sql makes: pgreeve_app, pgreeve_operator, pgreeve_ddl.
std::string_view RoleName(catalog::RoleClass role);

using pqlink::WithDatabase;

struct Finding {
  std::string severity;  // error, warning
  std::string object;
  std::string finding;
};

class ShardClient {
 public:
  // `dsn`: superuser, any database of the node for CreateShardDatabase, the shard's own for the
  // rest.
  static absl::StatusOr<std::unique_ptr<ShardClient>> Open(
      const std::string& dsn, const pqlink::ConnectOptions& options = {});

  pqlink::Connection& connection() { return *connection_; }

  // An empty UTF8 database from template0. True: made; false: it was there already.
  absl::StatusOr<bool> CreateShardDatabase(std::string_view database);
  // Roles, schema pgreeve, key, shard_state; safe to repeat (keeps routes, raises nothing that is
  // newer, adds the key beside older ones).
  absl::Status InstallShardSchema(const ShardInstall& install);
  // After a promotion: attach() accepts the timeline that the server is on now.
  absl::Status ReassertTimeline();
  absl::Status SetShardEpoch(uint64_t shard_epoch, uint64_t min_epoch);

  // Runs `sql` as the owner role (pgreeve_ddl), in one transaction where its statements allow it.
  absl::Status ApplyDdl(std::string_view sql);
  // Runs those of `journal` that this shard has not run yet; returns the number of the last one.
  absl::StatusOr<int64_t> ReplayDdl(std::span<const SchemaDdl> journal);
  // Row security and grants for a sharded table, read grants for a reference table.
  absl::Status ProtectTable(const TableFact& table);

  // Findings of pgreeve.check(): what would let one tenant see another's rows.
  absl::StatusOr<std::vector<Finding>> Check();

 private:
  explicit ShardClient(std::unique_ptr<pqlink::Connection> connection)
      : connection_(std::move(connection)) {}

  std::unique_ptr<pqlink::Connection> connection_;
};

// The statements that InstallShardSchema runs, for tests and for installing by hand.
std::string ShardSchemaScript(TenantType type);

}  // namespace pgreeve::metastore
