// Runs a fuzz target without libFuzzer: over the files of a corpus folder, then over mutations of
// them that depend on the seed alone. What libFuzzer found once stays found by every test run.
//
// usage: <target> CORPUS_FOLDER [MUTATIONS [SEED]]
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "router/base/bytes.h"
#include "tests/fuzz/fuzz_input.h"

// Present in programs that are built with a sanitizer.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr unsigned long kMutationsDefault = 20'000;
constexpr unsigned long kSeedDefault = 1;
constexpr std::size_t kInputBytesMax = 4096;

std::string current;  // what the target was given last

void PrintCurrent() {
  std::fprintf(stderr, "input in hex: %s\n", pgreeve::ToHex(current).c_str());
}

void Run(std::string input) {
  current = std::move(input);
  // A copy without slack, so that a read past its end is seen.
  const std::vector<uint8_t> bytes(current.begin(), current.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, unsigned long seed)
      : corpus_(corpus),
        random_(seed) {}

  std::string Next() {
    std::string input = Pick();
    for (std::size_t changes = 1 + Below(4); changes > 0; changes--)
      Change(input);
    if (input.size() > kInputBytesMax)
      input.resize(kInputBytesMax);
    return input;
  }

 private:
  // Not std::uniform_int_distribution, whose numbers differ between libraries.
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  const std::string& Pick() { return corpus_[Below(corpus_.size())]; }

  void Change(std::string& input) {
    const std::size_t at = Below(input.size() + 1);
    switch (Below(7)) {
      case 0:
        input.resize(at);
        break;
      case 1:
        input.insert(at, 1, static_cast<char>(Below(256)));
        break;
      case 2:
        input.erase(at, 1 + Below(8));
        break;
      case 3:
        if (at < input.size())
          input[at] = static_cast<char>(input[at] ^ 1 << Below(8));
        break;
      case 4:
        Overwrite(input, at);
        break;
      case 5:
        input.insert(at, input.substr(Below(input.size() + 1), Below(32)));
        break;
      default: {
        const std::string& other = Pick();
        input.resize(at);
        input += other.substr(Below(other.size() + 1));
      }
    }
  }

  // Numbers that lengths and counts go wrong at.
  void Overwrite(std::string& input, std::size_t at) {
    static constexpr uint32_t kNumbers[] = {0,
                                            1,
                                            3,
                                            4,
                                            0xff,
                                            0x7fff,
                                            0x8000,
                                            0xffff,
                                            0x3fffffff,
                                            0x40000000,
                                            0x7fffffff,
                                            0x80000000,
                                            0xfffffffb,
                                            0xfffffffe,
                                            0xffffffff};
    const uint32_t number = kNumbers[Below(std::size(kNumbers))];
    std::string bytes;
    if (Below(2) == 0)
      pgreeve::AppendUint32(bytes, number);
    else
      pgreeve::AppendUint16(bytes, static_cast<uint16_t>(number));
    input.replace(at, bytes.size(), bytes);
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
};

std::vector<std::string> ReadCorpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  const unsigned long mutations = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : kMutationsDefault;
  const unsigned long seed = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : kSeedDefault;
  if (__sanitizer_set_death_callback != nullptr)
    __sanitizer_set_death_callback(PrintCurrent);
  std::signal(SIGABRT, [](int) {
    PrintCurrent();
    std::_Exit(1);
  });

  const std::vector<std::string> corpus = ReadCorpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "no files in %s\n", argv[1]);
    return 2;
  }
  std::printf("%zu files, %lu mutations, seed %lu\n", corpus.size(), mutations, seed);
  std::fflush(stdout);
  Run("");
  for (const std::string& input : corpus)
    Run(input);
  Mutator mutator(corpus, seed);
  for (unsigned long i = 0; i < mutations; i++)
    Run(mutator.Next());
  return 0;
}
