// One connection at the null backend: bytes in, bytes out. Lets everybody in, answers every
// statement at once, keeps nothing but the transaction status and which statements return no rows.
// Good enough for libpq, for poolers and for the router's binding of backends; not a Postgres.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bench/load/null_answers.h"
#include "router/wire/frame.h"

namespace pgreeve::bench {

class NullSession {
 public:
  NullSession(const NullAnswers& answers, uint32_t pid) : answers_(answers), pid_(pid) {}

  // Appends the replies to `out`; false: the connection ends.
  bool OnBytes(std::string_view bytes, std::string& out);

 private:
  // How many bytes were used; npos: the connection ends.
  std::size_t Consume(std::string_view bytes, std::string& out);
  std::size_t OnStartup(std::string_view bytes, std::string& out);
  bool OnFrame(const wire::Frame& frame, std::string& out);
  void OnQuery(std::string_view sql, std::string& out);
  void OnParse(std::string_view body, std::string& out);
  void OnBind(std::string_view body, std::string& out);
  void OnExecute(std::string& out);
  void OnDescribe(std::string_view body, std::string& out) const;
  // The command tag of a statement that returns no rows, and what it does to the transaction.
  std::string Run(std::string_view verb);

  const NullAnswers& answers_;
  uint32_t pid_;
  bool started_ = false;
  bool copying_ = false;
  char status_ = 'I';
  std::string partial_;
  std::string portal_verb_;                             // empty: returns a row
  std::unordered_map<std::string, std::string> verbs_;  // statement → verb, where not empty
};

}  // namespace pgreeve::bench
