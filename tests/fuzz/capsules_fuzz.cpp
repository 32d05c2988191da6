// SPDX-License-Identifier: MIT
// Capsules: any input, split by its first byte, gives the same capsules as in
// one piece, and never more than was allowed.
#include <cstdlib>

#include "libvideocall/quic/capsules.h"

using namespace videocall;
using namespace videocall::quic::h3;

namespace {

std::string read(Bytes stream, size_t step) {
  CapsuleReader reader;
  std::string seen;
  while (!stream.empty()) {
    Bytes input = stream.first(std::min(step, stream.size()));
    stream = stream.subspan(input.size());
    for (;;) {
      auto capsule = reader.next(input);
      if (!capsule) return seen + "failed";
      if (!*capsule) break;
      const CloseCapsule& close = (*capsule)->close;
      if (close.reason.size() > limits::kMaxCapsuleBytes) std::abort();
      seen += std::to_string((*capsule)->type) + " " +
              std::to_string(close.code) + " " + close.reason + ";";
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  if (read(bytes, 1 + data[0]) != read(bytes, size)) std::abort();
  return 0;
}
