// The signed proof that lets a pooled backend see one tenant's rows. A shard's
// pgreeve.current_tenant() verifies it; the client cannot make one. Pure; any thread.
//
//   kid:hex(tenant):epoch:expiry:pid:hex(hmac_sha256(key, everything before the last ':'))
//
// hex(tenant) is the lower-case hex of TenantId::Text(): a text id may contain the separator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "router/base/tenant_id.h"

namespace pgreeve::catalog {

struct TokenFields {
  int32_t kid = 0;          // ShardInfo::token_kid
  uint64_t epoch = 0;       // TenantInfo::epoch
  int64_t expiry_unix = 0;  // seconds; compared with the shard's transaction_timestamp()
  uint32_t pid = 0;         // of the backend that will carry it
};

// `key` is ShardInfo::token_key, at most 64 bytes. The result contains only [0-9a-f:], so it needs
// no quoting beyond '…'. Cost: two SHA-256 blocks, about a microsecond.
std::string MintToken(std::string_view key, const TenantId& tenant, const TokenFields& fields);

// The inner and outer HMAC pads (64 bytes each: key ^ 0x36…, key ^ 0x5c…), which is how the shard
// stores a key.
struct TokenPads {
  std::string inner;
  std::string outer;
};

TokenPads PadsOf(std::string_view key);

}  // namespace pgreeve::catalog
