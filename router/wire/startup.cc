#include "router/wire/startup.h"

#include <algorithm>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/wire/message_reader.h"
#include "router/wire/message_writer.h"

namespace pgreeve::wire {
namespace {

constexpr std::size_t kStartupBytesMin = 8;  // length and code
constexpr uint32_t kProtocol3 = 3U << 16;
// Requests share the place of the version number, under a major version nobody will use.
constexpr uint32_t kCancelRequestCode = 1234U << 16 | 5678;
constexpr uint32_t kSslRequestCode = 1234U << 16 | 5679;
constexpr uint32_t kGssEncRequestCode = 1234U << 16 | 5680;
constexpr std::size_t kCancelSecretBytesMin = 4;
constexpr std::size_t kCancelSecretBytesMax = 256;
constexpr std::string_view kProtocolOptionPrefix = "_pq_.";

absl::Status Malformed(std::string_view what) {
  return SqlStatus("08P01", "invalid startup packet: " + std::string(what));
}

absl::StatusOr<Startup> DecodeCancel(MessageReader& reader) {
  Startup startup;
  startup.kind = StartupKind::kCancelRequest;
  startup.cancel_pid = reader.Uint32();
  if (!reader.ok() || reader.left() < kCancelSecretBytesMin ||
      reader.left() > kCancelSecretBytesMax)
    return Malformed("a cancel key has 4 to 256 bytes");
  startup.cancel_secret = std::string(reader.rest());
  return startup;
}

absl::StatusOr<Startup> RequestOf(StartupKind kind, const MessageReader& reader) {
  if (!reader.done())
    return Malformed("an encryption request has no body");
  Startup startup;
  startup.kind = kind;
  return startup;
}

// Two values under one name would let the two ends of a login disagree about who logs in.
absl::Status CheckUnique(std::vector<std::string_view> names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    return Malformed("parameter \"" + std::string(*twice) + "\" is given more than once");
  return absl::OkStatus();
}

absl::StatusOr<Startup> DecodeParameters(MessageReader& reader, uint16_t minor) {
  Startup startup;
  startup.minor = minor;
  std::vector<std::string_view> names;
  while (true) {
    const std::string_view name = reader.CString();
    if (!reader.ok())
      return Malformed("a name or the terminator is missing");
    if (name.empty())
      break;
    const std::string_view value = reader.CString();
    if (!reader.ok())
      return Malformed("a value is missing");
    names.push_back(name);
    if (name.starts_with(kProtocolOptionPrefix))
      startup.unknown_protocol_options.emplace_back(name);
    else
      startup.parameters.emplace_back(name, value);
  }
  if (!reader.done())
    return Malformed("the terminator is not the last byte");
  RETURN_IF_ERROR(CheckUnique(std::move(names)));
  return startup;
}

bool IsBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// pg_split_opts() in src/backend/utils/init/postinit.c: a backslash takes the next character as it
// is, even a blank; one at the end stands for nothing.
std::vector<std::string> SplitOptions(std::string_view text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && IsBlank(text[at]))
      at++;
    if (at == text.size())
      return words;
    std::string& word = words.emplace_back();
    for (; at < text.size() && !IsBlank(text[at]); at++) {
      if (text[at] == '\\' && ++at == text.size())
        return words;
      word.push_back(text[at]);
    }
  }
}

// "name=value", a hyphen in the name meaning an underscore (ParseLongOption() in guc.c).
absl::StatusOr<std::pair<std::string, std::string>> ParseSetting(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos)
    return SqlStatus("42601", "option \"" + std::string(text) + "\" requires a value");
  if (equals == 0)
    return SqlStatus("42601", "option \"" + std::string(text) + "\" has no name");
  std::string name(text.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  return std::pair(std::move(name), std::string(text.substr(equals + 1)));
}

}  // namespace

std::string_view Startup::Get(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name)
      return value;
  }
  return {};
}

absl::StatusOr<std::size_t> StartupBytes(std::string_view bytes) {
  if (bytes.size() < 4)
    return std::size_t{0};
  const uint32_t length = ReadUint32(bytes.data());
  if (length < kStartupBytesMin || length > kStartupBytesMax)
    return SqlStatus("08P01", "invalid length of startup packet");
  return std::size_t{length};
}

absl::StatusOr<Startup> DecodeStartup(std::string_view message) {
  ASSIGN_OR_RETURN(const std::size_t size, StartupBytes(message));
  if (size == 0 || size != message.size())
    return SqlStatus("08P01", "invalid length of startup packet");
  MessageReader reader(message.substr(4));
  const uint32_t code = reader.Uint32();
  switch (code) {
    case kCancelRequestCode:
      return DecodeCancel(reader);
    case kSslRequestCode:
      return RequestOf(StartupKind::kSslRequest, reader);
    case kGssEncRequestCode:
      return RequestOf(StartupKind::kGssEncRequest, reader);
    default:
      break;
  }
  const auto minor = static_cast<uint16_t>(code & 0xffff);
  if (code >> 16 != 3) {
    return SqlStatus("0A000",
                     "unsupported protocol version " + std::to_string(code >> 16) + "." +
                         std::to_string(minor) + ": only version 3 is supported");
  }
  return DecodeParameters(reader, minor);
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseOptions(
    std::string_view options) {
  std::vector<std::pair<std::string, std::string>> settings;
  const std::vector<std::string> words = SplitOptions(options);
  for (std::size_t i = 0; i < words.size(); i++) {
    std::string_view word = words[i];
    if (word == "-c") {
      if (++i == words.size())
        return SqlStatus("42601", "option -c requires an argument");
      word = words[i];
    } else if (word.starts_with("-c") || word.starts_with("--")) {
      word.remove_prefix(2);
    } else {
      return SqlStatus("42601",
                       "invalid command-line argument for server process: " + words[i],
                       "",
                       "Only -c name=value and --name=value are understood.");
    }
    ASSIGN_OR_RETURN(auto setting, ParseSetting(word));
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::string EncodeStartup(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string out;
  {
    MessageWriter message(out);
    message.Uint32(kProtocol3);
    for (const auto& [name, value] : parameters)
      message.CString(name).CString(value);
    message.Byte('\0');
  }
  return out;
}

std::string EncodeCancelRequest(uint32_t pid, std::string_view secret) {
  std::string out;
  {
    MessageWriter message(out);
    message.Uint32(kCancelRequestCode).Uint32(pid).Bytes(secret);
  }
  return out;
}

}  // namespace pgreeve::wire
