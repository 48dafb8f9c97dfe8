#include "admin/http/probe.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace pgreeve::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Tcp = asio::ip::tcp;

// One exchange as three steps, each started by the one before.
class Exchange {
 public:
  Exchange(const Tcp::endpoint& endpoint, std::string_view path, absl::Duration timeout)
      : stream_(io_),
        request_(bhttp::verb::get, {path.data(), path.size()}, 10) {
    request_.set(bhttp::field::host, "localhost");
    stream_.expires_after(absl::ToChronoNanoseconds(timeout));
    stream_.async_connect(endpoint, [this](beast::error_code error) { OnConnected(error); });
  }

  absl::Status Run() {
    io_.run();
    if (error_)
      return absl::UnavailableError(error_.message());
    if (response_.result_int() / 100 != 2)
      return absl::UnavailableError(std::to_string(response_.result_int()) + " " +
                                    response_.body());
    return absl::OkStatus();
  }

 private:
  void OnConnected(beast::error_code error) {
    error_ = error;
    if (!error)
      bhttp::async_write(
          stream_, request_, [this](beast::error_code failed, std::size_t) { OnWritten(failed); });
  }

  void OnWritten(beast::error_code error) {
    error_ = error;
    if (!error)
      bhttp::async_read(stream_, buffer_, response_, [this](beast::error_code failed, std::size_t) {
        error_ = failed;
      });
  }

  asio::io_context io_{1};
  beast::tcp_stream stream_;
  bhttp::request<bhttp::empty_body> request_;
  beast::flat_buffer buffer_{64 * 1024};
  bhttp::response<bhttp::string_body> response_;
  beast::error_code error_;
};

}  // namespace

absl::Status Probe(std::string address,
                   uint16_t port,
                   std::string_view path,
                   absl::Duration timeout) {
  if (address == "0.0.0.0")
    address = "127.0.0.1";
  if (address == "::")
    address = "::1";
  beast::error_code error;
  const auto where = asio::ip::make_address(address, error);
  if (error)
    return absl::UnavailableError("not an address: " + address);
  return Exchange(Tcp::endpoint(where, port), path, timeout).Run();
}

}  // namespace pgreeve::http
