// SPDX-License-Identifier: MIT
// Any bytes as frames of a codec: the first byte names the codec, each frame
// has its length before it, so that parameter sets meet later frames.
#include <algorithm>

#include "libvideocall/media/codec.h"
#include "libvideocall/media/opus.h"
#include "tests/fuzz/check.h"

using namespace videocall;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes rest{data + 1, size - 1};
  const auto codec = static_cast<Codec>(data[0] % 5);
  if (codec == Codec::opus) {
    const auto us = opus_duration_us(rest);
    FUZZ_CHECK(!us.ok() || (*us > 0 && *us <= 120'000));
    return 0;
  }
  const auto parser = VideoParser::create(codec);
  while (!rest.empty()) {
    const size_t length = std::min<size_t>(rest[0], rest.size() - 1);
    const Bytes frame = rest.subspan(1, length);
    rest = rest.subspan(1 + length);
    const auto info = parser->parse(frame);
    if (!info) continue;
    FUZZ_CHECK(info->insert_at <= frame.size());
    if (!info->keyframe) continue;
    FUZZ_CHECK(info->width > 0 && info->height > 0);
    FUZZ_CHECK(codec_from_string(info->codec) == codec);
  }
  return 0;
}
