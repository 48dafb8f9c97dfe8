#include "router/metrics/labels.h"

#include <array>

namespace pgreeve::metrics {
namespace {

template <class E, std::size_t N>
std::string_view Word(const std::array<std::string_view, N>& words, E value) {
  static_assert(N == kCountOf<E>, "one word for each value");
  const auto index = static_cast<std::size_t>(value);
  return index < N ? words[index] : "none";
}

template <class... T>
constexpr std::array<std::string_view, sizeof...(T)> Words(T... words) {
  return {words...};
}

}  // namespace

std::string_view ToString(Route value) {
  static constexpr auto kWords = Words("single", "any_shard", "scatter", "broadcast", "local");
  return Word(kWords, value);
}

std::string_view ToString(Kind value) {
  static constexpr auto kWords = Words("read", "write", "ddl", "copy", "utility");
  return Word(kWords, value);
}

std::string_view ToString(Outcome value) {
  static constexpr auto kWords = Words("commit", "rollback", "error");
  return Word(kWords, value);
}

std::string_view ToString(Width value) {
  static constexpr auto kWords = Words("one", "many");
  return Word(kWords, value);
}

std::string_view ToString(Origin value) {
  static constexpr auto kWords = Words("router", "shard", "client");
  return Word(kWords, value);
}

std::string_view ToString(Side value) {
  static constexpr auto kWords = Words("client", "backend");
  return Word(kWords, value);
}

std::string_view ToString(Direction value) {
  static constexpr auto kWords = Words("received", "sent");
  return Word(kWords, value);
}

std::string_view ToString(Engine value) {
  static constexpr auto kWords = Words("native", "postgres");
  return Word(kWords, value);
}

std::string_view ToString(ClientState value) {
  static constexpr auto kWords = Words("login", "idle", "active", "waiting", "in_tx");
  return Word(kWords, value);
}

std::string_view ToString(BackendState value) {
  static constexpr auto kWords = Words("login", "idle", "active", "unbinding");
  return Word(kWords, value);
}

std::string_view ToString(Refusal value) {
  static constexpr auto kWords =
      Words("limit", "login", "timeout", "protocol", "draining", "not_ready");
  return Word(kWords, value);
}

std::string_view ToString(PinReason value) {
  static constexpr auto kWords = Words(
      "set_config", "temp_table", "hold_cursor", "advisory_lock", "listen", "sequence", "opaque");
  return Word(kWords, value);
}

}  // namespace pgreeve::metrics
