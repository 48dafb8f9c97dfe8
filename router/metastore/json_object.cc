#include "router/metastore/json_object.h"

#include "router/base/bytes.h"

namespace pgreeve::metastore {
namespace {

void AppendString(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00" + ToHex({&c, 1});
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

std::string JsonObject(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string out = "{";
  for (const auto& [name, value] : pairs) {
    if (value.empty())
      continue;
    if (out.size() > 1)
      out.push_back(',');
    AppendString(out, name);
    out.push_back(':');
    AppendString(out, value);
  }
  out.push_back('}');
  return out;
}

}  // namespace pgreeve::metastore
