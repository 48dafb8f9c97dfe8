// A flat JSON object of strings, for the details of an audit row. Pure; any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace pgreeve::metastore {

// {"a":"x","b":"y"}; values are escaped, pairs with an empty value are left out.
std::string JsonObject(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);

}  // namespace pgreeve::metastore
