// SPDX-License-Identifier: MIT
// What a client reads of a WebSocket: the same however it is cut, and within
// the limits. The first byte says how it is cut; if it is odd, the stream
// begins with the answer to the handshake.
#include <algorithm>
#include <string>
#include <vector>

#include "libvideocall/websocket/frames.h"
#include "libvideocall/websocket/upgrade.h"
#include "tests/fuzz/check.h"

using namespace videocall;
using namespace videocall::websocket;

namespace {

// Small, so that a fuzzer reaches the limit.
constexpr size_t kMaxMessage = 2'000;

struct Outcome final : FrameVisitor {
  void on_message(Bytes message) override {
    FUZZ_CHECK(message.size() <= kMaxMessage && !closed);
    heard.emplace_back(message.begin(), message.end());
  }
  void on_ping(Bytes payload) override {
    FUZZ_CHECK(payload.size() <= 125 && !closed);
    heard.emplace_back(payload.begin(), payload.end());
    heard.back() += " ping";
  }
  void on_close(uint16_t code, std::string_view reason) override {
    FUZZ_CHECK(reason.size() <= 123 && !closed);
    closed = true;
    heard.push_back(std::to_string(code) + " " + std::string(reason));
  }
  std::vector<std::string> heard;
  bool closed = false;
  bool failed = false;
};

Outcome decode(Bytes stream, size_t step, bool with_answer) {
  Upgrade upgrade({});
  FrameReader reader(kMaxMessage);
  Outcome outcome;
  while (!stream.empty() && !outcome.failed) {
    Bytes piece = stream.first(std::min(step, stream.size()));
    stream = stream.subspan(piece.size());
    if (with_answer && !upgrade.outcome().done) {
      piece = piece.subspan(upgrade.feed(piece));
      if (!upgrade.outcome().done) continue;
      outcome.heard.push_back(std::to_string(upgrade.outcome().status) + " " +
                              upgrade.outcome().reason);
    }
    outcome.failed = !reader.feed(piece, outcome).ok();
    FUZZ_CHECK(reader.buffered() <= kMaxMessage + 125);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes stream{data + 1, size - 1};
  const size_t step = 1 + data[0] / 2;
  const bool with_answer = data[0] & 1;
  const Outcome whole = decode(stream, stream.size() + 1, with_answer);
  const Outcome cut = decode(stream, step, with_answer);
  FUZZ_CHECK(whole.heard == cut.heard && whole.failed == cut.failed);
  return 0;
}
