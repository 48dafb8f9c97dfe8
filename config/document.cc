#include "config/document.h"

#include <sstream>
#include <utility>

#include <toml++/toml.h>

#include "config/load.h"

namespace pgreeve::config {
namespace {

// toml++ counts lines and columns from 1.
int Line(const toml::source_region& at) {
  return static_cast<int>(at.begin.line);
}

int Column(const toml::source_region& at) {
  return static_cast<int>(at.begin.column);
}

Raw ReadArray(const toml::array& array) {
  std::vector<std::string> texts;
  for (const toml::node& item : array) {
    const auto* text = item.as_string();
    if (text == nullptr)
      return Other{};
    texts.push_back(text->get());
  }
  return texts;
}

Raw ReadValue(const toml::node& node) {
  if (const auto* text = node.as_string())
    return text->get();
  if (const auto* number = node.as_integer())
    return number->get();
  if (const auto* real = node.as_floating_point())
    return real->get();
  if (const auto* flag = node.as_boolean())
    return flag->get();
  if (const auto* array = node.as_array())
    return ReadArray(*array);
  return Other{};
}

void Walk(const toml::table& table, const std::string& prefix, std::vector<Entry>& out) {
  for (const auto& [key, node] : table) {
    Entry entry;
    entry.name = prefix + std::string(key.str());
    entry.key_line = Line(key.source());
    entry.key_column = Column(key.source());
    entry.value_line = Line(node.source());
    entry.value_column = Column(node.source());
    if (const auto* inner = node.as_table()) {
      entry.section = true;
      const std::string inner_prefix = entry.name + ".";
      out.push_back(std::move(entry));
      Walk(*inner, inner_prefix, out);
    } else {
      entry.value = ReadValue(node);
      out.push_back(std::move(entry));
    }
  }
}

}  // namespace

std::vector<Entry> ReadDocument(std::string_view toml, std::vector<Problem>& problems) {
  std::vector<Entry> entries;
  try {
    const toml::table table = toml::parse(toml);
    Walk(table, "", entries);
  } catch (const toml::parse_error& error) {
    problems.push_back(
        {Line(error.source()), Column(error.source()), std::string(error.description())});
  }
  return entries;
}

}  // namespace pgreeve::config
