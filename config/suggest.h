// "Did you mean …": the known name that is nearest to a mistyped one. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

namespace pgreeve::config {

// Empty when nothing is near (more than a third of the letters differ).
std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace pgreeve::config
