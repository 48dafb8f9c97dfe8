// The label values that code counts by: enumerators here, words in the exporter (catalogue.cc).
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgreeve::metrics {

// Every enum ends with kCount_, which is not a value.
enum class Route : uint8_t { kSingle, kAnyShard, kScatter, kBroadcast, kLocal, kCount_ };
enum class Kind : uint8_t { kRead, kWrite, kDdl, kCopy, kUtility, kCount_ };
enum class Outcome : uint8_t { kCommit, kRollback, kError, kCount_ };
enum class Width : uint8_t { kOne, kMany, kCount_ };  // shards of a transaction
enum class Origin : uint8_t { kRouter, kShard, kClient, kCount_ };
enum class Side : uint8_t { kClient, kBackend, kCount_ };
enum class Direction : uint8_t { kReceived, kSent, kCount_ };
enum class Engine : uint8_t { kNative, kPostgres, kCount_ };

// kNone: before a connection exists and after it ended.
enum class ClientState : uint8_t {
  kLogin,
  kIdle,
  kActive,
  kWaiting,
  kInTransaction,
  kCount_,
  kNone
};
enum class BackendState : uint8_t { kOpening, kIdle, kActive, kUnbinding, kCount_, kNone };

// Why a client connection was turned away.
enum class Refusal : uint8_t {
  kLimit,     // too many connections
  kLogin,     // unknown login, wrong password, wrong database
  kTimeout,   // the login took too long
  kProtocol,  // no Postgres client
  kDraining,
  kNotReady,  // no placement yet
  kCount_
};

// Why a session keeps its backend; the order is that of the bits of plan::Pin.
enum class PinReason : uint8_t {
  kSetConfig,
  kTempTable,
  kHoldCursor,
  kAdvisoryLock,
  kListen,
  kSequence,
  kOpaque,
  kCount_
};

template <class E>
constexpr std::size_t kCountOf = static_cast<std::size_t>(E::kCount_);

std::string_view ToString(Route value);
std::string_view ToString(Kind value);
std::string_view ToString(Outcome value);
std::string_view ToString(Width value);
std::string_view ToString(Origin value);
std::string_view ToString(Side value);
std::string_view ToString(Direction value);
std::string_view ToString(Engine value);
std::string_view ToString(ClientState value);
std::string_view ToString(BackendState value);
std::string_view ToString(Refusal value);
std::string_view ToString(PinReason value);

}  // namespace pgreeve::metrics
