#include "router/pool/login.h"

#include <algorithm>

#include "router/auth/md5_password.h"
#include "router/auth/scram_keys.h"
#include "router/base/bytes.h"
#include "router/wire/backend_messages.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"
#include "router/wire/startup.h"

namespace pgreeve::pool {
namespace {

// The kinds of Authentication message.
enum : uint32_t {
  kAuthOk = 0,
  kAuthCleartext = 3,
  kAuthMd5 = 5,
  kAuthSasl = 10,
  kAuthSaslContinue = 11,
  kAuthSaslFinal = 12,
};

constexpr std::size_t kMd5SaltBytes = 4;

// PasswordMessage's body ends in a zero byte, SASLResponse's does not.
void AppendPassword(std::string& out, std::string_view password) {
  std::string body(password);
  body.push_back('\0');
  wire::AppendSaslResponse(out, body);
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& SessionDefaults() {
  static const std::vector<std::pair<std::string, std::string>> kDefaults = {
      {"client_encoding", "UTF8"},
      {"standard_conforming_strings", "on"},
      {"search_path", "\"$user\", public"},
      {"row_security", "on"},
      {"DateStyle", "ISO, MDY"},
      {"TimeZone", "UTC"},
      {"IntervalStyle", "postgres"},
      {"extra_float_digits", "1"},
      {"bytea_output", "hex"},
      {"default_transaction_isolation", "read committed"},
      {"default_transaction_read_only", "off"},
      {"default_transaction_deferrable", "off"},
      {"statement_timeout", "0"},
      {"lock_timeout", "0"},
      {"idle_in_transaction_session_timeout", "0"},
      {"idle_session_timeout", "0"},
      {"transform_null_equals", "off"},
      {"array_nulls", "on"},
      {"quote_all_identifiers", "off"},
      {"backslash_quote", "safe_encoding"},
      {"escape_string_warning", "on"},
      {"xmloption", "content"},
      {"xmlbinary", "base64"},
      {"default_table_access_method", "heap"},
      {"check_function_bodies", "on"},
  };
  return kDefaults;
}

std::string Login::Start() const {
  std::vector<std::pair<std::string, std::string>> parameters = {
      {"user", options_.user},
      {"database", options_.database},
      {"application_name", options_.application_name},
  };
  for (const auto& setting : SessionDefaults())
    parameters.push_back(setting);
  return wire::EncodeStartup(parameters);
}

Login::Step Login::Fail(SqlError error) {
  error_ = std::move(error);
  phase_ = Phase::kDone;
  return Step::kFailed;
}

Login::Step Login::Fail(const absl::Status& status) {
  return Fail(ToSqlError(status));
}

Login::Step Login::Malformed(std::string_view detail) {
  return Fail(SqlStatus("08P01", "the shard does not speak the protocol", detail));
}

Login::Step Login::OnMessage(const wire::Frame& frame, std::string& out) {
  if (++messages_ > kMessagesMax)
    return Malformed("Too many messages during the login.");
  switch (frame.type) {
    case wire::backend::kErrorResponse:
      return Fail(wire::DecodeError(frame.body).error);
    case wire::backend::kNoticeResponse:
      return Step::kMore;
    case wire::backend::kAuthentication:
      return OnAuthentication(frame.body, out);
    default:
      break;
  }
  if (phase_ != Phase::kIn)
    return Malformed("A message before the authentication was complete.");
  switch (frame.type) {
    case wire::backend::kParameterStatus:
      return OnParameter(frame.body);
    case wire::backend::kBackendKeyData:
      return OnKey(frame.body);
    case wire::backend::kReadyForQuery: {
      const auto status = wire::DecodeReadyForQuery(frame.body);
      if (!status.ok() || *status != 'I')
        return Malformed("A transaction is open after the login.");
      phase_ = Phase::kDone;
      return Step::kReady;
    }
    default:
      return Malformed("An unexpected message during the login.");
  }
}

Login::Step Login::OnAuthentication(std::string_view body, std::string& out) {
  if (body.size() < 4)
    return Malformed("Authentication without a kind.");
  const uint32_t kind = ReadUint32(body.data());
  body.remove_prefix(4);
  if (kind == kAuthOk) {
    // In the middle of SCRAM it would skip the shard's own proof.
    const bool in_scram = scram_.has_value() && phase_ != Phase::kProven;
    if (in_scram || phase_ == Phase::kIn || phase_ == Phase::kDone ||
        (options_.scram_only && !scram_.has_value()))
      return Fail(SqlStatus("28000", "the shard let us in without proof of the password"));
    phase_ = Phase::kIn;
    return Step::kMore;
  }
  if (kind == kAuthSaslContinue && phase_ == Phase::kScramFirst) {
    auto request = scram_->OnServerFirst(body);
    if (!request.ok())
      return Fail(request.status());
    derivation_ = *std::move(request);
    phase_ = Phase::kDeriving;
    return Step::kDerive;
  }
  if (kind == kAuthSaslFinal && phase_ == Phase::kScramFinal) {
    if (const auto status = scram_->OnServerFinal(body); !status.ok())
      return Fail(status);
    phase_ = Phase::kProven;
    return Step::kMore;
  }
  if (phase_ != Phase::kAsked)
    return Malformed("Authentication out of turn.");
  if (kind == kAuthSasl)
    return StartScram(body, out);
  if (kind == kAuthCleartext)
    return SendPassword(options_.password, out);
  if (kind == kAuthMd5 && body.size() == kMd5SaltBytes) {
    const auto hash = auth::Md5Password(options_.user, options_.password, body);
    return hash.ok() ? SendPassword(*hash, out) : Fail(hash.status());
  }
  return Fail(SqlStatus("28000",
                        "the shard asks for a way to log in that is not supported",
                        "Authentication kind " + std::to_string(kind) + "."));
}

Login::Step Login::StartScram(std::string_view mechanisms, std::string& out) {
  while (!mechanisms.empty()) {
    const std::string_view name = mechanisms.substr(0, mechanisms.find('\0'));
    if (name == auth::kScramMechanism) {
      scram_.emplace(
          auth::ScramClientOptions{.password = options_.password, .nonce = options_.nonce});
      wire::AppendSaslInitialResponse(out, auth::kScramMechanism, scram_->First());
      phase_ = Phase::kScramFirst;
      return Step::kMore;
    }
    mechanisms.remove_prefix(std::min(mechanisms.size(), name.size() + 1));
  }
  return Fail(SqlStatus("28000", "the shard does not offer SCRAM-SHA-256"));
}

Login::Step Login::SendPassword(std::string_view password, std::string& out) {
  if (options_.scram_only)
    return Fail(SqlStatus("28000", "the shard asks for a password without SCRAM-SHA-256"));
  AppendPassword(out, password);
  phase_ = Phase::kProven;
  return Step::kMore;
}

Login::Step Login::OnDerived(std::string_view salted_password, std::string& out) {
  if (phase_ != Phase::kDeriving)
    return Malformed("A derived key that nobody asked for.");
  const auto response = scram_->Finish(salted_password);
  if (!response.ok())
    return Fail(response.status());
  wire::AppendSaslResponse(out, *response);
  phase_ = Phase::kScramFinal;
  return Step::kMore;
}

Login::Step Login::OnParameter(std::string_view body) {
  const auto parameter = wire::DecodeParameterStatus(body);
  if (!parameter.ok())
    return Fail(parameter.status());
  parameters_.insert_or_assign(std::string(parameter->name), std::string(parameter->value));
  return Step::kMore;
}

Login::Step Login::OnKey(std::string_view body) {
  if (body.size() < 4 + kSecretBytesMin || body.size() > 4 + kSecretBytesMax)
    return Malformed("BackendKeyData has an impossible size.");
  pid_ = ReadUint32(body.data());
  secret_ = std::string(body.substr(4));
  return Step::kMore;
}

}  // namespace pgreeve::pool
