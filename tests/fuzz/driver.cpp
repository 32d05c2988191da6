// SPDX-License-Identifier: MIT
// Stands in for libFuzzer where there is no clang: replays the corpus, then
// runs a seeded mutator over it. Takes libFuzzer's arguments that it knows:
//
//   fuzz-NAME [-runs=N] [-seed=N] [-max_len=N] [CORPUS_FOLDER_OR_FILE...]
//
// Same seed, same inputs. An input that ends the process (a sanitizer, an
// assertion) is in the file crash-input of the current folder.
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
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

struct Options {
  uint64_t runs = 20'000;
  uint64_t seed = 1;
  size_t max_len = 4'096;
  std::vector<std::filesystem::path> corpus;
};

bool number_after(std::string_view argument, std::string_view name,
                  uint64_t& value) {
  if (!argument.starts_with(name)) return false;
  value = std::strtoull(argument.data() + name.size(), nullptr, 10);
  return true;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    uint64_t max_len = 0;
    if (number_after(argument, "-runs=", options.runs) ||
        number_after(argument, "-seed=", options.seed))
      continue;
    if (number_after(argument, "-max_len=", max_len)) {
      options.max_len = max_len;
    } else if (!argument.starts_with("-")) {
      options.corpus.emplace_back(argument);
    }
  }
  return options;
}

Input read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Input> read_corpus(const Options& options) {
  // The order of a folder's entries is not the same everywhere.
  std::vector<std::filesystem::path> files;
  for (const auto& path : options.corpus) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Input> corpus;
  for (const auto& file : files) corpus.push_back(read_file(file));
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(const Options& options)
      : random_(options.seed), max_len_(options.max_len) {}

  Input next(const std::vector<Input>& corpus) {
    Input input = corpus.empty() ? Input() : corpus[below(corpus.size())];
    for (size_t steps = 1 + below(8); steps > 0; --steps) mutate(input, corpus);
    if (input.size() > max_len_) input.resize(max_len_);
    return input;
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  uint8_t byte() { return static_cast<uint8_t>(random_()); }

  void mutate(Input& input, const std::vector<Input>& corpus) {
    static constexpr uint8_t kInteresting[] = {0,    1,    0x7f, 0x80,
                                               0xff, 0xfe, 0x20, 0x08};
    const size_t at = below(input.size());
    const auto position = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(8)) {
      case 0:
        if (!input.empty()) input[at] ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        if (!input.empty()) input[at] = byte();
        break;
      case 2:
        if (!input.empty())
          input[at] = kInteresting[below(std::size(kInteresting))];
        break;
      case 3:
        input.insert(position, byte());
        break;
      case 4:
        if (!input.empty()) input.erase(position);
        break;
      case 5:
        input.resize(at);
        break;
      case 6: {  // a piece of itself again
        const Input piece(position,
                          position + static_cast<std::ptrdiff_t>(
                                         below(input.size() - at + 1)));
        input.insert(input.begin() +
                         static_cast<std::ptrdiff_t>(below(input.size() + 1)),
                     piece.begin(), piece.end());
        break;
      }
      default: {  // the end of another one
        if (corpus.empty()) return;
        const Input& other = corpus[below(corpus.size())];
        const auto from = static_cast<std::ptrdiff_t>(below(other.size()));
        input.resize(at);
        input.insert(input.end(), other.begin() + from, other.end());
      }
    }
  }

  std::mt19937_64 random_;
  size_t max_len_;
};

// Kept where a signal handler finds it.
Input current;

void keep_crash(int) {
  std::FILE* file = std::fopen("crash-input", "wb");
  if (file) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::_Exit(77 + 1);
}

void run(const Input& input) {
  current = input;
  // A copy of exactly this size, so that a sanitizer sees each byte too many.
  const Input exact(input);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const std::vector<Input> corpus = read_corpus(options);
  std::signal(SIGABRT, keep_crash);
  std::signal(SIGSEGV, keep_crash);
  run({});
  for (const Input& input : corpus) run(input);
  Mutator mutator(options);
  for (uint64_t i = 0; i < options.runs; ++i) run(mutator.next(corpus));
  std::printf("%zu inputs of the corpus and %llu mutations\n", corpus.size(),
              static_cast<unsigned long long>(options.runs));
  return 0;
}
