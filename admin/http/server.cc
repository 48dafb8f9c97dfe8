#include "admin/http/server.h"

#include <array>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace pgreeve::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

using Executor = asio::io_context::executor_type;
using Tcp = asio::ip::tcp;
using Stream = beast::basic_stream<Tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using Socket = asio::basic_stream_socket<Tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
using BeastRequest = bhttp::request<bhttp::string_body>;

// Errors come back as values.
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable_t<Executor>());

constexpr std::size_t kReadBytes = 4096;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
// What a client may still send after its request was refused, so that it can read why.
constexpr std::size_t kLingerBytesMax = 256 * 1024;
constexpr auto kLingerTime = std::chrono::seconds(1);
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 21\r\n"
    "Content-Type: text/plain\r\n\r\ntoo many connections\n";

std::string Text(beast::string_view text) {
  return std::string(text.data(), text.size());
}

std::string Lower(beast::string_view text) {
  std::string out = Text(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

Request Convert(const BeastRequest& from, const std::string& remote) {
  Request request;
  request.method = from.method() == bhttp::verb::head ? "GET" : Text(from.method_string());
  const std::string target = Text(from.target());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos)
    request.query = target.substr(question + 1);
  request.body = from.body();
  for (const auto& field : from)
    request.headers.emplace_back(Lower(field.name_string()), Text(field.value()));
  request.remote = remote;
  return request;
}

struct Reply {
  int status_version = 11;
  bool head = false;
  bool keep_alive = false;
};

template <class Message>
void FillHeader(Message& message, const Response& response, const Reply& reply) {
  message.version(static_cast<unsigned>(reply.status_version));
  message.result(static_cast<unsigned>(response.status));
  message.set(bhttp::field::content_type, response.content_type);
  message.set(bhttp::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers)
    message.set(name, value);
  message.keep_alive(reply.keep_alive);
}

// The status of the answer to a request that could not be read; 0: none, the peer is gone.
int StatusOf(const beast::error_code& error) {
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow)
    return 431;
  if (error == bhttp::error::body_limit)
    return 413;
  if (error == beast::error::timeout)
    return 408;
  if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message)
    return 0;
  return error.category() == bhttp::make_error_code(bhttp::error::bad_method).category() ? 400 : 0;
}

std::chrono::nanoseconds Chrono(absl::Duration d) {
  return absl::ToChronoNanoseconds(d);
}

}  // namespace

struct HttpServer::State {
  State(ServerOptions server_options, Routes server_routes)
      : options(std::move(server_options)),
        routes(std::move(server_routes)) {}

  ServerOptions options;
  Routes routes;
  asio::io_context io{1};
  Acceptor acceptor{io};
  Timer pause{io};
  std::set<std::shared_ptr<Stream>> streams;
  bool stopping = false;
  uint16_t port = 0;
  std::thread thread;

  Task<void> Accept();
  Task<void> Serve(std::shared_ptr<Stream> stream, std::string remote);
  Task<bool> Send(Stream& stream, Response response, Reply reply);
  Task<void> Linger(Stream& stream);
  void Begin(Socket socket);
  void Stop();
};

// Both kinds of message are written the same way; HEAD tells the length and sends no body.
Task<bool> HttpServer::State::Send(Stream& stream, Response response, Reply reply) {
  stream.expires_after(Chrono(options.request_timeout));
  if (reply.head) {
    bhttp::response<bhttp::empty_body> message;
    FillHeader(message, response, reply);
    message.content_length(response.body.size());
    const auto [error, bytes] = co_await bhttp::async_write(stream, message, kAsTuple);
    co_return !error;
  }
  bhttp::response<bhttp::string_body> message;
  FillHeader(message, response, reply);
  message.body() = std::move(response.body);
  message.prepare_payload();
  const auto [error, bytes] = co_await bhttp::async_write(stream, message, kAsTuple);
  co_return !error;
}

Task<void> HttpServer::State::Linger(Stream& stream) {
  beast::error_code ignored;
  stream.socket().shutdown(Socket::shutdown_send, ignored);
  stream.expires_after(kLingerTime);
  std::array<char, kReadBytes> scratch{};
  for (std::size_t seen = 0; seen < kLingerBytesMax;) {
    const asio::mutable_buffer into = asio::buffer(scratch);
    const auto [error, bytes] = co_await stream.async_read_some(into, kAsTuple);
    if (error)
      break;
    seen += bytes;
  }
}

Task<void> HttpServer::State::Serve(std::shared_ptr<Stream> stream, std::string remote) {
  beast::flat_buffer buffer(options.header_bytes_max + kReadBytes);
  bool open = true;
  while (open && !stopping) {
    if (buffer.size() == 0) {
      stream->expires_after(Chrono(options.idle_timeout));
      const auto into = buffer.prepare(kReadBytes);
      const auto [error, bytes] = co_await stream->async_read_some(into, kAsTuple);
      if (error)
        break;
      buffer.commit(bytes);
    }
    bhttp::request_parser<bhttp::string_body> parser;
    parser.header_limit(static_cast<uint32_t>(options.header_bytes_max));
    parser.body_limit(options.body_bytes_max);
    stream->expires_after(Chrono(options.request_timeout));
    const auto [error, bytes] = co_await bhttp::async_read(*stream, buffer, parser, kAsTuple);
    Reply reply;
    if (error) {
      const int status = StatusOf(error);
      if (status == 0)
        break;
      Response refusal = Problem(status, "Request refused", error.message());
      if (co_await Send(*stream, std::move(refusal), reply))
        co_await Linger(*stream);
      break;
    }
    const BeastRequest& request = parser.get();
    reply.status_version = static_cast<int>(request.version());
    reply.head = request.method() == bhttp::verb::head;
    reply.keep_alive = request.keep_alive() && !stopping;
    Response response = routes.Answer(Convert(request, remote));
    open = co_await Send(*stream, std::move(response), reply) && reply.keep_alive;
  }
  beast::error_code ignored;
  stream->socket().shutdown(Socket::shutdown_both, ignored);
}

void HttpServer::State::Begin(Socket socket) {
  beast::error_code error;
  if (streams.size() >= options.connections_max) {
    // One write that does not wait: who floods us gets no coroutine.
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(kFull.data(), kFull.size()), error);
    return;
  }
  const Tcp::endpoint peer = socket.remote_endpoint(error);
  std::ostringstream remote;
  if (!error)
    remote << peer;
  auto stream = std::make_shared<Stream>(std::move(socket));
  streams.insert(stream);
  asio::co_spawn(io, Serve(stream, remote.str()), [this, stream](const std::exception_ptr&) {
    streams.erase(stream);
  });
}

Task<void> HttpServer::State::Accept() {
  while (!stopping) {
    auto [error, socket] = co_await acceptor.async_accept(kAsTuple);
    if (stopping)
      break;
    if (!error) {
      Begin(std::move(socket));
      continue;
    }
    // Out of descriptors, mostly: not a reason to spin.
    pause.expires_after(kAcceptPause);
    (void)co_await pause.async_wait(kAsTuple);
  }
}

// Server thread. The coroutines end by themselves once their sockets are closed, so the io_context
// is never destroyed under a live one.
void HttpServer::State::Stop() {
  stopping = true;
  beast::error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (const auto& stream : streams)
    stream->close();
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

// What could throw here (the thread is ours and runs) would be our own mistake.
// NOLINTNEXTLINE(bugprone-exception-escape)
HttpServer::~HttpServer() {
  asio::post(state_->io, [state = state_.get()] { state->Stop(); });
  state_->thread.join();
}

uint16_t HttpServer::port() const {
  return state_->port;
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(ServerOptions options,
                                                              Routes routes) {
  beast::error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error)
    return absl::InvalidArgumentError("not an address: " + options.address);
  const std::string where = options.address + ":" + std::to_string(options.port);
  const Tcp::endpoint endpoint(address, options.port);
  auto state = std::make_unique<State>(std::move(options), std::move(routes));
  Acceptor& acceptor = state->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error)
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error)
    acceptor.bind(endpoint, error);
  if (!error)
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return absl::UnavailableError("cannot listen on " + where + ": " + error.message());
  state->port = acceptor.local_endpoint(error).port();
  asio::co_spawn(state->io, state->Accept(), [](const std::exception_ptr&) {});
  state->thread = std::thread([io = &state->io] { io->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

}  // namespace pgreeve::http
