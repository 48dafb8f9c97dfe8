// The transaction of a session as its client sees it. BEGIN is lazy: the router answers it, and the
// backend gets it with the first statement that needs a shard. Pure; worker thread of its owner.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace pgreeve::session {

class Transaction {
 public:
  // What the client reads in ReadyForQuery: 'I', 'T' or 'E'.
  char status() const { return status_; }

  // In a transaction that no shard knows of yet.
  bool lazy() const { return lazy_; }

  bool idle() const { return status_ == 'I'; }

  // `text` is sent as it is when the transaction reaches a shard. The first call begins.
  void AddLazily(std::string_view text) {
    lazy_ = true;
    status_ = 'T';
    pending_.emplace_back(text);
  }

  // What to send in front of the first statement; the transaction is then the backend's.
  std::vector<std::string> TakePending() {
    lazy_ = false;
    savepoints_.clear();
    return std::move(pending_);
  }

  void AddSavepoint(std::string_view name) { savepoints_.emplace_back(name); }

  bool HasSavepoint(std::string_view name) const {
    return std::find(savepoints_.begin(), savepoints_.end(), name) != savepoints_.end();
  }

  // The client asked for one snapshot over the whole transaction.
  bool WantsSnapshot() const;

  // The router refused a statement of a lazy transaction.
  void FailLazily() { status_ = 'E'; }

  // COMMIT or ROLLBACK of a lazy transaction.
  void EndLazily() {
    lazy_ = false;
    status_ = 'I';
    pending_.clear();
    savepoints_.clear();
  }

  // COMMIT AND CHAIN of a lazy transaction: the next one has the same characteristics.
  void ChainLazily();

  // ReadyForQuery of the backend that holds the transaction.
  void OnReady(char status) { status_ = status; }

  // The backend is gone, and the transaction with it.
  void Reset() { EndLazily(); }

 private:
  std::vector<std::string> pending_;
  std::vector<std::string> savepoints_;  // of the lazy part
  char status_ = 'I';
  bool lazy_ = false;
};

}  // namespace pgreeve::session
