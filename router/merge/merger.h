// Makes one answer out of the shards' partial rows: by itself where equality with Postgres is
// provable, else as a query that any Postgres runs over the rows. Holds the rows; no sockets, no
// clock. Worker thread of its session.
//
// Order of calls: Create, SetColumns for each shard before its first row, AddRow, after all shards
// are complete Finish. A plan of kind kConcat streams: drain TakeOutput() while rows come, stop the
// shards once satisfied().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "router/plan/scatter_plan.h"
#include "router/wire/backend_messages.h"

namespace pgreeve::merge {

constexpr std::size_t kChunkBytes = 64 << 10;

struct MergeOptions {
  plan::MergeEngine engine = plan::MergeEngine::kAuto;
  uint64_t rows_max = 1'000'000;
  uint64_t bytes_max = 256 << 20;
  // Over one of them the rows go to Postgres by COPY into a temporary table instead of arrays.
  uint64_t inline_rows_max = 20'000;
  uint64_t inline_bytes_max = 8 << 20;
  // The client's wanted formats, as in Bind: none, one for all, or one for each column.
  std::vector<int16_t> result_formats;
  // Parameters of the client's statement (count of its ParameterDescription): arrays come behind.
  int parameters = 0;
  // What PinNow() gave the shards; needed when plan.pins_now.
  std::string now;
};

// Rows of the answer as DataRow messages, ready for the client, in chunks of about kChunkBytes.
struct NativeRows {
  std::vector<std::string> chunks;
  uint64_t rows = 0;  // for the CommandComplete tag; kConcat: with those of TakeOutput()
};

// The combine step for a Postgres. Its DataRows are the client's, unchanged, when the last query is
// bound with the client's result formats.
struct CombineQuery {
  // Inline form: `create_sql` is empty. `arrays` are text-format values of the parameters behind
  // the client's, to be parsed with type oid 0 (the SQL casts them).
  std::string sql;
  std::vector<std::string> arrays;
  // The declared type of each array, for logs and EXPLAIN ("pg_catalog.int8[]").
  std::vector<std::string> array_types;
  // Staged form, inside one transaction: create_sql, then copy_sql with copy_chunks as CopyData,
  // then `sql` with the client's parameters only. The table is dropped on commit.
  std::string create_sql;
  std::string copy_sql;
  std::vector<std::string> copy_chunks;

  bool staged() const { return !create_sql.empty(); }
};

// Exactly one of the two is set.
struct MergeOutcome {
  std::optional<NativeRows> native;
  std::optional<CombineQuery> combine;
};

class Merger {
 public:
  // `expected` is the RowDescription that Postgres gives for the original statement.
  // Errors: 0A000 when kNative is asked and the plan does not allow it.
  static absl::StatusOr<std::unique_ptr<Merger>> Create(
      std::shared_ptr<const plan::ScatterPlan> plan,
      std::size_t shards,
      std::vector<wire::FieldDescription> expected,
      MergeOptions options);
  ~Merger();

  // The result formats to bind the partials with: the client's own for kConcat, else none (text).
  const std::vector<int16_t>& partial_formats() const;

  // The RowDescription of a shard's partial. May be called with the Describe of the statement, so
  // that a refusal comes before any shard works.
  // Errors: 0A000 PR-241, PR-242, PR-243 for types that cannot be combined; 08P01 when the columns
  // do not fit the plan, or differ between shards.
  absl::Status SetColumns(std::size_t shard, const std::vector<wire::FieldDescription>& fields);

  // The body of one DataRow of that shard. Errors: 54000 over a limit, 08P01 malformed.
  absl::Status AddRow(std::size_t shard, std::string_view body);

  // kConcat: DataRow messages that are ready now. Empty otherwise.
  std::string TakeOutput();

  // True when more rows change nothing (the LIMIT of a kConcat is met): cancel the shards.
  bool satisfied() const;

  // Every shard has sent all its rows. Errors: 0A000 kNative impossible for these types or values;
  // 22003 a sum is out of range, as Postgres says it.
  absl::StatusOr<MergeOutcome> Finish();

  // Both engines, for pgreeve.combine_verify: call after Finish() while its rows are still held.
  // Native: 0A000 when it is not possible. Neither for kConcat.
  absl::StatusOr<NativeRows> CombineNative() const;
  absl::StatusOr<CombineQuery> CombineInPostgres() const;

  // The RowDescription of the combine query must have the types the client was told.
  // Errors: XX000.
  absl::Status CheckCombined(const std::vector<wire::FieldDescription>& fields) const;

 private:
  struct State;
  explicit Merger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// For pgreeve.combine_verify: the same multiset of rows? `combined` are bodies of DataRows of the
// combine query, bound with text results. Errors: XX000 with the first row that differs.
absl::Status VerifySameRows(const NativeRows& native, const std::vector<std::string>& combined);

}  // namespace pgreeve::merge
