// What the null backend says: whole messages, made once. Immutable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgreeve::bench {

struct NullAnswerOptions {
  std::string value = "0";     // of the one row of one int4 column
  std::size_t bulk_rows = 0;   // a query that names "bulk" gets these rows
  std::size_t bulk_bytes = 0;  // of text each
};

class NullAnswers {
 public:
  explicit NullAnswers(const NullAnswerOptions& options);

  const std::string& row_description() const { return row_description_; }

  const std::string& row() const { return row_; }  // DataRow and CommandComplete

  const std::string& whole_row() const { return whole_row_; }  // and RowDescription, ReadyForQuery

  const std::string& bulk() const { return bulk_; }  // RowDescription to CommandComplete

 private:
  std::string row_description_;
  std::string row_;
  std::string whole_row_;
  std::string bulk_;
};

// Append one message.
void AppendMessage(std::string& out, char type, std::string_view body);
void AppendCommandComplete(std::string& out, std::string_view tag);
void AppendReady(std::string& out, char status);

}  // namespace pgreeve::bench
