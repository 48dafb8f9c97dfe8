#include "admin/cli/tenant_list.h"

#include <fmt/format.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

constexpr std::size_t kFieldsMax = 3;

// Empty when a quote is left open.
std::vector<std::string> SplitFields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  if (quoted)
    fields.clear();
  return fields;
}

}  // namespace

absl::StatusOr<std::vector<metastore::TenantSpec>> ParseTenantList(
    std::string_view text, TenantType type, const metastore::TenantSpec& defaults) {
  std::vector<metastore::TenantSpec> specs;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty() || line.front() == '#')
      continue;
    const std::vector<std::string> fields = SplitFields(line);
    if (fields.empty() || fields.size() > kFieldsMax)
      return SqlStatus("22023",
                       fmt::format("line {} is no tenant", number),
                       "",
                       "Write id, or id,tier, or id,tier,region.");
    absl::StatusOr<TenantId> id = TenantId::FromText(type, fields[0]);
    if (!id.ok()) {
      SqlError error = ToSqlError(id.status());
      error.message = fmt::format("line {}: {}", number, error.message);
      return ToStatus(error);
    }
    metastore::TenantSpec spec = defaults;
    spec.id = *std::move(id);
    if (fields.size() > 1 && !fields[1].empty())
      spec.tier = fields[1];
    if (fields.size() > 2 && !fields[2].empty())
      spec.region = fields[2];
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace pgreeve::cli
