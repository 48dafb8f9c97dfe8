// The pages and files that are written from the table of settings.
#include <fmt/format.h>

#include "config/load.h"
#include "config/settings_table.h"
#include "config/value.h"

namespace pgreeve::config {
namespace {

std::string_view SectionOf(std::string_view name) {
  return name.substr(0, name.find('.'));
}

std::string_view KeyOf(std::string_view name) {
  return name.substr(name.find('.') + 1);
}

std::string DefaultAsToml(const Setting& setting) {
  const absl::StatusOr<Value> value = ParseText(setting, setting.default_value);
  return value.ok() ? PrintToml(setting, *value) : "";
}

// `|` would end a cell.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|')
      out += '\\';
    out += c;
  }
  return out;
}

std::string TypeCell(const Setting& setting) {
  std::string text(TypeName(setting.type));
  if (!setting.unit.empty())
    text += fmt::format(" ({})", setting.unit);
  const std::string range = PrintRange(setting);
  return range.empty() ? text : fmt::format("{}, {}", text, Cell(range));
}

template <class S>
std::string Tables(const std::vector<Row<S>>& table) {
  std::string out;
  std::string_view section;
  for (const Row<S>& row : table) {
    const Setting& setting = row.setting;
    if (SectionOf(setting.name) != section) {
      section = SectionOf(setting.name);
      out += fmt::format(
          "\n### [{}]\n\n| Setting | Default | Type and range | Reload | Meaning |\n"
          "| --- | --- | --- | --- | --- |\n",
          section);
    }
    out += fmt::format("| `{}` | `{}` | {} | {} | {} |\n",
                       setting.name,
                       DefaultAsToml(setting),
                       TypeCell(setting),
                       setting.reload == Reload::kNow ? "now" : "restart",
                       Cell(setting.help));
  }
  return out;
}

// Help texts in lines of at most 96 characters behind "# ".
std::string Comment(std::string_view text) {
  constexpr std::size_t kWidth = 96;
  std::string out;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > kWidth) {
      end = text.rfind(' ', kWidth);
      if (end == std::string_view::npos)
        end = text.size();
    }
    out += fmt::format("# {}\n", text.substr(0, end));
    text.remove_prefix(end == text.size() ? end : end + 1);
  }
  return out;
}

template <class S>
std::string Defaults(const std::vector<Row<S>>& table) {
  std::string out;
  std::string_view section;
  for (const Row<S>& row : table) {
    const Setting& setting = row.setting;
    if (SectionOf(setting.name) != section) {
      section = SectionOf(setting.name);
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
    }
    out += Comment(setting.help);
    const std::string range = PrintRange(setting);
    if (!range.empty())
      out += fmt::format("# {} {}\n", range, setting.unit);
    out += fmt::format("#{} = {}\n", KeyOf(setting.name), DefaultAsToml(setting));
  }
  return out;
}

}  // namespace

std::string DefaultsFile(std::string_view program) {
  return program == "rebalancer" ? Defaults(RebalancerTable()) : Defaults(RouterTable());
}

std::string Effective(const RouterSettings& settings) {
  RouterSettings copy = settings;
  std::string out;
  std::string_view section;
  for (const Row<RouterSettings>& row : RouterTable()) {
    if (SectionOf(row.setting.name) != section) {
      section = SectionOf(row.setting.name);
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
    }
    const Value value = Fetch(row.setting, row.place(copy));
    if (row.setting.type == Type::kSecret)
      out += fmt::format("# {} {}\n", KeyOf(row.setting.name), Print(row.setting, value));
    else
      out += fmt::format("{} = {}\n", KeyOf(row.setting.name), PrintToml(row.setting, value));
  }
  return out;
}

std::string ReferencePage() {
  return fmt::format(
      "<!-- Written by `reference_doc settings` from config/settings_table.cc; do not edit. -->\n"
      "# Settings\n\n"
      "One file, TOML, for `pgreeve-router` and `pgreeve-rebalancer` (each reads its own "
      "sections);\n"
      "conventionally `/etc/pgreeve/pgreeve.toml`. `--check-config` names file, line and column "
      "of\n"
      "each mistake; unknown keys are errors. Durations are `\"200ms\"`, `\"5s\"`, `\"10min\"`, "
      "`\"1h\"`,\n"
      "sizes `\"64kB\"`, `\"64MB\"`, `\"1GB\"` (1 kB = 1024 bytes). A secret may be written as\n"
      "`\"env:NAME\"` or `\"file:/path\"`. *Reload* says when a change counts after SIGHUP or "
      "RELOAD:\n"
      "`now`, or at the next `restart`. Shards, tenants and logins are not here: they live in the\n"
      "catalog.\n\n"
      "## pgreeve-router\n{}\n## pgreeve-rebalancer\n{}",
      Tables(RouterTable()),
      Tables(RebalancerTable()));
}

}  // namespace pgreeve::config
