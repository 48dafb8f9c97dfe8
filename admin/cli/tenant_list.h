// Lists of tenants to create, as people keep them in files. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "router/base/tenant_id.h"
#include "router/metastore/rows.h"

namespace pgreeve::cli {

// One tenant a line: id[,tier[,region]]. Blank lines and lines that begin with # are skipped; what
// a line leaves out comes from `defaults`. An id that contains a comma or begins with # stands in
// double quotes, which are doubled inside. Errors: 22023 and those of TenantId, with the line.
absl::StatusOr<std::vector<metastore::TenantSpec>> ParseTenantList(
    std::string_view text, TenantType type, const metastore::TenantSpec& defaults);

}  // namespace pgreeve::cli
