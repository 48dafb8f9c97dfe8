#include "config/load.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "config/document.h"
#include "config/settings_table.h"
#include "config/suggest.h"
#include "config/validate.h"
#include "config/value.h"
#include "router/base/status_macros.h"

namespace pgreeve::config {
namespace {

// "[pool].size" as people look for it in the file.
std::string InFile(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos
             ? std::string(name)
             : fmt::format("[{}].{}", name.substr(0, dot), name.substr(dot + 1));
}

std::string_view SectionOf(std::string_view name) {
  return name.substr(0, name.find('.'));
}

// All names of all programs: one file may serve both.
std::vector<std::string_view> KnownNames() {
  std::vector<std::string_view> names;
  for (const auto& row : RouterTable())
    names.push_back(row.setting.name);
  for (const auto& row : RebalancerTable()) {
    if (std::find(names.begin(), names.end(), row.setting.name) == names.end())
      names.push_back(row.setting.name);
  }
  return names;
}

std::string Unknown(const Entry& entry) {
  const std::vector<std::string_view> names = KnownNames();
  std::vector<std::string_view> candidates;
  const std::string_view section = SectionOf(entry.name);
  for (const std::string_view name : names) {
    if (entry.section)
      candidates.push_back(SectionOf(name));
    else if (SectionOf(name) == section && entry.name.size() > section.size())
      candidates.push_back(name.substr(section.size() + 1));
  }
  std::string_view key = entry.name;
  if (!entry.section && key.size() > section.size())
    key.remove_prefix(section.size() + 1);
  std::string text = entry.section ? fmt::format("unknown section [{}]", entry.name)
                                   : fmt::format("unknown setting {}", InFile(entry.name));
  if (const std::string_view near = Nearest(key, candidates); !near.empty())
    text += fmt::format("; did you mean {}?",
                        entry.section ? fmt::format("[{}]", near) : std::string(near));
  return text;
}

bool IsKnownSection(std::string_view section) {
  const std::vector<std::string_view> names = KnownNames();
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return SectionOf(name) == section;
  });
}

bool IsKnown(const Entry& entry) {
  if (entry.section)
    return IsKnownSection(entry.name);
  const std::vector<std::string_view> names = KnownNames();
  return std::find(names.begin(), names.end(), entry.name) != names.end();
}

// "env:NAME" and "file:/path".
absl::StatusOr<std::string> ReadSecret(const std::string& text) {
  if (text.starts_with("env:")) {
    const char* value = std::getenv(text.c_str() + 4);
    if (value == nullptr)
      return absl::NotFoundError(fmt::format("environment variable {} is not set", text.substr(4)));
    return std::string(value);
  }
  if (!text.starts_with("file:"))
    return text;
  std::ifstream file(text.substr(5));
  std::string line;
  if (!file || !(std::getline(file, line)))
    return absl::NotFoundError(
        fmt::format("cannot read {}: {}", text.substr(5), std::strerror(errno)));
  if (line.ends_with('\r'))
    line.pop_back();
  return line;
}

std::string Describe(const Raw& raw) {
  static constexpr const char* kNames[] = {"a date, table or mixed array",
                                           "a text",
                                           "a list",
                                           "a number",
                                           "a fraction",
                                           "true or false"};
  return kNames[raw.index()];
}

absl::StatusOr<Value> Convert(const Setting& setting, const Raw& raw) {
  const auto wrong = [&](std::string_view wanted) {
    return absl::InvalidArgumentError(fmt::format("must be {} (got {})", wanted, Describe(raw)));
  };
  const auto* text = std::get_if<std::string>(&raw);
  const auto* number = std::get_if<int64_t>(&raw);
  switch (setting.type) {
    case Type::kText:
      return text != nullptr ? absl::StatusOr<Value>(*text) : wrong("a text in quotes");
    case Type::kChoice:
      return text != nullptr ? absl::StatusOr<Value>(*text) : wrong(PrintRange(setting));
    case Type::kSecret: {
      if (text == nullptr)
        return wrong("a text in quotes, \"env:NAME\" or \"file:/path\"");
      ASSIGN_OR_RETURN(std::string secret, ReadSecret(*text));
      return Value(std::move(secret));
    }
    case Type::kList: {
      const auto* list = std::get_if<std::vector<std::string>>(&raw);
      if (text != nullptr)
        return Value(std::vector<std::string>{*text});
      return list != nullptr ? absl::StatusOr<Value>(*list) : wrong("a list of texts");
    }
    case Type::kBool: {
      const auto* flag = std::get_if<bool>(&raw);
      return flag != nullptr ? absl::StatusOr<Value>(*flag) : wrong("true or false");
    }
    case Type::kInteger:
      return number != nullptr ? absl::StatusOr<Value>(*number) : wrong("a whole number");
    case Type::kBytes:
      if (number != nullptr)
        return Value(*number);
      return text != nullptr ? ParseText(setting, *text)
                             : wrong("a size like \"64MB\" or a number of bytes");
    case Type::kDuration:
      if (number != nullptr && *number == 0)
        return Value(int64_t{0});
      return text != nullptr ? ParseText(setting, *text) : wrong("a duration like \"5s\"");
  }
  return wrong("something else");
}

template <class S>
void StoreDefaults(const std::vector<Row<S>>& table, S& settings) {
  for (const Row<S>& row : table) {
    const absl::StatusOr<Value> value = ParseText(row.setting, row.setting.default_value);
    if (value.ok())
      Store(row.setting, *value, row.place(settings));
  }
}

template <class S>
Loaded<S> Parse(std::string_view toml, const std::vector<Row<S>>& table) {
  Loaded<S> loaded;
  StoreDefaults(table, loaded.settings);
  for (const Entry& entry : ReadDocument(toml, loaded.problems)) {
    if (!IsKnown(entry)) {
      // What stands inside an unknown section is not reported once more.
      const std::string_view section = SectionOf(entry.name);
      if (entry.section || IsKnownSection(section) || section == entry.name)
        loaded.problems.push_back({entry.key_line, entry.key_column, Unknown(entry)});
      continue;
    }
    const auto row = std::find_if(table.begin(), table.end(), [&](const Row<S>& candidate) {
      return candidate.setting.name == entry.name;
    });
    if (entry.section || row == table.end())
      continue;
    absl::StatusOr<Value> value = Convert(row->setting, entry.value);
    const absl::Status status = value.ok() ? Check(row->setting, *value) : value.status();
    if (status.ok())
      Store(row->setting, *value, row->place(loaded.settings));
    else
      loaded.problems.push_back(
          {entry.value_line,
           entry.value_column,
           fmt::format("{} {}", InFile(entry.name), std::string(status.message()))});
  }
  if (loaded.problems.empty())
    loaded.problems = Validate(loaded.settings);
  std::stable_sort(
      loaded.problems.begin(), loaded.problems.end(), [](const auto& a, const auto& b) {
        return std::pair(a.line, a.column) < std::pair(b.line, b.column);
      });
  return loaded;
}

template <class S>
absl::StatusOr<S> Load(const std::string& path, const std::vector<Row<S>>& table) {
  std::ifstream file(path);
  if (!file)
    return absl::NotFoundError(fmt::format("{}: {}", path, std::strerror(errno)));
  std::stringstream text;
  text << file.rdbuf();
  Loaded<S> loaded = Parse(text.str(), table);
  if (loaded.ok())
    return std::move(loaded.settings);
  std::string message;
  for (const Problem& problem : loaded.problems) {
    if (!message.empty())
      message += '\n';
    message += ToString(problem, path);
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

std::string ToString(const Problem& problem, std::string_view file) {
  return problem.line == 0
             ? fmt::format("{}: error: {}", file, problem.text)
             : fmt::format("{}:{}:{}: error: {}", file, problem.line, problem.column, problem.text);
}

Loaded<RouterSettings> ParseRouter(std::string_view toml) {
  return Parse(toml, RouterTable());
}

Loaded<RebalancerSettings> ParseRebalancer(std::string_view toml) {
  return Parse(toml, RebalancerTable());
}

absl::StatusOr<RouterSettings> LoadRouter(const std::string& path) {
  return Load(path, RouterTable());
}

absl::StatusOr<RebalancerSettings> LoadRebalancer(const std::string& path) {
  return Load(path, RebalancerTable());
}

}  // namespace pgreeve::config
