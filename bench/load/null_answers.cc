#include "bench/load/null_answers.h"

#include <cstdint>

#include "router/base/bytes.h"

namespace pgreeve::bench {
namespace {

constexpr uint32_t kInt4 = 23;
constexpr uint32_t kText = 25;

std::string RowDescription(std::string_view name, uint32_t type, uint16_t type_bytes) {
  std::string body;
  AppendUint16(body, 1);
  body += name;
  body.push_back('\0');
  AppendUint32(body, 0);  // of no table
  AppendUint16(body, 0);
  AppendUint32(body, type);
  AppendUint16(body, type_bytes);
  AppendUint32(body, 0xffffffff);
  AppendUint16(body, 0);  // text
  std::string message;
  AppendMessage(message, 'T', body);
  return message;
}

void AppendRow(std::string& out, std::string_view value) {
  std::string body;
  AppendUint16(body, 1);
  AppendUint32(body, static_cast<uint32_t>(value.size()));
  body += value;
  AppendMessage(out, 'D', body);
}

}  // namespace

void AppendMessage(std::string& out, char type, std::string_view body) {
  out.push_back(type);
  AppendUint32(out, static_cast<uint32_t>(body.size() + 4));
  out += body;
}

void AppendCommandComplete(std::string& out, std::string_view tag) {
  std::string body(tag);
  body.push_back('\0');
  AppendMessage(out, 'C', body);
}

void AppendReady(std::string& out, char status) {
  AppendMessage(out, 'Z', std::string_view(&status, 1));
}

NullAnswers::NullAnswers(const NullAnswerOptions& options)
    : row_description_(RowDescription("abalance", kInt4, 4)) {
  AppendRow(row_, options.value);
  AppendCommandComplete(row_, "SELECT 1");
  whole_row_ = row_description_ + row_;
  AppendReady(whole_row_, 'I');
  bulk_ = RowDescription("bulk", kText, 0xffff);
  const std::string value(options.bulk_bytes, 'x');
  for (std::size_t i = 0; i < options.bulk_rows; ++i)
    AppendRow(bulk_, value);
  AppendCommandComplete(bulk_, "SELECT " + std::to_string(options.bulk_rows));
}

}  // namespace pgreeve::bench
