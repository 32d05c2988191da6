// SPDX-License-Identifier: MIT
// HTTP/3 frames, settings and field sections: any input, split by its first
// byte, is read the same way as in one piece.
#include <cstdlib>

#include "libvideocall/quic/h3_frames.h"
#include "libvideocall/quic/qpack.h"

using namespace videocall;
using namespace videocall::quic::h3;

namespace {

struct Summary {
  size_t frames = 0;
  size_t payload = 0;
  uint64_t mixed = 0;
  bool operator==(const Summary&) const = default;
};

Summary read(Bytes stream, size_t step) {
  TlvReader reader;
  Summary summary;
  while (!stream.empty()) {
    Bytes input = stream.first(std::min(step, stream.size()));
    stream = stream.subspan(input.size());
    for (;;) {
      const auto event = reader.next(input);
      if (event == TlvReader::Event::need_more) break;
      if (event == TlvReader::Event::payload) {
        summary.payload += reader.payload().size();
      } else {
        ++summary.frames;
        summary.mixed =
            summary.mixed * 31 + reader.type() * 7 + reader.length();
      }
    }
    if (!input.empty()) std::abort();
  }
  return summary;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  if (read(bytes, 1 + data[0]) != read(bytes, size)) std::abort();
  (void)parse_settings(bytes);
  if (auto fields = decode_fields(bytes)) {
    auto section = encode_fields(*fields);
    if (!section) std::abort();
    auto again = decode_fields(*section);
    if (!again || *again != *fields) std::abort();
  }
  return 0;
}
