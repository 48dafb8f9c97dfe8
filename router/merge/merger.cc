#include "router/merge/merger.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/merge/combine_query.h"
#include "router/merge/native_combine.h"
#include "router/merge/native_value.h"
#include "router/merge/partial_rows.h"
#include "router/merge/type_name.h"
#include "router/plan/scatter.h"
#include "router/wire/message_type.h"

namespace pgreeve::merge {

using plan::MergeEngine;
using plan::MergeKind;
using sql::ScatterRefusal;

namespace {

constexpr int16_t kBinary = 1;
// Types from here on are the user's, and have another oid in every database.
constexpr uint32_t kUserTypesFrom = 16384;

absl::Status Malformed(std::string_view what) {
  return SqlStatus("08P01", "unexpected answer of a shard", what);
}

}  // namespace

struct Merger::State {
  std::shared_ptr<const plan::ScatterPlan> plan;
  std::vector<wire::FieldDescription> expected;
  MergeOptions options;
  std::vector<int16_t> partial_formats;

  std::vector<bool> described;  // by shard
  std::vector<uint32_t> types;  // of the partial columns; empty: none has come
  bool native_types = false;
  std::vector<TypeName> names;  // of the types, when Postgres can combine
  absl::Status nameless;        // why it cannot

  PartialRows rows;
  std::vector<wire::Value> scratch;

  // kConcat
  std::string output;
  uint64_t skipped = 0;
  uint64_t passed = 0;

  bool streams() const { return plan->kind == MergeKind::kConcat; }

  bool WantsBinary(std::size_t column) const {
    const std::vector<int16_t>& formats = options.result_formats;
    if (formats.empty())
      return false;
    if (formats.size() == 1)
      return formats[0] == kBinary;
    return column < formats.size() && formats[column] == kBinary;
  }

  bool WantsAnyBinary() const {
    return std::find(options.result_formats.begin(), options.result_formats.end(), kBinary) !=
           options.result_formats.end();
  }

  bool NativeChosen() const {
    return options.engine != MergeEngine::kPostgres && native_types && !WantsAnyBinary();
  }

  bool CarriedAsText(std::size_t column) const;
  absl::Status CheckType(std::size_t column, uint32_t known, uint32_t found) const;
  absl::Status ReadTypes(const std::vector<wire::FieldDescription>& fields);
  absl::Status ReadNames();
  absl::Status Pass(std::string_view body);
};

Merger::Merger(std::unique_ptr<State> state) : state_(std::move(state)) {}

Merger::~Merger() = default;

absl::StatusOr<std::unique_ptr<Merger>> Merger::Create(
    std::shared_ptr<const plan::ScatterPlan> plan,
    std::size_t shards,
    std::vector<wire::FieldDescription> expected,
    MergeOptions options) {
  auto state = std::make_unique<State>();
  state->plan = std::move(plan);
  state->expected = std::move(expected);
  state->options = std::move(options);
  state->described.resize(shards);
  if (state->streams())
    state->partial_formats = state->options.result_formats;
  else if (state->options.engine == MergeEngine::kNative &&
           (!state->plan->native_possible || state->WantsAnyBinary()))
    return plan::ScatterRefused(ScatterRefusal::kNativeImpossible);
  return std::unique_ptr<Merger>(new Merger(std::move(state)));
}

const std::vector<int16_t>& Merger::partial_formats() const {
  return state_->partial_formats;
}

absl::Status Merger::SetColumns(std::size_t shard,
                                const std::vector<wire::FieldDescription>& fields) {
  State& state = *state_;
  if (shard >= state.described.size())
    return Malformed("a shard that was not asked");
  state.described[shard] = true;
  if (state.types.empty()) {
    const absl::Status status = state.ReadTypes(fields);
    if (!status.ok())
      state.types.clear();
    return status;
  }
  if (fields.size() != state.types.size())
    return Malformed("the columns differ between shards");
  for (std::size_t i = 0; i < fields.size(); ++i)
    RETURN_IF_ERROR(state.CheckType(i, state.types[i], fields[i].type_oid));
  return absl::OkStatus();
}

// Two shards', or a shard's and the client's, type of a column.
absl::Status Merger::State::CheckType(std::size_t column, uint32_t known, uint32_t found) const {
  if (known == found)
    return absl::OkStatus();
  if (known < kUserTypesFrom || found < kUserTypesFrom)
    return Malformed("the columns' types differ");
  if (CarriedAsText(column))
    return absl::OkStatus();
  return plan::ScatterRefused(ScatterRefusal::kTypeName, "a type with several oids");
}

// A value that is only carried through may travel as text; one that is computed with may not.
bool Merger::State::CarriedAsText(std::size_t column) const {
  const auto hidden = static_cast<std::size_t>(plan->hidden_columns);
  return plan->kind != MergeKind::kGroup && column >= hidden && !WantsBinary(column - hidden);
}

absl::Status Merger::State::ReadTypes(const std::vector<wire::FieldDescription>& fields) {
  const auto hidden = static_cast<std::size_t>(plan->hidden_columns);
  if (plan->kind != MergeKind::kGroup) {
    if (fields.size() != hidden + expected.size())
      return Malformed("the columns are not those of the statement");
    for (std::size_t i = 0; i < expected.size(); ++i)
      RETURN_IF_ERROR(CheckType(hidden + i, expected[i].type_oid, fields[hidden + i].type_oid));
  } else {
    int needed = plan->key_columns;
    for (const plan::OutputColumn& column : plan->output)
      needed = std::max(needed, column.partial + 1);
    for (const int column : plan->sum_columns)
      needed = std::max(needed, column + 1);
    if (fields.size() < static_cast<std::size_t>(needed) ||
        (plan->native_possible && plan->output.size() != expected.size()))
      return Malformed("the columns are not those of the statement");
  }
  if (fields.empty())
    return Malformed("no columns");
  for (const wire::FieldDescription& field : fields)
    types.push_back(field.type_oid);
  for (const int column : plan->sum_columns) {
    if (types[static_cast<std::size_t>(column)] == oid::kFloat4)
      return plan::ScatterRefused(ScatterRefusal::kRealSum);
  }
  if (streams())
    return absl::OkStatus();
  native_types = NativeTypesAllow(*plan, types);
  nameless = ReadNames();
  if (options.engine == MergeEngine::kNative && !native_types)
    return plan::ScatterRefused(ScatterRefusal::kNativeImpossible);
  return NativeChosen() ? absl::OkStatus() : nameless;
}

absl::Status Merger::State::ReadNames() {
  for (std::size_t i = 0; i < types.size(); ++i) {
    auto name = NameOfType(types[i]);
    if (!name && CarriedAsText(i))
      name = NameOfType(oid::kText);
    if (!name)
      return plan::ScatterRefused(ScatterRefusal::kTypeName,
                                  "type oid " + std::to_string(types[i]));
    names.push_back(std::move(*name));
  }
  return absl::OkStatus();
}

absl::Status Merger::AddRow(std::size_t shard, std::string_view body) {
  State& state = *state_;
  if (shard >= state.described.size() || !state.described[shard])
    return Malformed("a row before its description");
  RETURN_IF_ERROR(wire::DecodeDataRow(body, state.scratch));
  if (state.scratch.size() != state.types.size())
    return Malformed("a row with another number of columns");
  if (state.streams())
    return state.Pass(body);
  if (state.rows.size() + 1 > state.options.rows_max) {
    return SqlStatus("54000",
                     "too many rows to combine across shards",
                     "The limit is " + std::to_string(state.options.rows_max) + " rows.",
                     "Use a narrower WHERE, fewer groups, or LIMIT.");
  }
  if (state.rows.bytes() + body.size() > state.options.bytes_max) {
    return SqlStatus("54000",
                     "too many bytes to combine across shards",
                     "The limit is " + std::to_string(state.options.bytes_max) + " bytes.",
                     "Use a narrower WHERE, fewer columns, or LIMIT.");
  }
  state.rows.Add(body);
  return absl::OkStatus();
}

absl::Status Merger::State::Pass(std::string_view body) {
  if (skipped < static_cast<uint64_t>(plan->offset)) {
    ++skipped;
    return absl::OkStatus();
  }
  if (plan->limit >= 0 && passed >= static_cast<uint64_t>(plan->limit))
    return absl::OkStatus();
  ++passed;
  output += wire::backend::kDataRow;
  AppendUint32(output, static_cast<uint32_t>(body.size() + 4));
  output += body;
  return absl::OkStatus();
}

std::string Merger::TakeOutput() {
  return std::exchange(state_->output, {});
}

bool Merger::satisfied() const {
  return state_->streams() && state_->plan->limit >= 0 &&
         state_->passed >= static_cast<uint64_t>(state_->plan->limit);
}

absl::StatusOr<MergeOutcome> Merger::Finish() {
  State& state = *state_;
  MergeOutcome outcome;
  if (state.streams()) {
    outcome.native.emplace();
    if (!state.output.empty())
      outcome.native->chunks.push_back(TakeOutput());
    outcome.native->rows = state.passed;
    return outcome;
  }
  if (state.types.empty())
    return Malformed("no shard has described its columns");
  if (state.NativeChosen()) {
    absl::StatusOr<NativeRows> native = CombineNative();
    const bool unread = absl::IsUnimplemented(native.status()) ||
                        (!native.ok() && ToSqlError(native.status()).sqlstate == "0A000");
    if (native.ok() || !unread || state.options.engine == MergeEngine::kNative) {
      ASSIGN_OR_RETURN(outcome.native, std::move(native));
      return outcome;
    }
  }
  ASSIGN_OR_RETURN(outcome.combine, CombineInPostgres());
  return outcome;
}

absl::StatusOr<NativeRows> Merger::CombineNative() const {
  const State& state = *state_;
  if (state.streams() || !state.native_types || state.WantsAnyBinary())
    return plan::ScatterRefused(ScatterRefusal::kNativeImpossible);
  return CombineNatively({*state.plan, state.rows, state.types});
}

absl::StatusOr<CombineQuery> Merger::CombineInPostgres() const {
  const State& state = *state_;
  RETURN_IF_ERROR(state.nameless);
  return MakeCombineQuery({*state.plan, state.rows, state.names, state.expected, state.options});
}

absl::Status Merger::CheckCombined(const std::vector<wire::FieldDescription>& fields) const {
  const State& state = *state_;
  bool same = fields.size() == state.expected.size();
  for (std::size_t i = 0; same && i < fields.size(); ++i) {
    const bool carried_as_text =
        state.plan->kind == MergeKind::kOrdered && !NameOfType(state.expected[i].type_oid);
    same = carried_as_text || fields[i].type_oid == state.expected[i].type_oid;
  }
  if (same)
    return absl::OkStatus();
  return SqlStatus("XX000", "the combined columns are not those of the statement");
}

absl::Status VerifySameRows(const NativeRows& native, const std::vector<std::string>& combined) {
  std::map<std::string, int64_t, std::less<>> counts;
  for (const std::string& chunk : native.chunks) {
    std::string_view rest = chunk;
    while (rest.size() > 5) {
      const std::size_t length = ReadUint32(rest.data() + 1);
      ++counts[std::string(rest.substr(5, length - 4))];
      rest.remove_prefix(length + 1);
    }
  }
  for (const std::string& body : combined)
    --counts[body];
  for (const auto& [body, count] : counts) {
    if (count == 0)
      continue;
    std::string shown;
    std::vector<wire::Value> values;
    if (wire::DecodeDataRow(body, values).ok()) {
      for (const wire::Value& value : values)
        shown += (shown.empty() ? "" : ", ") + std::string(value.value_or("NULL"));
    }
    return SqlStatus("XX000",
                     "the two ways of combining disagree",
                     (count > 0 ? "Only the router has the row (" : "Only Postgres has the row (") +
                         shown + ").");
  }
  return absl::OkStatus();
}

}  // namespace pgreeve::merge
