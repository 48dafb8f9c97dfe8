// The run-time settings a session made (SET, startup parameters) that its statements need on
// whatever backend runs them. Follows Postgres' rules: SET is undone by ROLLBACK and by ROLLBACK
// TO, RESET goes back to what the startup packet said. Pure; worker thread of its owner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/pool/pool.h"

namespace pgreeve::session {

class TrackedSettings {
 public:
  // From the startup packet; `value` is quoted here. A search_path is a list, as it is there.
  void SetStartup(std::string_view name, std::string_view value);
  // `statement` is the client's whole SET statement.
  void Set(std::string_view name, std::string_view statement);
  void Reset(std::string_view name);
  void ResetAll();

  // Transaction edges. Outside of a transaction changes hold at once.
  void Begin();
  void Commit();
  void Rollback();
  void Savepoint(std::string_view name);
  void Release(std::string_view name);
  void RollbackTo(std::string_view name);

  // Null when there is nothing to replay. Equal contents share an id.
  const std::shared_ptr<const pool::SettingsSet>& current() const { return set_; }

  uint64_t id() const { return set_ == nullptr ? 0 : set_->id; }

  // Names changed since startup, for RESET ALL inside a transaction.
  std::vector<std::string> changed() const;
  // The statement that set it, or "".
  std::string_view Find(std::string_view name) const;

 private:
  using Values = std::map<std::string, std::string, std::less<>>;  // name → statement

  struct State {
    Values startup;
    Values values;
    Values before;  // the transaction
    std::vector<std::pair<std::string, Values>> savepoints;
  };

  State& Writable();
  void Rebuild();

  std::unique_ptr<State> state_;  // most sessions never set anything
  bool in_transaction_ = false;
  std::shared_ptr<const pool::SettingsSet> set_;
};

// 'text' as a quoted literal under standard_conforming_strings; a backslash needs no escape.
std::string QuoteLiteral(std::string_view text);
std::string QuoteIdentifier(std::string_view text);

}  // namespace pgreeve::session
