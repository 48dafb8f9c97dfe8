// One HTTP request and its answer as values, and the table that finds the handler of a path.
// Handlers run on the server's thread, one at a time; they must not block for long.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/base/string_map.h"

namespace pgreeve::http {

struct Request {
  std::string method;  // "GET" also for HEAD: the server leaves the body out
  std::string path;    // decoded, without the query
  std::string query;   // what stands behind '?', as sent
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string remote;                                        // "127.0.0.1:51234"

  // Empty: not sent. `name` in lower case.
  std::string_view Header(std::string_view name) const;
  // Whether `name` stands in the query, with or without a value.
  bool HasParameter(std::string_view name) const;
  // Decoded value of `name` in the query; empty: not there.
  std::string Parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
};

// application/problem+json (RFC 9457).
Response Problem(int status, std::string_view title, std::string_view detail = "");

using Handler = std::function<Response(const Request&)>;

// Built before the server starts, then immutable.
class Routes {
 public:
  // `path` is exact, or a prefix when it ends in "/*". Method GET serves HEAD as well.
  void Add(std::string_view method, std::string_view path, Handler handler);

  // Answers 404 and 405 (with Allow) itself; a handler that throws becomes a 500.
  Response Answer(const Request& request) const;

 private:
  struct Entry {
    std::vector<std::pair<std::string, Handler>> by_method;
  };

  const Entry* Find(std::string_view path) const;

  StringMap<Entry> exact_;
  std::vector<std::pair<std::string, Entry>> prefixes_;  // longest first
};

}  // namespace pgreeve::http
