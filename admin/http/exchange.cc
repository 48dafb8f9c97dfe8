#include "admin/http/exchange.h"

#include <algorithm>
#include <exception>
#include <optional>

#include <boost/json.hpp>

namespace pgreeve::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// application/x-www-form-urlencoded; a stray '%' stays as it is.
std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// The raw value of `name`; nothing when it is not there.
std::optional<std::string_view> FindParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name)
      return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return std::nullopt;
}

}  // namespace

std::string_view Request::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name)
      return value;
  }
  return "";
}

bool Request::HasParameter(std::string_view name) const {
  return FindParameter(query, name).has_value();
}

std::string Request::Parameter(std::string_view name) const {
  return Decode(FindParameter(query, name).value_or(""));
}

Response Problem(int status, std::string_view title, std::string_view detail) {
  boost::json::object object;
  object["type"] = "about:blank";
  object["status"] = status;
  object["title"] = boost::json::string_view(title.data(), title.size());
  if (!detail.empty())
    object["detail"] = boost::json::string_view(detail.data(), detail.size());
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(object) + "\n";
  return response;
}

void Routes::Add(std::string_view method, std::string_view path, Handler handler) {
  const auto add = [&](Entry& entry) {
    entry.by_method.emplace_back(std::string(method), std::move(handler));
  };
  if (!path.ends_with("/*"))
    return add(exact_[std::string(path)]);
  const std::string prefix(path.substr(0, path.size() - 1));
  auto it = std::find_if(
      prefixes_.begin(), prefixes_.end(), [&](const auto& known) { return known.first == prefix; });
  if (it != prefixes_.end())
    return add(it->second);
  it = std::find_if(prefixes_.begin(), prefixes_.end(), [&](const auto& known) {
    return known.first.size() < prefix.size();
  });
  add(prefixes_.insert(it, {prefix, Entry()})->second);
}

const Routes::Entry* Routes::Find(std::string_view path) const {
  if (const auto it = exact_.find(path); it != exact_.end())
    return &it->second;
  for (const auto& [prefix, entry] : prefixes_) {
    if (path.starts_with(prefix))
      return &entry;
  }
  return nullptr;
}

Response Routes::Answer(const Request& request) const {
  const Entry* entry = Find(request.path);
  if (entry == nullptr)
    return Problem(404, "Not Found", "there is nothing at " + request.path);
  std::string allowed;
  for (const auto& [method, handler] : entry->by_method) {
    if (method == request.method) {
      try {
        return handler(request);
      } catch (const std::exception& error) {
        return Problem(500, "Internal Server Error", error.what());
      }
    }
    allowed += allowed.empty() ? "" : ", ";
    allowed += method == "GET" ? "GET, HEAD" : method;
  }
  Response response = Problem(405, "Method Not Allowed", "allowed: " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace pgreeve::http
