#include "router/catalog/snapshot.h"

#include <utility>

#include "router/base/bytes.h"
#include "router/base/stable_hash.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/catalog/seal.h"

namespace pgreeve::catalog {
namespace {

constexpr std::string_view kMagic = "pgreeve snapshot";
constexpr uint32_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 8;

absl::Status Torn() {
  return SqlStatus("22023", "the snapshot is no pgreeve snapshot of this version, or damaged");
}

class Writer {
 public:
  void Byte(uint8_t value) { out.push_back(static_cast<char>(value)); }

  void Int(uint32_t value) { AppendUint32(out, value); }

  void Int(int32_t value) { AppendUint32(out, static_cast<uint32_t>(value)); }

  void Long(uint64_t value) { AppendUint64(out, value); }

  void Long(int64_t value) { AppendUint64(out, static_cast<uint64_t>(value)); }

  void Text(std::string_view text) {
    Int(static_cast<uint32_t>(text.size()));
    out += text;
  }

  std::string out;
};

// Reads zeros and empty texts past the end, and remembers that it did.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  uint8_t Byte() {
    const std::string_view bytes = Take(1);
    return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
  }

  uint32_t Int() {
    const std::string_view bytes = Take(4);
    return bytes.empty() ? 0 : ReadUint32(bytes.data());
  }

  int32_t Signed() { return static_cast<int32_t>(Int()); }

  uint64_t Long() {
    const std::string_view bytes = Take(8);
    return bytes.empty() ? 0 : ReadUint64(bytes.data());
  }

  std::string Text() { return std::string(Take(Int())); }

  // How many elements follow: no more than there are bytes for, at `bytes_min` each.
  uint32_t Count(std::size_t bytes_min) {
    const uint32_t count = Int();
    if (count > rest_.size() / bytes_min)
      failed_ = true;
    return failed_ ? 0 : count;
  }

  // An enumerator below `values`.
  template <class E>
  E Enum(uint8_t values) {
    const uint8_t value = Byte();
    if (value >= values)
      failed_ = true;
    return static_cast<E>(failed_ ? 0 : value);
  }

  bool failed() const { return failed_; }

  void Fail() { failed_ = true; }

  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view Take(std::size_t bytes) {
    if (failed_ || bytes > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

void WriteShard(Writer& to, const ShardInfo& shard) {
  to.Int(shard.id.value);
  to.Text(shard.name);
  to.Int(shard.node.value);
  to.Text(shard.host);
  to.Int(uint32_t{shard.port});
  to.Text(shard.database);
  to.Text(shard.tier);
  to.Text(shard.region);
  to.Byte(static_cast<uint8_t>(shard.state));
  to.Int(shard.backends_max);
  to.Long(shard.shard_epoch);
  to.Int(shard.token_kid);
}

ShardInfo ReadShard(Reader& from) {
  ShardInfo shard;
  shard.id.value = from.Signed();
  shard.name = from.Text();
  shard.node.value = from.Signed();
  shard.host = from.Text();
  shard.port = static_cast<uint16_t>(from.Int());
  shard.database = from.Text();
  shard.tier = from.Text();
  shard.region = from.Text();
  shard.state = from.Enum<ShardState>(4);
  shard.backends_max = from.Signed();
  shard.shard_epoch = from.Long();
  shard.token_kid = from.Signed();
  return shard;
}

// A tenant id as a type-independent text; empty: none.
TenantId ReadTenantId(Reader& from, TenantType type) {
  const std::string text = from.Text();
  if (text.empty())
    return {};
  auto id = TenantId::FromText(type, text);
  if (!id.ok()) {
    from.Fail();
    return {};
  }
  return *std::move(id);
}

std::string TextOf(const TenantId& id) {
  return id.empty() ? std::string() : id.Text();
}

void WriteLogin(Writer& to, const LoginInfo& login) {
  to.Text(login.name);
  to.Byte(static_cast<uint8_t>(login.scope));
  to.Text(login.verifier);
  to.Text(TextOf(login.tenant));
  to.Byte(static_cast<uint8_t>(login.isolated ? 1 : 0));
  to.Byte(static_cast<uint8_t>(login.provision ? 1 : 0));
  to.Text(login.provision_tier);
  to.Text(login.provision_region);
  to.Int(login.connections_max);
  to.Byte(static_cast<uint8_t>(login.superadmin ? 1 : 0));
}

LoginInfo ReadLogin(Reader& from, TenantType type) {
  LoginInfo login;
  login.name = from.Text();
  login.scope = from.Enum<LoginScope>(3);
  login.verifier = from.Text();
  login.tenant = ReadTenantId(from, type);
  login.isolated = from.Enum<uint8_t>(2) != 0;
  login.provision = from.Enum<uint8_t>(2) != 0;
  login.provision_tier = from.Text();
  login.provision_region = from.Text();
  login.connections_max = from.Signed();
  login.superadmin = from.Enum<uint8_t>(2) != 0;
  return login;
}

void WriteTables(Writer& to, const TableSet& tables) {
  to.Int(static_cast<uint32_t>(tables.all().size()));
  for (const auto& [name, table] : tables.all()) {
    to.Text(table.schema);
    to.Text(table.name);
    to.Byte(static_cast<uint8_t>(table.kind));
    to.Text(table.tenant_column);
    to.Int(static_cast<uint32_t>(table.columns.size()));
    for (const ColumnFact& column : table.columns) {
      to.Text(column.name);
      to.Text(column.type);
      to.Byte(static_cast<uint8_t>(column.not_null ? 1 : 0));
    }
  }
}

std::shared_ptr<const TableSet> ReadTables(Reader& from) {
  auto tables = std::make_shared<TableSet>();
  const uint32_t count = from.Count(17);
  for (uint32_t i = 0; i < count && !from.failed(); i++) {
    TableFact table;
    table.schema = from.Text();
    table.name = from.Text();
    table.kind = from.Enum<TableKind>(2);
    table.tenant_column = from.Text();
    const uint32_t columns = from.Count(9);
    for (uint32_t c = 0; c < columns && !from.failed(); c++) {
      ColumnFact column;
      column.name = from.Text();
      column.type = from.Text();
      column.not_null = from.Enum<uint8_t>(2) != 0;
      table.columns.push_back(std::move(column));
    }
    tables->Add(std::move(table));
  }
  return tables;
}

void WriteTenants(Writer& to, const Placement& placement) {
  to.Int(static_cast<uint32_t>(placement.tenant_count()));
  placement.ForEachTenant([&](const TenantInfo& tenant) {
    to.Text(tenant.id.Text());
    to.Int(tenant.shard.value);
    to.Text(tenant.tier);
    to.Byte(static_cast<uint8_t>(tenant.access));
    to.Long(tenant.epoch);
  });
}

void ReadTenants(Reader& from, Placement& placement) {
  const uint32_t count = from.Count(21);
  for (uint32_t i = 0; i < count && !from.failed(); i++) {
    TenantInfo tenant;
    tenant.id = ReadTenantId(from, placement.tenant_type);
    tenant.shard.value = from.Signed();
    tenant.tier = from.Text();
    tenant.access = from.Enum<TenantAccess>(3);
    tenant.epoch = from.Long();
    if (tenant.id.empty())
      from.Fail();
    if (!from.failed())
      placement.PutTenant(std::move(tenant));
  }
}

// What is sealed: role logins, then a key per shard.
std::string SecretsOf(const Placement& placement) {
  Writer to;
  for (const BackendRole& role : placement.roles) {
    to.Text(role.user);
    to.Text(role.password);
  }
  to.Int(static_cast<uint32_t>(placement.shards.size()));
  for (const auto& [id, shard] : placement.shards) {
    to.Int(id.value);
    to.Text(shard.token_key);
  }
  return std::move(to.out);
}

void ReadSecrets(Reader& from, Placement& placement) {
  for (BackendRole& role : placement.roles) {
    role.user = from.Text();
    role.password = from.Text();
  }
  const uint32_t count = from.Count(8);
  for (uint32_t i = 0; i < count && !from.failed(); i++) {
    const ShardId id{from.Signed()};
    std::string key = from.Text();
    const auto it = placement.shards.find(id);
    if (it != placement.shards.end())
      it->second.token_key = std::move(key);
  }
}

void ReadTopology(Reader& from, Placement& placement) {
  const uint32_t tiers = from.Count(25);
  for (uint32_t i = 0; i < tiers && !from.failed(); i++) {
    TierInfo tier;
    tier.name = from.Text();
    tier.dedicated = from.Enum<uint8_t>(2) != 0;
    tier.tenants_per_shard_max = from.Signed();
    tier.size_bytes_min = static_cast<int64_t>(from.Long());
    tier.size_bytes_max = static_cast<int64_t>(from.Long());
    placement.tiers.push_back(std::move(tier));
  }
  const uint32_t shards = from.Count(53);
  for (uint32_t i = 0; i < shards && !from.failed(); i++) {
    ShardInfo shard = ReadShard(from);
    placement.shards.insert_or_assign(shard.id, std::move(shard));
  }
  placement.combiner = ReadShard(from);
  const uint32_t logins = from.Count(28);
  for (uint32_t i = 0; i < logins && !from.failed(); i++) {
    LoginInfo login = ReadLogin(from, placement.tenant_type);
    std::string name = login.name;
    placement.logins.insert_or_assign(std::move(name), std::move(login));
  }
}

}  // namespace

absl::StatusOr<std::string> SerialiseSnapshot(const Placement& placement,
                                              std::string_view seal_key,
                                              int64_t written_at_unix) {
  Writer to;
  to.out = kMagic;
  to.Int(kVersion);
  to.Long(written_at_unix);
  to.Int(placement.timeline);
  to.Long(placement.epoch);
  to.Long(placement.schema_epoch);
  to.Byte(static_cast<uint8_t>(placement.tenant_type));
  // The head is authenticated with the secrets: they belong to this version and no other.
  ASSIGN_OR_RETURN(const std::string sealed, Seal(seal_key, SecretsOf(placement), to.out));
  to.Text(sealed);
  to.Int(static_cast<uint32_t>(placement.tiers.size()));
  for (const TierInfo& tier : placement.tiers) {
    to.Text(tier.name);
    to.Byte(static_cast<uint8_t>(tier.dedicated ? 1 : 0));
    to.Int(tier.tenants_per_shard_max);
    to.Long(tier.size_bytes_min);
    to.Long(tier.size_bytes_max);
  }
  to.Int(static_cast<uint32_t>(placement.shards.size()));
  for (const auto& [id, shard] : placement.shards)
    WriteShard(to, shard);
  WriteShard(to, placement.combiner);
  to.Int(static_cast<uint32_t>(placement.logins.size()));
  for (const auto& [name, login] : placement.logins)
    WriteLogin(to, login);
  WriteTables(to, *placement.tables);
  WriteTenants(to, placement);
  const uint64_t checksum = StableHash64(to.out);
  to.Long(checksum);
  return std::move(to.out);
}

absl::StatusOr<Snapshot> ParseSnapshot(std::string_view bytes, std::string_view seal_key) {
  if (bytes.size() < kChecksumBytes)
    return Torn();
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (ReadUint64(bytes.data() + body.size()) != StableHash64(body))
    return Torn();
  return ParseSnapshotBody(body, seal_key);
}

absl::StatusOr<Snapshot> ParseSnapshotBody(std::string_view body, std::string_view seal_key) {
  if (!body.starts_with(kMagic))
    return Torn();
  constexpr std::size_t kHeadBytes = kMagic.size() + 4 + 8 + 4 + 8 + 8 + 1;
  Reader from(body.substr(kMagic.size()));
  if (from.Int() != kVersion)
    return Torn();
  Snapshot snapshot;
  snapshot.placement = std::make_shared<Placement>();
  Placement& placement = *snapshot.placement;
  snapshot.written_at_unix = static_cast<int64_t>(from.Long());
  placement.timeline = from.Int();
  placement.epoch = from.Long();
  placement.schema_epoch = from.Long();
  placement.tenant_type = from.Enum<TenantType>(3);
  const std::string sealed = from.Text();
  if (from.failed())
    return Torn();
  ASSIGN_OR_RETURN(const std::string secrets, Unseal(seal_key, sealed, body.substr(0, kHeadBytes)));
  ReadTopology(from, placement);
  placement.tables = ReadTables(from);
  ReadTenants(from, placement);
  Reader secret(secrets);
  ReadSecrets(secret, placement);
  if (from.failed() || !from.at_end() || secret.failed() || !secret.at_end())
    return Torn();
  return snapshot;
}

}  // namespace pgreeve::catalog
