#include "admin/http/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/http/server.h"

namespace pgreeve::http {
namespace {

TEST(Probe, TellsWellFromUnwell) {
  Routes routes;
  routes.Add("GET", "/livez", [](const Request&) { return Response(); });
  routes.Add("GET", "/readyz", [](const Request&) { return Problem(503, "catalog is away"); });
  auto server = HttpServer::Start({}, std::move(routes));
  ASSERT_TRUE(server.ok());
  const uint16_t port = (*server)->port();
  EXPECT_TRUE(Probe("127.0.0.1", port, "/livez").ok());
  EXPECT_TRUE(Probe("0.0.0.0", port, "/livez").ok());
  EXPECT_THAT(std::string(Probe("127.0.0.1", port, "/readyz").message()),
              testing::HasSubstr("503"));
  server->reset();
  EXPECT_FALSE(Probe("127.0.0.1", port, "/livez").ok());
  EXPECT_FALSE(Probe("localhost", port, "/livez").ok());
}

}  // namespace
}  // namespace pgreeve::http
