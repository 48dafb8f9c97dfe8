#include "admin/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgreeve::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A blocking client that gives up after 20 s, so that a hanging server fails the test.
class Client {
 public:
  explicit Client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }

  ~Client() { ::close(fd_); }

  bool connected() const { return connected_; }

  void Send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  // Everything until the server closes.
  std::string ReadAll() {
    std::string out;
    char buffer[4096];
    for (ssize_t n; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      out.append(buffer, static_cast<std::size_t>(n));
    return out;
  }

  // Until `end` was seen.
  std::string ReadUntil(std::string_view end) {
    std::string out;
    char c;
    while (!out.ends_with(end) && ::recv(fd_, &c, 1, 0) == 1)
      out += c;
    return out;
  }

 private:
  int fd_;
  bool connected_ = false;
};

std::unique_ptr<HttpServer> Start(ServerOptions options = {}) {
  Routes routes;
  routes.Add("GET", "/hello", [](const Request& request) {
    Response response;
    response.body = "hello " + request.Parameter("name");
    return response;
  });
  routes.Add("POST", "/echo", [](const Request& request) {
    Response response;
    response.body = request.body + "|" + std::string(request.Header("x-test"));
    return response;
  });
  auto server = HttpServer::Start(std::move(options), std::move(routes));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

std::string Exchange(const HttpServer& server, std::string_view request) {
  Client client(server.port());
  client.Send(request);
  return client.ReadAll();
}

TEST(HttpServer, AnswersAndCloses) {
  const auto server = Start();
  const std::string answer =
      Exchange(*server, "GET /hello?name=you HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello you"));
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  const auto server = Start();
  const std::string answer = Exchange(*server, "HEAD /hello?name=you HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, KeepsTheConnectionForPipelinedRequests) {
  const auto server = Start();
  Client client(server->port());
  const std::string_view one = "GET /hello?name=1 HTTP/1.1\r\nHost: x\r\n\r\n";
  client.Send(std::string(one) + std::string(one) +
              "GET /hello?name=3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_THAT(answer, HasSubstr("hello 1HTTP/1.1 200"));
  EXPECT_THAT(answer, EndsWith("hello 3"));
}

TEST(HttpServer, ReadsBodiesAndHeadersByteByByte) {
  const auto server = Start();
  Client client(server->port());
  const std::string_view request =
      "POST /echo HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\nContent-Length: 4\r\nConnection: "
      "close\r\n\r\nbody";
  for (const char c : request)
    client.Send(std::string_view(&c, 1));
  EXPECT_THAT(client.ReadAll(), EndsWith("body|yes"));
}

TEST(HttpServer, RefusesGarbageAndOversize) {
  ServerOptions options;
  options.header_bytes_max = 1024;
  options.body_bytes_max = 100;
  const auto server = Start(options);
  EXPECT_THAT(Exchange(*server, "\x16\x03\x01\x02 garbage\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Exchange(*server, "GET / HTTP/1.1\r\nA: " + std::string(5000, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  const std::string answer = Exchange(*server,
                                      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
                                      "\r\n" +
                                          std::string(5000, 'b'));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, HasSubstr("application/problem+json"));
  EXPECT_THAT(Exchange(*server, "GET /nothing HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 404"));
  EXPECT_THAT(Exchange(*server, "DELETE /hello HTTP/1.0\r\n\r\n"), HasSubstr("Allow: GET, HEAD"));
}

TEST(HttpServer, SlowClientsTimeOut) {
  ServerOptions options;
  options.request_timeout = absl::Milliseconds(100);
  options.idle_timeout = absl::Milliseconds(100);
  const auto server = Start(options);
  Client silent(server->port());
  Client slow(server->port());
  slow.Send("GET /hello HT");
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_THAT(slow.ReadAll(), Not(HasSubstr("200")));
}

TEST(HttpServer, TooManyConnectionsAreTold) {
  ServerOptions options;
  options.connections_max = 1;
  const auto server = Start(options);
  Client first(server->port());
  first.Send("GET /hello?name=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.ReadUntil("hello 1"), StartsWith("HTTP/1.1 200"));
  Client second(server->port());
  EXPECT_THAT(second.ReadAll(), StartsWith("HTTP/1.1 503"));
}

TEST(HttpServer, StopsWithOpenConnections) {
  auto server = Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(server->port()));
    clients.back()->Send("GET /hello HTTP/1.1\r\nHo");
  }
  const uint16_t port = server->port();
  server.reset();
  for (auto& client : clients)
    EXPECT_EQ(client->ReadAll(), "");
  EXPECT_FALSE(Client(port).connected());
}

TEST(HttpServer, BindErrorsAreValues) {
  const auto server = Start();
  ServerOptions taken;
  taken.port = server->port();
  EXPECT_EQ(HttpServer::Start(taken, Routes()).status().code(), absl::StatusCode::kUnavailable);
  ServerOptions wrong;
  wrong.address = "not an address";
  EXPECT_EQ(HttpServer::Start(wrong, Routes()).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace pgreeve::http
