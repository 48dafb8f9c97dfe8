// The bytes of a hostile shard, in one piece and in pieces: what reaches the client and what the
// session is told do not depend on where they were cut. The first byte chooses what was asked, the
// second the size of the pieces.
#include <string>

#include "router/session/relay.h"
#include "tests/fuzz/fuzz_input.h"

namespace pgreeve::session {
namespace {

using Kind = Expectation::Kind;

class Recorder final : public RelaySink {
 public:
  void Forward(std::string_view bytes) override { forwarded += bytes; }

  void OnStatementDone(int32_t effect, int index, std::string_view tag) override {
    Note('d', std::to_string(effect) + "/" + std::to_string(index), tag);
  }

  void OnParsed(int32_t effect) override { Note('p', std::to_string(effect), ""); }

  void OnError(std::string_view body) override { Note('e', body, ""); }

  void OnQuietError(std::string_view body) override { Note('q', body, ""); }

  void OnParameterStatus(std::string_view name, std::string_view value) override {
    Note('s', name, value);
  }

  void OnCopyIn() override { Note('c', "", ""); }

  char OnReady(char status) override {
    Note('z', std::string(1, status), "");
    return status;
  }

  std::string forwarded;
  std::string notes;

 private:
  void Note(char kind, std::string_view a, std::string_view b) {
    notes += kind;
    notes += a;
    notes += '\n';
    notes += b;
    notes += '\n';
  }
};

void Ask(Relay& relay, uint8_t what) {
  switch (what % 4) {
    case 0:
      relay.ExpectPlain(true);
      return;
    case 1:
      for (const Kind kind : {Kind::kParse,
                              Kind::kDescribeStatement,
                              Kind::kBind,
                              Kind::kDescribePortal,
                              Kind::kExecute,
                              Kind::kClose,
                              Kind::kSync})
        relay.Expect({.kind = kind, .effect = 1});
      return;
    case 2:
      relay.Expect({.kind = Kind::kQuery, .swallow = true});
      relay.Expect({.kind = Kind::kQuery, .swallow = true, .quiet = true});
      relay.Expect({.kind = Kind::kQuery});
      return;
    default:
      relay.Expect({.kind = Kind::kSynthetic, .insert = "first"});
      relay.Expect({.kind = Kind::kBind, .insert = "refusal"});
      relay.Expect({.kind = Kind::kSynthetic, .insert = "second", .effect = 2});
      relay.Expect({.kind = Kind::kExecute});
      relay.Expect({.kind = Kind::kSync});
      return;
  }
}

}  // namespace
}  // namespace pgreeve::session

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using pgreeve::fuzz::Require;
  using pgreeve::session::Recorder;
  using pgreeve::session::Relay;
  pgreeve::fuzz::Input input(data, size);
  const uint8_t asked = input.Byte();
  const std::size_t piece = input.Byte() % 16 + std::size_t{1};
  const std::string_view bytes = input.rest();
  Relay whole;
  Recorder of_whole;
  pgreeve::session::Ask(whole, asked);
  const bool ok = whole.Feed(bytes, of_whole).ok();
  Relay cut;
  Recorder of_cut;
  pgreeve::session::Ask(cut, asked);
  bool cut_ok = true;
  for (std::size_t at = 0; at < bytes.size() && cut_ok; at += piece)
    cut_ok = cut.Feed(bytes.substr(at, piece), of_cut).ok();
  Require(ok == cut_ok, "the verdict");
  Require(of_whole.notes == of_cut.notes, "what the session is told");
  Require(of_whole.forwarded == of_cut.forwarded, "what the client gets");
  return 0;
}
