#include "router/session/relay.h"

#include <functional>
#include <string>
#include <vector>

#include "router/base/bytes.h"
#include "router/wire/client_messages.h"
#include "tests/support/exchange.h"

namespace pgreeve::session {
namespace {

using test::SqlStateOf;
using Kind = Expectation::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the relay says, in one text: forwarded bytes run together, the rest in brackets.
class Recorder final : public RelaySink {
 public:
  void Forward(std::string_view bytes) override { forwarded += bytes; }

  void OnStatementDone(int32_t effect, int index, std::string_view tag) override {
    Note("done " + std::to_string(effect) + " " + std::to_string(index) + " " + std::string(tag));
  }

  void OnParsed(int32_t effect) override { Note("parsed " + std::to_string(effect)); }

  void OnError(std::string_view body) override { Note("error " + CodeOf(body)); }

  void OnQuietError(std::string_view body) override { Note("quiet " + CodeOf(body)); }

  void OnParameterStatus(std::string_view name, std::string_view value) override {
    Note(std::string(name) + "=" + std::string(value));
  }

  void OnCopyIn() override { Note("copy in"); }

  char OnReady(char status) override {
    Note(std::string("ready ") + status);
    return seen == '=' ? status : seen;
  }

  std::string forwarded;
  std::vector<std::string> notes;
  char seen = '=';  // as the backend says it

 private:
  static std::string CodeOf(std::string_view body) {
    return wire::DecodeError(body).error.sqlstate;
  }

  void Note(std::string note) { notes.push_back(std::move(note)); }
};

std::string Make(const std::function<void(std::string&)>& append) {
  std::string out;
  append(out);
  return out;
}

std::string Ready(char status) {
  return Make([&](auto& out) { wire::AppendReadyForQuery(out, status); });
}

std::string Tag(std::string_view tag) {
  return Make([&](auto& out) { wire::AppendCommandComplete(out, tag); });
}

std::string Error(std::string_view code) {
  return Make([&](auto& out) {
    wire::AppendErrorResponse(out, {.sqlstate = std::string(code), .message = "no"});
  });
}

std::string Row(std::string_view value) {
  return Make([&](auto& out) { wire::AppendDataRow(out, {value}); });
}

std::string Fields() {
  return Make([](auto& out) { wire::AppendRowDescription(out, {wire::TextColumn("a")}); });
}

const std::string kParsed = Make(wire::AppendParseComplete);
const std::string kBound = Make(wire::AppendBindComplete);
const std::string kClosed = Make(wire::AppendCloseComplete);
const std::string kNoData = Make(wire::AppendNoData);

std::string Message(char type, std::string_view body) {
  std::string out(1, type);
  AppendUint32(out, static_cast<uint32_t>(body.size() + 4));
  out += body;
  return out;
}

struct Outcome {
  std::string forwarded;
  std::vector<std::string> notes;
  std::string sqlstate;
  bool busy = false;

  bool operator==(const Outcome&) const = default;
};

using Wanted = std::function<void(Relay&)>;

Outcome Play(const Wanted& setup, const std::vector<std::string_view>& pieces, char seen) {
  Relay relay;
  Recorder sink;
  sink.seen = seen;
  setup(relay);
  std::string sqlstate = "00000";
  for (const std::string_view piece : pieces) {
    sqlstate = SqlStateOf(relay.Feed(piece, sink));
    if (sqlstate != "00000")
      break;
  }
  return {sink.forwarded, sink.notes, sqlstate, relay.busy()};
}

// The outcome of the bytes in one piece; any two pieces, and single bytes, must give the same.
Outcome Relayed(const Wanted& setup, const std::string& bytes, char seen = '=') {
  const Outcome whole = Play(setup, {bytes}, seen);
  for (std::size_t at = 1; at < bytes.size(); at++) {
    const std::string_view all = bytes;
    EXPECT_EQ(Play(setup, {all.substr(0, at), all.substr(at)}, seen), whole) << "cut at " << at;
  }
  std::vector<std::string_view> single;
  for (std::size_t at = 0; at < bytes.size(); at++)
    single.push_back(std::string_view(bytes).substr(at, 1));
  EXPECT_EQ(Play(setup, single, seen), whole) << "byte by byte";
  return whole;
}

Wanted Plain(bool statements_matter = false) {
  return [=](Relay& relay) { relay.ExpectPlain(statements_matter); };
}

Wanted Tracked(std::vector<Expectation> expectations) {
  return [=](Relay& relay) {
    for (const Expectation& expectation : expectations)
      relay.Expect(expectation);
  };
}

TEST(PlainRelay, EverythingIsTheClients) {
  const std::string bytes = Fields() + Row("1") + Row("") + Tag("SELECT 2") + Ready('I');
  const Outcome out = Relayed(Plain(), bytes);
  EXPECT_EQ(out.forwarded, bytes);
  EXPECT_THAT(out.notes, ElementsAre("ready I"));
  EXPECT_FALSE(out.busy);
}

TEST(PlainRelay, NotesWhatTheSessionMustKnow) {
  const std::string bytes = Tag("BEGIN") + Message('I', "") +
                            Message('S', std::string("TimeZone\0UTC\0", 13)) + Error("22012") +
                            Message('G', std::string("\0\0\0", 3)) + Ready('E');
  const Outcome out = Relayed(Plain(true), bytes);
  EXPECT_EQ(out.forwarded, bytes);
  EXPECT_THAT(
      out.notes,
      ElementsAre(
          "done -1 0 BEGIN", "done -1 1 ", "TimeZone=UTC", "error 22012", "copy in", "ready E"));
}

TEST(PlainRelay, TheClientMaySeeAnotherStatusOrNone) {
  EXPECT_EQ(Relayed(Plain(), Tag("SELECT 0") + Ready('I'), 'T').forwarded,
            Tag("SELECT 0") + Ready('T'));
  EXPECT_EQ(Relayed(Plain(), Tag("SELECT 0") + Ready('I'), '\0').forwarded, Tag("SELECT 0"));
}

TEST(PlainRelay, NothingMayFollowTheEnd) {
  for (const std::string& more : {Ready('I'), Row("2"), Tag("SELECT 1"), kParsed}) {
    const Outcome out = Relayed(Plain(), Tag("SELECT 1") + Ready('I') + more);
    EXPECT_EQ(out.sqlstate, "08P01");
    EXPECT_EQ(out.forwarded, Tag("SELECT 1") + Ready('I'));
  }
}

TEST(PlainRelay, AnErrorOfAnIdleBackendIsItsLastWord) {
  const Outcome out = Relayed([](Relay&) {}, Error("57P01"));
  EXPECT_EQ(out.sqlstate, "57P01");
  EXPECT_EQ(out.forwarded, "");
}

TEST(PlainRelay, NotificationsComeAtAnyTime) {
  const std::string note = Message('A', std::string("\0\0\0\1c\0p\0", 8));
  EXPECT_EQ(Relayed([](Relay&) {}, note).forwarded, note);
}

TEST(Relay, BrokenFraming) {
  for (const std::string& bad :
       {std::string("T\0\0\0\3", 5), std::string("C\xff\xff\xff\xff", 5)}) {
    const Outcome out = Relayed(Plain(), Row("1") + bad);
    EXPECT_EQ(out.sqlstate, "08P01");
    EXPECT_EQ(out.forwarded, Row("1"));
  }
}

TEST(Relay, ControlMessagesHaveALimitThatRowsDoNotHave) {
  const std::string large(Relay::kHeldMessageBytesMax, 'x');
  for (const char type : {'C', 'E', 'N'}) {
    const std::string message = Message(type, large);
    EXPECT_EQ(Play(Plain(), {message}, '=').sqlstate, "08P01") << type;
    const std::string_view all = message;
    EXPECT_EQ(Play(Plain(), {all.substr(0, 3), all.substr(3)}, '=').sqlstate, "08P01") << type;
    EXPECT_EQ(Play(Plain(), {all.substr(0, 5), all.substr(5)}, '=').sqlstate, "08P01") << type;
  }
  const std::string row = Message('D', large) + Tag("SELECT 1") + Ready('I');
  EXPECT_EQ(
      Play(Plain(), {std::string_view(row).substr(0, 9), std::string_view(row).substr(9)}, '=')
          .forwarded,
      row);
}

const std::vector<Expectation> kStatement = {{.kind = Kind::kParse, .effect = 0},
                                             {.kind = Kind::kDescribeStatement},
                                             {.kind = Kind::kBind},
                                             {.kind = Kind::kDescribePortal},
                                             {.kind = Kind::kExecute, .effect = 7},
                                             {.kind = Kind::kClose},
                                             {.kind = Kind::kSync}};

TEST(TrackedRelay, AStatement) {
  const std::string bytes =
      kParsed + Make([](auto& out) { wire::AppendParameterDescription(out, {23}); }) + Fields() +
      kBound + Fields() + Row("1") + Tag("SELECT 1") + kClosed + Ready('T');
  const Outcome out = Relayed(Tracked(kStatement), bytes);
  EXPECT_EQ(out.forwarded, bytes);
  EXPECT_THAT(out.notes, ElementsAre("parsed 0", "done 7 0 SELECT 1", "ready T"));
}

TEST(TrackedRelay, AnErrorSkipsToSync) {
  const Outcome out = Relayed(Tracked(kStatement), kParsed + Error("42703") + Ready('I'));
  EXPECT_EQ(out.forwarded, kParsed + Error("42703") + Ready('I'));
  EXPECT_THAT(out.notes, ElementsAre("parsed 0", "error 42703", "ready I"));
  EXPECT_FALSE(out.busy);
}

TEST(TrackedRelay, AfterAnErrorOnlyReadyComes) {
  for (const std::string& more : {kBound, Row("1"), Tag("SELECT 1")}) {
    const Outcome out = Relayed(Tracked(kStatement), Error("42703") + more);
    EXPECT_EQ(out.sqlstate, "08P01");
    EXPECT_EQ(out.forwarded, Error("42703"));
  }
}

TEST(TrackedRelay, SyntheticRepliesStandWhereTheyWereAskedFor) {
  const Wanted setup = Tracked({{.kind = Kind::kSynthetic, .insert = kParsed, .effect = 1},
                                {.kind = Kind::kBind},
                                {.kind = Kind::kSynthetic, .insert = kClosed},
                                {.kind = Kind::kExecute},
                                {.kind = Kind::kSynthetic, .insert = kClosed},
                                {.kind = Kind::kSync}});
  const Outcome out = Relayed(setup, kBound + Tag("SELECT 0") + Ready('I'));
  EXPECT_EQ(out.forwarded, kParsed + kBound + kClosed + Tag("SELECT 0") + kClosed + Ready('I'));
  EXPECT_THAT(out.notes, ElementsAre("parsed 1", "done -1 0 SELECT 0", "ready I"));
}

TEST(TrackedRelay, SyntheticRepliesBehindAnErrorAreSkipped) {
  const Wanted setup = Tracked({{.kind = Kind::kBind},
                                {.kind = Kind::kSynthetic, .insert = kClosed, .effect = 3},
                                {.kind = Kind::kSync},
                                {.kind = Kind::kSynthetic, .insert = kParsed},
                                {.kind = Kind::kBind},
                                {.kind = Kind::kSync}});
  const Outcome out = Relayed(setup, Error("22P02") + Ready('I') + kBound + Ready('I'));
  EXPECT_EQ(out.forwarded, Error("22P02") + kParsed + kBound + Ready('I'));
  EXPECT_THAT(out.notes, ElementsAre("error 22P02", "ready I"));
}

TEST(TrackedRelay, TheRoutersOwnMessagesAreSwallowed) {
  const Wanted setup = Tracked({{.kind = Kind::kQuery, .swallow = true},
                                {.kind = Kind::kQuery, .swallow = true, .effect = 2},
                                {.kind = Kind::kQuery}});
  const Outcome out =
      Relayed(setup,
              Tag("BEGIN") + Ready('T') + Message('N', std::string("M\0\0", 3)) + Tag("PREPARE") +
                  Ready('T') + Fields() + Row("1") + Tag("SELECT 1") + Ready('T'));
  EXPECT_EQ(out.forwarded, Fields() + Row("1") + Tag("SELECT 1") + Ready('T'));
  EXPECT_THAT(out.notes, ElementsAre("parsed 2", "done -1 0 SELECT 1", "ready T"));
}

TEST(TrackedRelay, RowsOfSwallowedQueriesAreSwallowed) {
  const Wanted setup = Tracked({{.kind = Kind::kQuery, .swallow = true}, {.kind = Kind::kQuery}});
  const Outcome out = Relayed(
      setup,
      Fields() + Row("secret") + Tag("SELECT 1") + Ready('I') + Tag("SELECT 0") + Ready('I'));
  EXPECT_EQ(out.forwarded, Tag("SELECT 0") + Ready('I'));
}

TEST(TrackedRelay, AFailedBeginEndsTheConnection) {
  const Wanted setup = Tracked({{.kind = Kind::kQuery, .swallow = true}, {.kind = Kind::kQuery}});
  const Outcome out = Relayed(setup, Error("57P03"));
  EXPECT_EQ(out.sqlstate, "57P03");
  EXPECT_EQ(out.forwarded, "");
}

TEST(TrackedRelay, QuietErrorsAreHandedOver) {
  const Wanted setup = Tracked({{.kind = Kind::kQuery, .swallow = true, .quiet = true}});
  const Outcome out = Relayed(setup, Error("23505") + Ready('E'), '\0');
  EXPECT_EQ(out.forwarded, "");
  EXPECT_THAT(out.notes, ElementsAre("quiet 23505", "ready E"));
}

TEST(TrackedRelay, PoisonCarriesTheRoutersRefusal) {
  const std::string own = Error("0A000");
  const Wanted query = Tracked({{.kind = Kind::kQuery, .insert = own}});
  EXPECT_EQ(Relayed(query, Error("3B001") + Ready('E')).forwarded, own + Ready('E'));
  const Wanted bind = Tracked(
      {{.kind = Kind::kParse}, {.kind = Kind::kBind, .insert = own}, {.kind = Kind::kSync}});
  const Outcome out = Relayed(bind, kParsed + Error("26000") + Ready('E'));
  EXPECT_EQ(out.forwarded, kParsed + own + Ready('E'));
  EXPECT_THAT(out.notes, ElementsAre("ready E"));
}

TEST(TrackedRelay, WithoutSyncAnErrorLeavesNothingOpen) {
  const Wanted setup = Tracked({{.kind = Kind::kParse}, {.kind = Kind::kBind}});
  const Outcome out = Relayed(setup, Error("42601"));
  EXPECT_EQ(out.forwarded, Error("42601"));
  EXPECT_FALSE(out.busy);
}

TEST(TrackedRelay, SuspendedPortals) {
  const Wanted setup = Tracked({{.kind = Kind::kExecute, .effect = 0}, {.kind = Kind::kSync}});
  const std::string bytes = Row("1") + Make(wire::AppendPortalSuspended) + Ready('T');
  const Outcome out = Relayed(setup, bytes);
  EXPECT_EQ(out.forwarded, bytes);
  EXPECT_THAT(out.notes, ElementsAre("done 0 0 suspended", "ready T"));
}

TEST(TrackedRelay, CopyInsideExecute) {
  const Wanted setup = Tracked({{.kind = Kind::kExecute}, {.kind = Kind::kSync}});
  const std::string out_bytes = Message('H', std::string("\0\0\0", 3)) + Message('d', "1\n") +
                                Message('c', "") + Tag("COPY 1") + Ready('I');
  EXPECT_EQ(Relayed(setup, out_bytes).forwarded, out_bytes);
  const Outcome in = Relayed(setup, Message('G', std::string("\0\0\0", 3)));
  EXPECT_THAT(in.notes, ElementsAre("copy in"));
  EXPECT_TRUE(in.busy);
}

TEST(TrackedRelay, SurprisesAreRefused) {
  const std::vector<std::string> replies = {kParsed,
                                            kBound,
                                            kClosed,
                                            kNoData,
                                            Fields(),
                                            Row("1"),
                                            Tag("SELECT 1"),
                                            Ready('I'),
                                            Message('R', std::string(4, '\0')),
                                            Message('x', ""),
                                            Message('d', "1")};
  const std::vector<std::pair<Kind, std::string>> right = {{Kind::kParse, kParsed},
                                                           {Kind::kBind, kBound},
                                                           {Kind::kClose, kClosed},
                                                           {Kind::kSync, Ready('I')}};
  for (const auto& [kind, fitting] : right) {
    for (const std::string& reply : replies) {
      const Outcome out = Relayed(Tracked({{.kind = kind}}), reply);
      if (reply == fitting) {
        EXPECT_EQ(out.forwarded, reply);
        continue;
      }
      EXPECT_EQ(out.sqlstate, "08P01") << static_cast<int>(kind) << " " << reply[0];
      EXPECT_EQ(out.forwarded, "");
    }
  }
}

// No Postgres sends it; it must not matter where it is cut.
TEST(TrackedRelay, ARowWithoutABody) {
  const std::string bytes = Message('D', "") + Tag("SELECT 1") + Ready('I');
  EXPECT_EQ(Relayed(Tracked({{.kind = Kind::kQuery}}), bytes).forwarded, bytes);
}

TEST(TrackedRelay, ResetForgetsAll) {
  Relay relay;
  Recorder sink;
  relay.Expect({.kind = Kind::kBind});
  EXPECT_TRUE(relay.Feed(kBound.substr(0, 2), sink).ok());
  relay.Reset();
  EXPECT_FALSE(relay.busy());
  relay.ExpectPlain(false);
  EXPECT_TRUE(relay.Feed(Tag("SELECT 0") + Ready('I'), sink).ok());
  EXPECT_EQ(sink.forwarded, Tag("SELECT 0") + Ready('I'));
}

}  // namespace
}  // namespace pgreeve::session
