// SPDX-License-Identifier: MIT
// A stream, cut in two different ways, gives the same frames and the same
// end. The first byte says how it is cut.
#include <algorithm>
#include <string>
#include <vector>

#include "libvideocall/wire/framing.h"
#include "tests/fuzz/check.h"

using namespace videocall;

namespace {

// Small, so that a fuzzer reaches the limit.
constexpr size_t kMaxPacketBytes = 2'000;

struct Outcome {
  std::vector<std::string> frames;
  bool failed = false;

  bool operator==(const Outcome&) const = default;
};

Outcome decode(Bytes stream, size_t step) {
  FrameDecoder decoder(kMaxPacketBytes);
  Outcome outcome;
  while (!stream.empty()) {
    const Bytes piece = stream.first(std::min(step, stream.size()));
    stream = stream.subspan(piece.size());
    const auto fed =
        decoder.feed(piece, [&](PacketRef packet, Result<void> parsed) {
          const Bytes bytes = packet->bytes();
          FUZZ_CHECK(!bytes.empty() && bytes.size() <= kMaxPacketBytes);
          outcome.frames.emplace_back(bytes.begin(), bytes.end());
          outcome.frames.back() += parsed.ok() ? '+' : '-';
        });
    if (!fed.ok()) {
      outcome.failed = true;
      return outcome;
    }
    FUZZ_CHECK(decoder.buffered() <= kMaxPacketBytes);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes stream{data + 1, size - 1};
  const size_t step = 1 + data[0];
  FUZZ_CHECK(decode(stream, stream.size() + 1) == decode(stream, step));
  return 0;
}
