// A fake Postgres on a real loopback socket, served by the worker of the test itself: logs in,
// attaches, answers simple queries, and misbehaves on demand. It keeps what it was sent, in order,
// and which token stood when each statement ran. Worker thread only.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "router/auth/md5_password.h"
#include "router/auth/scram_server.h"
#include "router/auth/verifier.h"
#include "router/base/bytes.h"
#include "router/net/channel.h"
#include "router/net/listener.h"
#include "router/net/worker.h"
#include "router/wire/backend_messages.h"
#include "router/wire/frame.h"
#include "router/wire/message_type.h"
#include "router/wire/startup.h"

namespace pgreeve::support {

enum class FakeAuth : uint8_t { kTrust, kCleartext, kMd5, kScram };

class ScriptedBackend {
 public:
  class Session;

  struct Script {
    FakeAuth auth = FakeAuth::kTrust;
    std::string password = "secret";
    uint32_t iterations = 4096;
    // Sent in place of the answer to the startup packet.
    std::optional<std::string> garbage;
    // Closes instead of sending message number n (from 0, counted in each session). -1: never.
    int die_before_message = -1;
    // One byte in a turn of the loop.
    bool byte_by_byte = false;
    // Answers a Query; nullopt: as usual. An empty string: no answer.
    std::function<std::optional<std::string>(Session&, const std::string& sql)> on_query;
    // Keeps a CancelRequest's connection open until this is called (see cancels).
    bool hold_cancels = false;
  };

  struct Ran {
    std::string token;  // empty: none
    std::string sql;
  };

  class Session final : private net::Channel::Handler {
   public:
    Session(ScriptedBackend& server, int fd, uint32_t pid)
        : server_(server),
          pid_(pid),
          trickle_(server.worker_, [this] { Trickle(); }),
          channel_(server.worker_, fd, static_cast<net::Channel::Handler*>(this)) {}

    uint32_t pid() const { return pid_; }

    bool open() const { return channel_.is_open(); }

    void Close() { channel_.Close(); }

    // One whole message or several; counted one by one for die_before_message.
    void Send(std::string_view messages) {
      while (!messages.empty() && channel_.is_open()) {
        if (server_.script.die_before_message == sent_) {
          Flush();
          channel_.Close();
          return;
        }
        wire::Frame frame;
        if (wire::ScanFrame(messages, wire::kMessageBytesLimit, &frame) != wire::Scan::kFrame)
          frame.whole = messages;  // garbage goes out as it is
        ++sent_;
        out_ += frame.whole;
        messages.remove_prefix(frame.whole.size());
      }
      if (server_.script.byte_by_byte)
        trickle_.ArmAfter(absl::ZeroDuration());
      else
        Flush();
    }

    void SendReply(std::string_view tag, char status = 'I') {
      std::string out;
      wire::AppendCommandComplete(out, tag);
      wire::AppendReadyForQuery(out, status);
      Send(out);
    }

    std::vector<std::pair<std::string, std::string>> startup;
    std::vector<std::string> queries;  // all simple queries, in order
    std::vector<Ran> ran;              // those that are no SET, RESET or attach
    std::string token;
    std::string received;  // every byte after the login
    int terminates = 0;

   private:
    void OnReadable() override {
      const net::ReadResult read = channel_.Read(server_.worker_.scratch());
      if (read.closed) {
        channel_.Close();
        return;
      }
      const std::string_view bytes(server_.worker_.scratch().data(), read.bytes);
      in_ += bytes;
      if (logged_in_)
        received += bytes;
      while (channel_.is_open() && Step()) {
      }
    }

    void OnDrained() override {}

    void OnBroken() override {}

    // False: more bytes are needed.
    bool Step() {
      if (!started_)
        return OnStartup();
      wire::Frame frame;
      if (wire::ScanFrame(in_, wire::kMessageBytesLimit, &frame) != wire::Scan::kFrame)
        return false;
      const std::string body(frame.body);
      const char type = frame.type;
      in_.erase(0, frame.whole.size());
      if (type == wire::client::kPassword)
        OnPassword(body);
      else if (type == wire::client::kQuery)
        OnQuery(body.substr(0, body.size() - 1));
      else if (type == wire::client::kTerminate)
        ++terminates;
      return true;
    }

    bool OnStartup() {
      const auto size = wire::StartupBytes(in_);
      if (!size.ok() || *size == 0 || in_.size() < *size)
        return false;
      const auto message = wire::DecodeStartup(std::string_view(in_).substr(0, *size));
      in_.erase(0, *size);
      if (!message.ok()) {
        channel_.Close();
        return false;
      }
      if (message->kind == wire::StartupKind::kCancelRequest) {
        server_.cancels.emplace_back(message->cancel_pid, message->cancel_secret);
        if (!server_.script.hold_cancels)
          channel_.Close();
        return false;
      }
      started_ = true;
      startup = message->parameters;
      if (server_.script.garbage.has_value())
        Send(*server_.script.garbage);
      else
        AskForPassword();
      return true;
    }

    void SendAuth(uint32_t kind, std::string_view data) {
      std::string out = "R";
      AppendUint32(out, static_cast<uint32_t>(8 + data.size()));
      AppendUint32(out, kind);
      out += data;
      Send(out);
    }

    void AskForPassword() {
      switch (server_.script.auth) {
        case FakeAuth::kTrust:
          LetIn();
          break;
        case FakeAuth::kCleartext:
          SendAuth(3, "");
          break;
        case FakeAuth::kMd5:
          SendAuth(5, "salt");
          break;
        case FakeAuth::kScram: {
          // The count that is asked for need not be the one that was used: a liar's is huge.
          auth::ScramVerifier verifier =
              auth::MakeVerifier(server_.script.password, "0123456789abcdef", 4096);
          verifier.iterations = server_.script.iterations;
          scram_.emplace(auth::ScramServerOptions{.user = "u",
                                                  .verifier = verifier,
                                                  .known = true,
                                                  .nonce = auth::MakeNonce("nonce-of-the-fake")});
          SendAuth(10, std::string_view("SCRAM-SHA-256\0\0", 15));
          break;
        }
      }
    }

    void OnPassword(const std::string& body) {
      if (server_.script.auth == FakeAuth::kScram) {
        OnScram(body);
        return;
      }
      std::string expected = server_.script.password;
      if (server_.script.auth == FakeAuth::kMd5)
        expected = *auth::Md5Password(UserOf(), server_.script.password, "salt");
      passwords.push_back(body.substr(0, body.size() - 1));
      if (passwords.back() == expected)
        LetIn();
      else
        RefusePassword();
    }

    void OnScram(std::string_view body) {
      if (!scram_first_) {
        scram_first_ = true;
        body.remove_prefix(body.find('\0') + 5);  // mechanism and length
        const auto reply = scram_->OnClientFirst(body);
        if (reply.ok())
          SendAuth(11, *reply);
        else
          RefusePassword();
        return;
      }
      const auto reply = scram_->OnClientFinal(body);
      if (!reply.ok()) {
        RefusePassword();
        return;
      }
      SendAuth(12, *reply);
      LetIn();
    }

    void RefusePassword() {
      SqlError error;
      error.sqlstate = "28P01";
      error.message = "password authentication failed";
      SendError(error, "FATAL");
      Flush();
      channel_.Close();
    }

    void LetIn() {
      std::string out;
      wire::AppendAuthenticationOk(out);
      wire::AppendParameterStatus(out, "server_version", "15.9");
      wire::AppendParameterStatus(out, "TimeZone", "UTC");
      wire::AppendBackendKeyData(out, pid_, "abcd");
      wire::AppendReadyForQuery(out, 'I');
      logged_in_ = true;
      Send(out);
    }

    void OnQuery(const std::string& sql) {
      queries.push_back(sql);
      constexpr std::string_view kBind = "SET pgreeve.token = '";
      const bool is_attach = sql.find("pgreeve.attach(") != std::string::npos;
      const bool is_reset = sql.find("RESET ALL") != std::string::npos;
      if (server_.script.on_query) {
        const auto reply = server_.script.on_query(*this, sql);
        if (reply.has_value()) {
          Send(*reply);
          return;
        }
      }
      if (sql.starts_with(kBind))
        token = sql.substr(kBind.size(), sql.size() - kBind.size() - 1);
      else if (is_reset)
        token.clear();
      else if (!sql.starts_with("SET ") && !is_attach)
        ran.push_back({token, sql});
      SendReply(sql.substr(0, sql.find(' ')));
    }

    std::string UserOf() const {
      for (const auto& [name, value] : startup) {
        if (name == "user")
          return value;
      }
      return {};
    }

   public:
    void SendError(const SqlError& error, std::string_view severity = "ERROR") {
      std::string out;
      wire::AppendErrorResponse(out, error, severity);
      Send(out);
    }

    std::vector<std::string> passwords;

   private:
    void Flush() {
      channel_.Send(out_);
      out_.clear();
    }

    void Trickle() {
      if (out_.empty())
        return;
      channel_.Send(std::string_view(out_).substr(0, 1));
      out_.erase(0, 1);
      trickle_.ArmAfter(absl::ZeroDuration());
    }

    ScriptedBackend& server_;
    uint32_t pid_;
    net::Timer trickle_;
    net::Channel channel_;
    std::string in_;
    std::string out_;
    std::optional<auth::ScramServer> scram_;
    bool scram_first_ = false;
    bool started_ = false;
    bool logged_in_ = false;
    int sent_ = 0;
  };

  explicit ScriptedBackend(net::Worker& worker) : worker_(worker) { Listen(0); }

  // Stops to listen and closes everything, as a killed postmaster; Start listens again.
  void Stop() {
    listener_.reset();
    for (const auto& session : sessions)
      session->Close();
  }

  void Start() { Listen(port_); }

  uint16_t port() const { return port_; }

  // Sessions that are open now.
  std::vector<Session*> Open() const {
    std::vector<Session*> open;
    for (const auto& session : sessions) {
      if (session->open())
        open.push_back(session.get());
    }
    return open;
  }

  // All sessions' statements, in order of sessions.
  std::vector<Ran> AllRan() const {
    std::vector<Ran> all;
    for (const auto& session : sessions)
      all.insert(all.end(), session->ran.begin(), session->ran.end());
    return all;
  }

  Script script;
  std::vector<std::unique_ptr<Session>> sessions;  // closed ones and cancel requests too
  std::vector<std::pair<uint32_t, std::string>> cancels;
  int accepted = 0;

 private:
  void Listen(uint16_t port) {
    auto listener = net::Listener::Start(
        worker_,
        {.host = "127.0.0.1", .port = port},
        [this](int fd, const net::SocketAddress& /*peer*/) {
          ++accepted;
          sessions.push_back(std::make_unique<Session>(*this, fd, next_pid_++));
        });
    if (!listener.ok())
      return;
    listener_ = *std::move(listener);
    port_ = listener_->port();
  }

  net::Worker& worker_;
  std::unique_ptr<net::Listener> listener_;
  uint16_t port_ = 0;
  uint32_t next_pid_ = 1001;
};

}  // namespace pgreeve::support
