#include "admin/http/exchange.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::http {
namespace {

using testing::HasSubstr;

Request Get(std::string path, std::string method = "GET") {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  return request;
}

Handler Says(std::string text) {
  return [text](const Request&) {
    Response response;
    response.body = text;
    return response;
  };
}

TEST(Routes, ExactThenLongestPrefix) {
  Routes routes;
  routes.Add("GET", "/a/*", Says("short"));
  routes.Add("GET", "/a/b/*", Says("long"));
  routes.Add("GET", "/a/b/c", Says("exact"));
  EXPECT_EQ(routes.Answer(Get("/a/b/c")).body, "exact");
  EXPECT_EQ(routes.Answer(Get("/a/b/d")).body, "long");
  EXPECT_EQ(routes.Answer(Get("/a/")).body, "short");
  EXPECT_EQ(routes.Answer(Get("/a")).status, 404);
  EXPECT_EQ(routes.Answer(Get("")).status, 404);
}

TEST(Routes, WrongMethodNamesTheRightOnes) {
  Routes routes;
  routes.Add("GET", "/x", Says("get"));
  routes.Add("POST", "/x", Says("post"));
  EXPECT_EQ(routes.Answer(Get("/x", "POST")).body, "post");
  const Response response = routes.Answer(Get("/x", "DELETE"));
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Allow", "GET, HEAD, POST")));
}

TEST(Routes, AThrowingHandlerIsA500) {
  Routes routes;
  routes.Add("GET", "/x", [](const Request&) -> Response { throw std::runtime_error("broken"); });
  const Response response = routes.Answer(Get("/x"));
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("broken"));
}

TEST(Problem, IsEscapedJson) {
  const Response response = Problem(404, "Not \"Found\"", "at \n/");
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"about:blank\",\"status\":404,\"title\":\"Not \\\"Found\\\"\","
            "\"detail\":\"at \\n/\"}\n");
}

TEST(Request, ParametersAreDecoded) {
  Request request;
  request.query = "verbose&name=a%20b+c%2&empty=&%zz=1";
  EXPECT_TRUE(request.HasParameter("verbose"));
  EXPECT_TRUE(request.HasParameter("empty"));
  EXPECT_FALSE(request.HasParameter("verb"));
  EXPECT_EQ(request.Parameter("name"), "a b c%2");
  EXPECT_EQ(request.Parameter("verbose"), "");
  EXPECT_EQ(request.Parameter("absent"), "");
}

}  // namespace
}  // namespace pgreeve::http
