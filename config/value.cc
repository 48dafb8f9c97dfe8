#include "config/value.h"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "router/base/status_macros.h"

namespace pgreeve::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

// Smallest first; the printer takes the largest that divides.
constexpr std::array kDurations = {Unit{"us", 1},
                                   Unit{"ms", 1000},
                                   Unit{"s", 1000000},
                                   Unit{"min", 60 * int64_t{1000000}},
                                   Unit{"h", 3600 * int64_t{1000000}},
                                   Unit{"d", 86400 * int64_t{1000000}}};
constexpr std::array kSizes = {Unit{"B", 1},
                               Unit{"kB", 1 << 10},
                               Unit{"MB", 1 << 20},
                               Unit{"GB", 1 << 30},
                               Unit{"TB", int64_t{1} << 40}};

absl::Status Invalid(const std::string& text) {
  return absl::InvalidArgumentError(text);
}

template <std::size_t N>
absl::StatusOr<int64_t> ParseUnits(std::string_view text,
                                   const std::array<Unit, N>& units,
                                   std::string_view example) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' '))
    unit.remove_prefix(1);
  if (error == std::errc() && number == 0 && unit.empty())
    return 0;
  if (error == std::errc() && number >= 0) {
    for (const Unit& known : units) {
      if (unit != known.name && !(unit == "KB" && known.name == "kB") &&
          !(unit == "m" && known.name == "min"))
        continue;
      int64_t scaled = 0;
      if (__builtin_mul_overflow(number, known.factor, &scaled))
        return Invalid(fmt::format("is too large (got {})", text));
      return scaled;
    }
  }
  return Invalid(fmt::format("must be a number with a unit, like {} (got \"{}\")", example, text));
}

template <std::size_t N>
std::string PrintUnits(int64_t value, const std::array<Unit, N>& units) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0)
      best = &unit;
  }
  return value == 0 ? fmt::format("0{}", units[0].name == "us" ? "s" : units[0].name)
                    : fmt::format("{}{}", value / best->factor, best->name);
}

std::string PrintNumber(const Setting& setting, int64_t value) {
  if (setting.type == Type::kDuration)
    return PrintDuration(value);
  if (setting.type == Type::kBytes)
    return PrintBytes(value);
  return std::to_string(value);
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string QuotedList(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) {
    if (out.size() > 1)
      out += ", ";
    out += Quoted(item);
  }
  return out + "]";
}

// ["a", "b"] of default values: written by us, so a comma never stands inside an item.
std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t begin = text.find('"');
    if (begin == std::string_view::npos)
      return out;
    const std::size_t end = text.find('"', begin + 1);
    if (end == std::string_view::npos)
      return out;
    out.emplace_back(text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  return ParseUnits(text, kDurations, "\"200ms\", \"5s\", \"10min\" or \"1h\"");
}

absl::StatusOr<int64_t> ParseBytes(std::string_view text) {
  return ParseUnits(text, kSizes, "\"64kB\", \"64MB\" or \"1GB\"");
}

std::string PrintDuration(int64_t microseconds) {
  return PrintUnits(microseconds, kDurations);
}

std::string PrintBytes(int64_t bytes) {
  return PrintUnits(bytes, kSizes);
}

absl::StatusOr<Value> ParseText(const Setting& setting, std::string_view text) {
  switch (setting.type) {
    case Type::kText:
    case Type::kSecret:
    case Type::kChoice:
      return Value(std::string(text));
    case Type::kList:
      return Value(SplitList(text));
    case Type::kBool:
      return Value(text == "true");
    case Type::kBytes: {
      ASSIGN_OR_RETURN(const int64_t bytes, ParseBytes(text));
      return Value(bytes);
    }
    case Type::kDuration: {
      ASSIGN_OR_RETURN(const int64_t microseconds, ParseDuration(text));
      return Value(microseconds);
    }
    case Type::kInteger: {
      int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size())
        return Invalid(fmt::format("must be a whole number (got \"{}\")", text));
      return Value(number);
    }
  }
  return Invalid("has no type");
}

absl::Status Check(const Setting& setting, const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (*number < setting.min || *number > setting.max)
      return Invalid(
          fmt::format("must be {} (got {})", PrintRange(setting), PrintNumber(setting, *number)));
  }
  if (setting.type == Type::kChoice) {
    const auto& word = std::get<std::string>(value);
    for (const std::string_view choice : setting.choices) {
      if (choice == word)
        return absl::OkStatus();
    }
    return Invalid(fmt::format("must be {} (got \"{}\")", PrintRange(setting), word));
  }
  return absl::OkStatus();
}

void Store(const Setting& setting, const Value& value, const Place& place) {
  if (auto* const* text = std::get_if<std::string*>(&place))
    **text = std::get<std::string>(value);
  else if (auto* const* list = std::get_if<std::vector<std::string>*>(&place))
    **list = std::get<std::vector<std::string>>(value);
  else if (auto* const* number = std::get_if<int64_t*>(&place))
    **number = std::get<int64_t>(value);
  else if (auto* const* duration = std::get_if<absl::Duration*>(&place))
    **duration = absl::Microseconds(std::get<int64_t>(value));
  else if (auto* const* flag = std::get_if<bool*>(&place))
    **flag = std::get<bool>(value);
  else if (auto* const* choice = std::get_if<uint8_t*>(&place)) {
    for (std::size_t i = 0; i < setting.choices.size(); ++i) {
      if (setting.choices[i] == std::get<std::string>(value))
        **choice = static_cast<uint8_t>(i);
    }
  }
}

Value Fetch(const Setting& setting, const Place& place) {
  if (auto* const* text = std::get_if<std::string*>(&place))
    return **text;
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&place))
    return **list;
  if (auto* const* number = std::get_if<int64_t*>(&place))
    return **number;
  if (auto* const* duration = std::get_if<absl::Duration*>(&place))
    return absl::ToInt64Microseconds(**duration);
  if (auto* const* flag = std::get_if<bool*>(&place))
    return **flag;
  return std::string(setting.choices[**std::get_if<uint8_t*>(&place)]);
}

std::string Print(const Setting& setting, const Value& value) {
  if (setting.type == Type::kSecret)
    return std::get<std::string>(value).empty() ? "" : "(set)";
  if (const auto* text = std::get_if<std::string>(&value))
    return *text;
  return PrintToml(setting, value);
}

std::string PrintToml(const Setting& setting, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return Quoted(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value))
    return QuotedList(*list);
  if (const auto* flag = std::get_if<bool>(&value))
    return *flag ? "true" : "false";
  const int64_t number = std::get<int64_t>(value);
  return setting.type == Type::kInteger ? std::to_string(number)
                                        : Quoted(PrintNumber(setting, number));
}

std::string PrintRange(const Setting& setting) {
  switch (setting.type) {
    case Type::kChoice:
      return fmt::format("{}", fmt::join(setting.choices, "|"));
    case Type::kBool:
      return "true|false";
    case Type::kInteger:
    case Type::kBytes:
    case Type::kDuration:
      return fmt::format(
          "{}..{}", PrintNumber(setting, setting.min), PrintNumber(setting, setting.max));
    case Type::kText:
    case Type::kSecret:
    case Type::kList:
      return "";
  }
  return "";
}

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kText:
      return "text";
    case Type::kSecret:
      return "secret";
    case Type::kList:
      return "list of texts";
    case Type::kInteger:
      return "integer";
    case Type::kBytes:
      return "size";
    case Type::kDuration:
      return "duration";
    case Type::kBool:
      return "boolean";
    case Type::kChoice:
      return "choice";
  }
  return "";
}

}  // namespace pgreeve::config
