// Walks the bytes a backend answers and says what of them goes to the client. Pure: bytes in,
// calls on a sink out; any split of the same bytes gives the same result. Worker thread of its
// owner.
//
// Two modes. Plain: every reply is the client's; headers are walked only to see ReadyForQuery,
// errors and the few messages the session must know; rows are never decoded and may be cut
// anywhere. Tracked: a queue of expectations, one for each message that was sent, says which
// replies are forwarded, swallowed (the router's own Parse, BEGIN, …) or put in by the router
// (ParseComplete of a statement that the backend already has).
// After an ErrorResponse in the extended protocol the backend skips to Sync, and so does the queue.
// Source: PostgreSQL 15 §55.2.3 "Extended Query", §55.2.4 "Pipelining".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "router/wire/backend_messages.h"

namespace pgreeve::session {

struct Expectation {
  enum class Kind : uint8_t {
    kParse,
    kBind,
    kClose,
    kDescribeStatement,
    kDescribePortal,
    kExecute,
    kSync,
    kQuery,      // a simple query, to its ReadyForQuery
    kSynthetic,  // nothing comes from the backend; `insert` goes to the client
  };
  Kind kind = Kind::kQuery;
  bool swallow = false;
  bool quiet = false;  // kQuery: an error is handed to OnQuietError only
  // kSynthetic: the bytes. Otherwise: what the client gets instead of an ErrorResponse to this
  // message (a poisoned message that carries the router's own refusal).
  std::string insert = {};
  int32_t effect = -1;  // handed back in OnStatementDone
};

class RelaySink {
 public:
  // Bytes for the client, in order. Valid during the call.
  virtual void Forward(std::string_view bytes) = 0;
  // A statement ended: CommandComplete, EmptyQueryResponse ("") or PortalSuspended ("suspended").
  // `effect` is the expectation's; `index` counts the statements of a simple query from 0.
  virtual void OnStatementDone(int32_t effect, int index, std::string_view tag) = 0;
  // The Parse (or the swallowed PREPARE, or the synthetic reply) with this effect succeeded.
  virtual void OnParsed(int32_t effect) = 0;
  // An ErrorResponse was forwarded.
  virtual void OnError(std::string_view body) = 0;
  virtual void OnQuietError(std::string_view body) = 0;
  virtual void OnParameterStatus(std::string_view name, std::string_view value) = 0;
  // CopyInResponse (or CopyBothResponse): the client may send CopyData.
  virtual void OnCopyIn() = 0;
  // Everything expected has come, in a ReadyForQuery with `status`. Returns the status that the
  // client is to see (a lazy transaction is 'T' to the client and 'I' to the backend), or 0 when
  // it gets no ReadyForQuery. Only take notes here: the relay is in the middle of its bytes.
  virtual char OnReady(char status) = 0;

 protected:
  ~RelaySink() = default;
};

class Relay {
 public:
  // Plain mode, to one ReadyForQuery. `statements_matter`: call OnStatementDone.
  void ExpectPlain(bool statements_matter);
  // Tracked mode: appends; starts it when idle.
  void Expect(Expectation expectation);

  // True while replies are outstanding.
  bool busy() const { return plain_ || pending(); }

  // True when nothing is left but synthetic replies: they were forwarded by this call.
  void FlushSynthetic(RelaySink& sink);

  // Errors: 08P01 when the backend says what nobody asked for or breaks the framing; the
  // connection must be closed, and nothing of `bytes` from the bad message on was forwarded.
  absl::Status Feed(std::string_view bytes, RelaySink& sink);

  // Forgets everything (the backend is gone).
  void Reset();

  static constexpr std::size_t kHeldMessageBytesMax = 1 << 20;

 private:
  absl::Status OnMessage(char type, std::string_view whole, RelaySink& sink);
  absl::Status OnTracked(char type, std::string_view whole, RelaySink& sink);
  absl::Status OnTrackedError(std::string_view whole, RelaySink& sink);
  absl::Status OnTrackedReady(std::string_view whole, RelaySink& sink);
  bool MayCut(char type) const;
  bool ExpectsRows() const;
  bool ForwardsRows() const;
  void NoteCommon(char type, std::string_view body, RelaySink& sink);

  bool pending() const { return head_ < expected_.size(); }

  const Expectation& front() const { return expected_[head_]; }

  void PopFront();

  // A queue in a vector: an idle session then owns no memory for it.
  std::vector<Expectation> expected_;
  std::size_t head_ = 0;
  std::string held_;             // a message that is not whole yet and must be
  uint64_t rest_bytes_ = 0;      // of a cut message that is passed on as it comes
  bool rest_forwarded_ = false;  // … or dropped
  int statement_index_ = 0;
  bool statements_matter_ = false;
  bool plain_ = false;
  bool skipping_ = false;  // an error came: replies resume at Sync
};

}  // namespace pgreeve::session
