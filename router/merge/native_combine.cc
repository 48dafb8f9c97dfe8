#include "router/merge/native_combine.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/base/string_map.h"
#include "router/merge/native_value.h"
#include "router/merge/type_name.h"
#include "router/plan/scatter.h"
#include "router/wire/message_type.h"

namespace pgreeve::merge {

namespace {

using plan::Combine;
using plan::OutputColumn;

// One value of an ORDER BY key, ready to be compared.
struct SortValue {
  bool null = false;
  int64_t number = 0;
  std::string_view text;
};

struct SortedRow {
  std::size_t row = 0;
  std::vector<SortValue> keys;
};

absl::Status NotNative() {
  return plan::ScatterRefused(sql::ScatterRefusal::kNativeImpossible,
                              "a value that the router does not read");
}

bool IsText(uint32_t type) {
  return type == oid::kText || type == oid::kVarchar;
}

absl::StatusOr<SortValue> ReadSortValue(uint32_t type, wire::Value value) {
  SortValue key;
  if (!value) {
    key.null = true;
    return key;
  }
  key.text = *value;
  if (!IsNumberType(type))
    return key;
  const auto number = ReadNumber(type, *value);
  if (!number)
    return NotNative();
  key.number = *number;
  return key;
}

int Compare(const SortValue& a, const SortValue& b) {
  if (a.number != b.number)
    return a.number < b.number ? -1 : 1;
  return a.text.compare(b.text);
}

bool Before(const std::vector<plan::OrderKey>& order,
            const std::vector<uint32_t>& types,
            const std::vector<SortValue>& a,
            const std::vector<SortValue>& b) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (a[i].null != b[i].null)
      return a[i].null == order[i].nulls_first;
    if (a[i].null)
      continue;
    // The same moment may be written in two ways.
    const int compared = IsNumberType(types[i]) ? (a[i].number < b[i].number   ? -1
                                                   : a[i].number > b[i].number ? 1
                                                                               : 0)
                                                : Compare(a[i], b[i]);
    if (compared != 0)
      return (compared < 0) != order[i].descending;
  }
  return false;
}

// The rows that LIMIT and OFFSET leave of `size`.
std::pair<std::size_t, std::size_t> Window(const plan::ScatterPlan& plan, std::size_t size) {
  const auto clip = [&](int64_t value) {
    return static_cast<std::size_t>(std::min<uint64_t>(static_cast<uint64_t>(value), size));
  };
  const std::size_t begin = clip(plan.offset);
  const std::size_t count = plan.limit < 0 ? size : clip(plan.limit);
  return {begin, begin + std::min(count, size - begin)};
}

absl::StatusOr<NativeRows> MergeOrdered(const NativeInput& input) {
  std::vector<SortedRow> sorted(input.rows.size());
  std::vector<uint32_t> types;
  for (const plan::OrderKey& key : input.plan.order)
    types.push_back(input.types[static_cast<std::size_t>(key.column)]);
  for (std::size_t row = 0; row < sorted.size(); ++row) {
    sorted[row].row = row;
    for (std::size_t i = 0; i < types.size(); ++i) {
      ASSIGN_OR_RETURN(
          SortValue value,
          ReadSortValue(types[i], ColumnOf(input.rows[row], input.plan.order[i].column)));
      sorted[row].keys.push_back(value);
    }
  }
  std::stable_sort(sorted.begin(), sorted.end(), [&](const SortedRow& a, const SortedRow& b) {
    return Before(input.plan.order, types, a.keys, b.keys);
  });
  const auto [begin, end] = Window(input.plan, sorted.size());
  RowWriter writer;
  for (std::size_t i = begin; i < end; ++i)
    writer.AddBody(input.rows[sorted[i].row], input.plan.hidden_columns);
  return writer.Take();
}

// One output value of a group while its partial rows come.
struct Accumulator {
  bool null = true;
  Int128 number = 0;      // a sum, or the number of `text`
  std::string_view text;  // a key, or the least or greatest value
};

struct Group {
  std::vector<Accumulator> values;
};

class Grouping {
 public:
  explicit Grouping(const NativeInput& input) : input_(input) {}

  absl::Status Add(std::string_view body);
  absl::StatusOr<NativeRows> Finish();

 private:
  absl::Status Accumulate(const OutputColumn& output, wire::Value value, Accumulator& into) const;
  // The text of an output; sums are written into `buffer`.
  absl::StatusOr<wire::Value> ValueOf(const OutputColumn& output,
                                      const Accumulator& from,
                                      std::string& buffer) const;
  absl::Status Sort(std::vector<std::size_t>& order) const;

  uint32_t TypeOf(const OutputColumn& output) const {
    return input_.types[static_cast<std::size_t>(output.partial)];
  }

  const NativeInput& input_;
  StringMap<std::size_t> by_key_;
  std::vector<Group> groups_;
};

absl::Status Grouping::Add(std::string_view body) {
  std::string key;
  for (int i = 0; i < input_.plan.key_columns; ++i) {
    const wire::Value value = ColumnOf(body, i);
    AppendUint32(key, value ? static_cast<uint32_t>(value->size()) : UINT32_MAX);
    key.append(value.value_or(""));
  }
  const auto [at, is_new] = by_key_.try_emplace(std::move(key), groups_.size());
  if (is_new)
    groups_.push_back({std::vector<Accumulator>(input_.plan.output.size())});
  Group& group = groups_[at->second];
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    const OutputColumn& output = input_.plan.output[i];
    RETURN_IF_ERROR(Accumulate(output, ColumnOf(body, output.partial), group.values[i]));
  }
  return absl::OkStatus();
}

absl::Status Grouping::Accumulate(const OutputColumn& output,
                                  wire::Value value,
                                  Accumulator& into) const {
  if (!value)
    return absl::OkStatus();
  const uint32_t type = TypeOf(output);
  Int128 number = 0;
  if (IsNumberType(type)) {
    const auto read = ReadNumber(type, *value);
    if (!read)
      return NotNative();
    number = *read;
  }
  switch (output.combine) {
    case Combine::kCount:
    case Combine::kSum:
      into.number += number;
      break;
    case Combine::kMin:
      if (!into.null && into.number <= number)
        return absl::OkStatus();
      into.number = number;
      into.text = *value;
      break;
    case Combine::kMax:
      if (!into.null && into.number >= number)
        return absl::OkStatus();
      into.number = number;
      into.text = *value;
      break;
    case Combine::kKey:
    case Combine::kExpression:
      into.number = number;
      into.text = *value;
      break;
  }
  into.null = false;
  return absl::OkStatus();
}

absl::StatusOr<wire::Value> Grouping::ValueOf(const OutputColumn& output,
                                              const Accumulator& from,
                                              std::string& buffer) const {
  const bool sum = output.combine == Combine::kSum || output.combine == Combine::kCount;
  if (from.null && output.combine != Combine::kCount)
    return wire::Value();
  if (!sum)
    return wire::Value(from.text);
  if (from.number > std::numeric_limits<int64_t>::max() ||
      from.number < std::numeric_limits<int64_t>::min())
    return SqlStatus("22003", "bigint out of range");
  buffer = std::to_string(static_cast<int64_t>(from.number));
  return wire::Value(buffer);
}

absl::Status Grouping::Sort(std::vector<std::size_t>& order) const {
  const std::vector<plan::OrderKey>& keys = input_.plan.order;
  if (keys.empty())
    return absl::OkStatus();
  // Sums are wider than int64 until they are written; what does not fit is an error there.
  const auto less = [&](std::size_t a, std::size_t b) {
    for (const plan::OrderKey& key : keys) {
      const auto column = static_cast<std::size_t>(key.column);
      const Accumulator& left = groups_[a].values[column];
      const Accumulator& right = groups_[b].values[column];
      const bool never_null = input_.plan.output[column].combine == Combine::kCount;
      if (!never_null && left.null != right.null)
        return left.null == key.nulls_first;
      const bool by_text = !IsNumberType(TypeOf(input_.plan.output[column]));
      const int compared = by_text                      ? left.text.compare(right.text)
                           : left.number < right.number ? -1
                           : left.number > right.number ? 1
                                                        : 0;
      if (compared != 0)
        return (compared < 0) != key.descending;
    }
    return false;
  };
  std::stable_sort(order.begin(), order.end(), less);
  return absl::OkStatus();
}

absl::StatusOr<NativeRows> Grouping::Finish() {
  std::vector<std::size_t> order(groups_.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  RETURN_IF_ERROR(Sort(order));
  const std::vector<OutputColumn>& outputs = input_.plan.output;
  std::vector<std::string> buffers(outputs.size());
  std::vector<wire::Value> values(outputs.size());
  const auto [begin, end] = Window(input_.plan, order.size());
  RowWriter writer;
  // Every sum is looked at, also of groups that LIMIT leaves out: Postgres would have failed.
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Group& group = groups_[order[i]];
    for (std::size_t column = 0; column < outputs.size(); ++column) {
      ASSIGN_OR_RETURN(values[column],
                       ValueOf(outputs[column], group.values[column], buffers[column]));
    }
    if (i >= begin && i < end)
      writer.AddValues(values);
  }
  return writer.Take();
}

}  // namespace

bool NativeTypesAllow(const plan::ScatterPlan& plan, const std::vector<uint32_t>& types) {
  if (!plan.native_possible)
    return false;
  const auto type_of = [&](int column) { return types[static_cast<std::size_t>(column)]; };
  if (plan.kind == plan::MergeKind::kConcat)
    return true;
  if (plan.kind == plan::MergeKind::kOrdered) {
    return std::all_of(plan.order.begin(), plan.order.end(), [&](const plan::OrderKey& key) {
      return IsOrderedType(type_of(key.column)) || (key.bytewise && IsText(type_of(key.column)));
    });
  }
  for (int i = 0; i < plan.key_columns; ++i) {
    if (!IsKeyType(type_of(i)))
      return false;
  }
  return std::all_of(plan.output.begin(), plan.output.end(), [&](const OutputColumn& output) {
    const uint32_t type = type_of(output.partial);
    switch (output.combine) {
      case Combine::kKey:
        return IsKeyType(type);
      case Combine::kCount:
      case Combine::kSum:
        return type == oid::kInt8;
      case Combine::kMin:
      case Combine::kMax:
        return IsNumberType(type);
      case Combine::kExpression:
        break;
    }
    return false;
  });
}

absl::StatusOr<NativeRows> CombineNatively(const NativeInput& input) {
  if (input.plan.kind != plan::MergeKind::kGroup)
    return MergeOrdered(input);
  Grouping grouping(input);
  for (std::size_t row = 0; row < input.rows.size(); ++row)
    RETURN_IF_ERROR(grouping.Add(input.rows[row]));
  return grouping.Finish();
}

std::string& RowWriter::Chunk() {
  if (rows_.chunks.empty() || rows_.chunks.back().size() >= kChunkBytes)
    rows_.chunks.emplace_back();
  ++rows_.rows;
  return rows_.chunks.back();
}

void RowWriter::AddBody(std::string_view body, int hidden) {
  std::size_t at = 2;
  for (int i = 0; i < hidden; ++i) {
    const auto length = static_cast<int32_t>(ReadUint32(body.data() + at));
    at += 4 + (length < 0 ? 0 : static_cast<std::size_t>(length));
  }
  std::string& out = Chunk();
  out += wire::backend::kDataRow;
  AppendUint32(out, static_cast<uint32_t>(body.size() - at + 6));
  AppendUint16(out, static_cast<uint16_t>(ReadUint16(body.data()) - hidden));
  out += body.substr(at);
}

void RowWriter::AddValues(const std::vector<wire::Value>& values) {
  wire::AppendDataRow(Chunk(), values);
}

NativeRows RowWriter::Take() {
  return std::exchange(rows_, {});
}

}  // namespace pgreeve::merge
