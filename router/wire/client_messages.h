// Messages a client sends, decoded. Views point into the message. Decoders never trust a length or
// a count. Pure; any thread.
// Errors of all decoders: 08P01 with what was wrong; DecodeBind also 22023 for a format code that
// is neither text nor binary. Source: PostgreSQL 15 §55.7.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/inlined_vector.h>
#include <absl/status/statusor.h>

namespace pgreeve::wire {

struct Parse {
  std::string_view statement;
  std::string_view query;
  absl::InlinedVector<uint32_t, 8> parameter_types;
};

struct Bind {
  std::string_view portal;
  std::string_view statement;
  // As sent: none (all text), one (for all) or one for each parameter; 0 text, 1 binary.
  absl::InlinedVector<int16_t, 8> parameter_formats;
  absl::InlinedVector<std::optional<std::string_view>, 8> parameters;  // nullopt = NULL
  absl::InlinedVector<int16_t, 8> result_formats;
  std::string_view after_names;  // everything behind the two names, for rewriting them

  int16_t FormatOf(std::size_t parameter) const {
    if (parameter_formats.empty())
      return 0;
    return parameter_formats.size() == 1 ? parameter_formats[0] : parameter_formats[parameter];
  }
};

struct Describe {   // also Close
  char what = 'S';  // 'S' statement, 'P' portal
  std::string_view name;
};

struct Execute {
  std::string_view portal;
  uint32_t row_limit = 0;  // 0: all
};

struct SaslInitialResponse {
  std::string_view mechanism;
  std::string_view data;  // empty when the client sent none
};

absl::StatusOr<std::string_view> DecodeQuery(std::string_view body);
absl::StatusOr<Parse> DecodeParse(std::string_view body);
absl::StatusOr<Bind> DecodeBind(std::string_view body);
absl::StatusOr<Describe> DecodeDescribe(std::string_view body);
absl::StatusOr<Execute> DecodeExecute(std::string_view body);
absl::StatusOr<SaslInitialResponse> DecodeSaslInitialResponse(std::string_view body);
absl::StatusOr<std::string_view> DecodePassword(std::string_view body);
absl::StatusOr<std::string_view> DecodeCopyFail(std::string_view body);

// Encoders append one whole message.
void AppendQuery(std::string& out, std::string_view sql);
void AppendParse(std::string& out,
                 std::string_view statement,
                 std::string_view query,
                 const absl::InlinedVector<uint32_t, 8>& parameter_types);
// `after_names` as Bind::after_names.
void AppendBind(std::string& out,
                std::string_view portal,
                std::string_view statement,
                std::string_view after_names);
void AppendDescribe(std::string& out, char what, std::string_view name);
void AppendClose(std::string& out, char what, std::string_view name);
void AppendExecute(std::string& out, std::string_view portal, uint32_t row_limit);
void AppendSync(std::string& out);
void AppendFlush(std::string& out);
void AppendCopyData(std::string& out, std::string_view data);
void AppendCopyDone(std::string& out);
void AppendCopyFail(std::string& out, std::string_view reason);
void AppendTerminate(std::string& out);
void AppendSaslInitialResponse(std::string& out, std::string_view mechanism, std::string_view data);
void AppendSaslResponse(std::string& out,
                        std::string_view data);  // also PasswordMessage's body + \0

}  // namespace pgreeve::wire
