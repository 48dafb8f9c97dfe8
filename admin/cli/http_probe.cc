#include "admin/cli/http_probe.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "router/base/status.h"

namespace pgreeve::cli {
namespace {

constexpr std::size_t kAnswerBytesMax = 16UL << 20;
constexpr timeval kPatience{2, 0};

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}

  ~Socket() {
    if (fd_ >= 0)
      close(fd_);
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

bool Exchange(const addrinfo& to, const std::string& request, std::string& answer) {
  const Socket link(socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC, to.ai_protocol));
  if (link.fd() < 0)
    return false;
  setsockopt(link.fd(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(link.fd(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (connect(link.fd(), to.ai_addr, to.ai_addrlen) != 0 ||
      send(link.fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size()))
    return false;
  std::array<char, 65536> chunk;
  while (answer.size() < kAnswerBytesMax) {
    const ssize_t n = recv(link.fd(), chunk.data(), chunk.size(), 0);
    if (n <= 0)
      return n == 0;
    answer.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> HttpGet(std::string_view address, std::string_view path) {
  const auto failed = SqlStatus("08001", fmt::format("http://{}{} does not answer", address, path));
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos)
    return failed;
  std::string host(address.substr(0, colon));
  const std::string port(address.substr(colon + 1));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0)
    return failed;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  const std::string request =
      fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n", path, address);
  for (const addrinfo* to = found; to != nullptr; to = to->ai_next) {
    std::string answer;
    if (!Exchange(*to, request, answer))
      continue;
    if (auto body = HttpBody(answer))
      return *std::move(body);
  }
  return failed;
}

std::optional<std::string> HttpBody(std::string_view answer) {
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string_view::npos || !answer.starts_with("HTTP/1.") || answer.size() < 12 ||
      answer.substr(8, 4) != " 200")
    return std::nullopt;
  return std::string(answer.substr(head + 4));
}

std::optional<double> MetricValue(std::string_view page, std::string_view name) {
  while (!page.empty()) {
    const std::size_t end = page.find('\n');
    const std::string_view line = page.substr(0, end);
    page = end == std::string_view::npos ? std::string_view() : page.substr(end + 1);
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ')
      continue;
    const std::string_view number = line.substr(name.size() + 1);
    double value = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error == std::errc() && stop != number.data())
      return value;
  }
  return std::nullopt;
}

}  // namespace pgreeve::cli
