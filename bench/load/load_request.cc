#include "bench/load/load_request.h"

#include <cstdint>

#include "router/base/bytes.h"
#include "router/wire/client_messages.h"

namespace pgreeve::bench {
namespace {

constexpr std::string_view kStatement = "P0_1";  // pgbench's name
constexpr std::string_view kPlaceholder = "{}";
constexpr int kFirstNumber = 1001;

std::string Fill(std::string_view text, int number) {
  std::string filled(text);
  const std::size_t at = filled.find(kPlaceholder);
  if (at != std::string::npos)
    filled.replace(at, kPlaceholder.size(), std::to_string(kFirstNumber + number));
  return filled;
}

std::string BindTail(const RequestOptions& options, int number) {
  std::string tail;
  AppendUint16(tail, 0);  // all parameters as text
  AppendUint16(tail, static_cast<uint16_t>(options.parameters.size()));
  for (const std::string& parameter : options.parameters) {
    const std::string value = Fill(parameter, number);
    AppendUint32(tail, static_cast<uint32_t>(value.size()));
    tail += value;
  }
  AppendUint16(tail, 1);  // results as text, said as libpq says it
  AppendUint16(tail, 0);
  return tail;
}

std::string RequestOf(const RequestOptions& options, int number) {
  std::string out;
  if (options.mode == Mode::kSimple) {
    wire::AppendQuery(out, Fill(options.sql, number));
    return out;
  }
  const std::string_view statement = options.mode == Mode::kPrepared ? kStatement : "";
  if (options.mode == Mode::kExtended)
    wire::AppendParse(out, "", options.sql, {});
  wire::AppendBind(out, "", statement, BindTail(options, number));
  wire::AppendDescribe(out, 'P', "");
  wire::AppendExecute(out, "", 0);
  wire::AppendSync(out);
  return out;
}

}  // namespace

std::string PreparationOf(const RequestOptions& options) {
  std::string out;
  if (options.mode != Mode::kPrepared)
    return out;
  wire::AppendParse(out, kStatement, options.sql, {});
  wire::AppendSync(out);
  return out;
}

std::vector<std::string> RequestsOf(const RequestOptions& options) {
  bool varies = options.sql.find(kPlaceholder) != std::string::npos;
  for (const std::string& parameter : options.parameters)
    varies = varies || parameter.find(kPlaceholder) != std::string::npos;
  std::vector<std::string> requests;
  for (int number = 0; number < (varies ? kVariants : 1); ++number)
    requests.push_back(RequestOf(options, number));
  return requests;
}

}  // namespace pgreeve::bench
