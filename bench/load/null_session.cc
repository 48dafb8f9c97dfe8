#include "bench/load/null_session.h"

#include <array>
#include <cctype>
#include <utility>

#include "router/base/bytes.h"
#include "router/wire/startup.h"

namespace pgreeve::bench {
namespace {

constexpr std::size_t kEnd = std::string_view::npos;
constexpr std::size_t kVerbBytesMax = 16;

// The first word in upper case; empty for statements that return rows.
std::string VerbOf(std::string_view sql) {
  std::string verb;
  while (!sql.empty() && std::isspace(static_cast<unsigned char>(sql.front())) != 0)
    sql.remove_prefix(1);
  for (const char c : sql.substr(0, kVerbBytesMax)) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0)
      break;
    verb.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  if (verb == "SELECT" || verb == "SHOW" || verb == "WITH" || verb == "VALUES" || verb == "TABLE")
    verb.clear();
  return verb;
}

std::string_view UpToZero(std::string_view body) {
  return body.substr(0, body.find('\0'));
}

void AppendParameter(std::string& out, std::string_view name, std::string_view value) {
  std::string body(name);
  body.push_back('\0');
  body += value;
  body.push_back('\0');
  AppendMessage(out, 'S', body);
}

void AppendLogin(std::string& out, const wire::Startup& startup, uint32_t pid) {
  AppendMessage(out, 'R', std::string_view("\0\0\0\0", 4));
  using Parameter = std::pair<std::string_view, std::string_view>;
  static constexpr std::array kParameters = {Parameter{"application_name", ""},
                                             Parameter{"client_encoding", "UTF8"},
                                             Parameter{"DateStyle", "ISO, MDY"},
                                             Parameter{"default_transaction_read_only", "off"},
                                             Parameter{"in_hot_standby", "off"},
                                             Parameter{"integer_datetimes", "on"},
                                             Parameter{"IntervalStyle", "postgres"},
                                             Parameter{"is_superuser", "off"},
                                             Parameter{"server_encoding", "UTF8"},
                                             Parameter{"server_version", "15.0"},
                                             Parameter{"session_authorization", "bench"},
                                             Parameter{"standard_conforming_strings", "on"},
                                             Parameter{"TimeZone", "UTC"}};
  for (const auto& [name, value] : kParameters) {
    const std::string_view asked = startup.Get(name);
    AppendParameter(out, name, asked.empty() ? value : asked);
  }
  std::string key;
  AppendUint32(key, pid);
  AppendUint32(key, 0x6e756c6c);
  AppendMessage(out, 'K', key);
  AppendReady(out, 'I');
}

}  // namespace

bool NullSession::OnBytes(std::string_view bytes, std::string& out) {
  if (!partial_.empty()) {
    partial_ += bytes;
    bytes = partial_;
  }
  const std::size_t used = Consume(bytes, out);
  if (used == kEnd)
    return false;
  if (partial_.empty())
    partial_ = bytes.substr(used);
  else
    partial_.erase(0, used);
  return true;
}

std::size_t NullSession::Consume(std::string_view bytes, std::string& out) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const std::string_view rest = bytes.substr(used);
    if (!started_) {
      const std::size_t size = OnStartup(rest, out);
      if (size == kEnd || size == 0)
        return size == kEnd ? kEnd : used;
      used += size;
      continue;
    }
    wire::Frame frame;
    const wire::Scan scan = wire::ScanFrame(rest, wire::kMessageBytesLimit, &frame);
    if (scan == wire::Scan::kNeedMore)
      break;
    if (scan == wire::Scan::kBad || !OnFrame(frame, out))
      return kEnd;
    used += frame.whole.size();
  }
  return used;
}

std::size_t NullSession::OnStartup(std::string_view bytes, std::string& out) {
  const auto size = wire::StartupBytes(bytes);
  if (!size.ok())
    return kEnd;
  if (*size == 0 || bytes.size() < *size)
    return 0;
  const auto startup = wire::DecodeStartup(bytes.substr(0, *size));
  if (!startup.ok() || startup->kind == wire::StartupKind::kCancelRequest)
    return kEnd;
  if (startup->kind != wire::StartupKind::kStartup) {
    out.push_back('N');
    return *size;
  }
  AppendLogin(out, *startup, pid_);
  started_ = true;
  return *size;
}

bool NullSession::OnFrame(const wire::Frame& frame, std::string& out) {
  switch (frame.type) {
    case 'Q':
      OnQuery(UpToZero(frame.body), out);
      return true;
    case 'P':
      OnParse(frame.body, out);
      return true;
    case 'B':
      OnBind(frame.body, out);
      return true;
    case 'D':
      OnDescribe(frame.body, out);
      return true;
    case 'E':
      OnExecute(out);
      return true;
    case 'C':
      AppendMessage(out, '3', {});
      return true;
    case 'S':
      AppendReady(out, status_);
      return true;
    case 'c':
    case 'f':
      if (std::exchange(copying_, false)) {
        AppendCommandComplete(out, "COPY 0");
        AppendReady(out, status_);
      }
      return true;
    case 'H':
    case 'd':
      return true;
    default:
      return false;
  }
}

std::string NullSession::Run(std::string_view verb) {
  if (verb == "BEGIN" || verb == "START")
    status_ = 'T';
  else if (verb == "COMMIT" || verb == "ROLLBACK" || verb == "END" || verb == "ABORT")
    status_ = 'I';
  if (verb == "INSERT")
    return "INSERT 0 1";
  if (verb == "UPDATE" || verb == "DELETE")
    return std::string(verb) + " 1";
  return std::string(verb);
}

void NullSession::OnQuery(std::string_view sql, std::string& out) {
  const std::string verb = VerbOf(sql);
  if (verb.empty()) {
    if (sql.find("bulk") != std::string_view::npos) {
      out += answers_.bulk();
      AppendReady(out, status_);
    } else if (status_ == 'I') {
      out += answers_.whole_row();
    } else {
      out += answers_.row_description();
      out += answers_.row();
      AppendReady(out, status_);
    }
    return;
  }
  if (verb == "COPY") {
    copying_ = true;
    AppendMessage(out, 'G', std::string_view("\0\0\0", 3));  // text, no columns
    return;
  }
  AppendCommandComplete(out, Run(verb));
  AppendReady(out, status_);
}

void NullSession::OnParse(std::string_view body, std::string& out) {
  const std::string_view name = UpToZero(body);
  body.remove_prefix(std::min(body.size(), name.size() + 1));
  std::string verb = VerbOf(UpToZero(body));
  if (!verb.empty())
    verbs_.insert_or_assign(std::string(name), std::move(verb));
  else if (!verbs_.empty())
    verbs_.erase(std::string(name));
  AppendMessage(out, '1', {});
}

void NullSession::OnBind(std::string_view body, std::string& out) {
  portal_verb_.clear();
  if (!verbs_.empty()) {
    body.remove_prefix(std::min(body.size(), UpToZero(body).size() + 1));
    const auto found = verbs_.find(std::string(UpToZero(body)));
    if (found != verbs_.end())
      portal_verb_ = found->second;
  }
  AppendMessage(out, '2', {});
}

void NullSession::OnExecute(std::string& out) {
  if (portal_verb_.empty())
    out += answers_.row();
  else
    AppendCommandComplete(out, Run(portal_verb_));
}

void NullSession::OnDescribe(std::string_view body, std::string& out) const {
  bool rows = portal_verb_.empty();
  if (body.starts_with('S')) {
    AppendMessage(out, 't', std::string_view("\0\0", 2));
    rows = !verbs_.contains(std::string(UpToZero(body.substr(1))));
  }
  if (rows)
    out += answers_.row_description();
  else
    AppendMessage(out, 'n', {});
}

}  // namespace pgreeve::bench
