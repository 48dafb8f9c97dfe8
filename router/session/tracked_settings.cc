#include "router/session/tracked_settings.h"

#include <algorithm>
#include <cctype>

#include "router/base/stable_hash.h"

namespace pgreeve::session {

std::string QuoteLiteral(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += '\'';
    out += c;
  }
  out += '\'';
  return out;
}

std::string QuoteIdentifier(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"')
      out += '"';
    out += c;
  }
  out += '"';
  return out;
}

namespace {

// A list as a startup packet writes it: a, "B", $user. In SET each name is an element of its own;
// one literal for all of them would be one name.
std::string QuoteList(std::string_view value) {
  std::string out;
  std::string name;
  bool quoted = false;
  const auto finish = [&] {
    if (!out.empty())
      out += ", ";
    out += name.empty() ? "''" : QuoteIdentifier(name);
    name.clear();
  };
  for (std::size_t i = 0; i < value.size(); i++) {
    const auto c = static_cast<unsigned char>(value[i]);
    if (c == '"' && quoted && i + 1 < value.size() && value[i + 1] == '"')
      name += value[i++];
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      finish();
    else if (quoted)
      name += value[i];
    else if (std::isspace(c) == 0)
      name += static_cast<char>(std::tolower(c));
  }
  finish();
  return out;
}

}  // namespace

TrackedSettings::State& TrackedSettings::Writable() {
  if (state_ == nullptr)
    state_ = std::make_unique<State>();
  return *state_;
}

void TrackedSettings::SetStartup(std::string_view name, std::string_view value) {
  State& state = Writable();
  std::string statement = "SET " + QuoteIdentifier(name) + " TO " +
                          (name == "search_path" ? QuoteList(value) : QuoteLiteral(value));
  state.startup.insert_or_assign(std::string(name), statement);
  state.values.insert_or_assign(std::string(name), std::move(statement));
  Rebuild();
}

void TrackedSettings::Set(std::string_view name, std::string_view statement) {
  Writable().values.insert_or_assign(std::string(name), std::string(statement));
  Rebuild();
}

void TrackedSettings::Reset(std::string_view name) {
  if (state_ == nullptr)
    return;
  const auto startup = state_->startup.find(name);
  if (startup != state_->startup.end()) {
    state_->values.insert_or_assign(std::string(name), startup->second);
  } else if (const auto it = state_->values.find(name); it != state_->values.end()) {
    state_->values.erase(it);
  }
  Rebuild();
}

void TrackedSettings::ResetAll() {
  if (state_ == nullptr)
    return;
  state_->values = state_->startup;
  Rebuild();
}

void TrackedSettings::Begin() {
  if (in_transaction_)
    return;
  in_transaction_ = true;
  if (state_ != nullptr)
    state_->before = state_->values;
}

void TrackedSettings::Commit() {
  in_transaction_ = false;
  if (state_ == nullptr)
    return;
  state_->before.clear();
  state_->savepoints.clear();
}

void TrackedSettings::Rollback() {
  const bool undo = in_transaction_ && state_ != nullptr;
  if (undo)
    state_->values = std::move(state_->before);
  Commit();
  if (undo)
    Rebuild();
}

void TrackedSettings::Savepoint(std::string_view name) {
  if (state_ != nullptr && in_transaction_)
    state_->savepoints.emplace_back(std::string(name), state_->values);
}

void TrackedSettings::Release(std::string_view name) {
  if (state_ == nullptr)
    return;
  auto& points = state_->savepoints;
  for (std::size_t i = points.size(); i-- > 0;) {
    if (points[i].first == name) {
      points.resize(i);
      return;
    }
  }
}

void TrackedSettings::RollbackTo(std::string_view name) {
  if (state_ == nullptr || !in_transaction_)
    return;
  auto& points = state_->savepoints;
  for (std::size_t i = points.size(); i-- > 0;) {
    if (points[i].first == name) {
      state_->values = points[i].second;
      points.resize(i + 1);
      Rebuild();
      return;
    }
  }
  // A savepoint from before the first SET of this transaction.
  state_->values = state_->before;
  Rebuild();
}

std::vector<std::string> TrackedSettings::changed() const {
  std::vector<std::string> names;
  if (state_ == nullptr)
    return names;
  for (const auto& [name, statement] : state_->values) {
    const auto startup = state_->startup.find(name);
    if (startup == state_->startup.end() || startup->second != statement)
      names.push_back(name);
  }
  return names;
}

std::string_view TrackedSettings::Find(std::string_view name) const {
  if (state_ == nullptr)
    return {};
  const auto it = state_->values.find(name);
  return it == state_->values.end() ? std::string_view() : std::string_view(it->second);
}

void TrackedSettings::Rebuild() {
  auto set = std::make_shared<pool::SettingsSet>();
  for (const auto& [name, statement] : state_->values) {
    set->sql += statement;
    set->sql += ';';
  }
  if (set->sql.empty()) {
    set_ = nullptr;
    return;
  }
  set->id = StableHash64(set->sql) | 1;  // 0 means none
  set_ = std::move(set);
}

}  // namespace pgreeve::session
