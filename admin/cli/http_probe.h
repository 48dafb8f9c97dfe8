// One GET to a router's or rebalancer's own port, for figures that only it has. Main thread only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace pgreeve::cli {

// The body of a 200 answer. `address` is host:port. Errors: 08001 whatever goes wrong; gives up
// after two seconds without progress and beyond 16 MB.
absl::StatusOr<std::string> HttpGet(std::string_view address, std::string_view path);

// The body of an HTTP/1.x answer with status 200 whose body ends with the connection. Pure.
std::optional<std::string> HttpBody(std::string_view answer);

// The value of a metric without labels on a Prometheus page. Pure.
std::optional<double> MetricValue(std::string_view page, std::string_view name);

}  // namespace pgreeve::cli
